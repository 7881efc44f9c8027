"""What the landmark generators are made of, and which weights they have. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..landmarks import NUM_LANDMARKS

# Coordinates of a frame of landmarks.
FRAME_SIZE = NUM_LANDMARKS * 3
# Columns of the time code in `conditioning.signal_features`.
TIME_CODE_SIZE = 2
# Frames of a clip, at the model's rate, that every stage can make something of; and more than an
# artist asks for at once.
SHORTEST_CLIP, LONGEST_CLIP = 10, 20_000


@dataclass(frozen=True)
class LandmarkGanConfig:
    """The landmark generators of LM-4DGAN, coarse to fine (arXiv 2603.10337)."""

    # Frames of each stage per frame of the model's rate; the last is 1. Three stages of 15, 21 and
    # 30 of 30 frames, as the authors' related system has them.
    stage_rates: tuple[float, ...] = (0.5, 0.7, 1.0)
    # Features within each stage, its convolutions over time and how many frames each sees. What
    # faces do is decided at the coarsest; the finer ones smooth and correct.
    widths: tuple[int, ...] = (96, 48, 48)
    num_blocks: int = 4
    kernel: int = 5
    # Standard deviation of a window over the last stage's motion, frames: faces do not tremble.
    smoothing: float = 0.6
    # Numbers drawn for every stage and stretch of motion between two rests.
    noise_size: int = 16
    # Numbers the neutral landmarks are told in, the first of which is the gap of the lips.
    neutral_size: int = 12
    # Whether stages work on the mean face, and deformation transfer carries what they make to each
    # neutral; otherwise they have to learn what a wider mouth does from the faces of the data.
    follows_neutral: bool = True

    @property
    def num_stages(self) -> int:
        return len(self.stage_rates)


def landmark_weight_shapes(
    config: LandmarkGanConfig, num_expressions: int
) -> dict[str, tuple[int, ...]]:
    """Name and shape of every array of the generators for C expressions."""
    told = condition_size(config, num_expressions)
    shapes: dict[str, tuple[int, ...]] = {
        "neutral_mean": (FRAME_SIZE,),
        "neutral_basis": (config.neutral_size, FRAME_SIZE),
        "scale": (),
        "noise_scales": (config.num_stages,),
        "linear.weight": (FRAME_SIZE, feature_size(num_expressions)),
    }
    kernel = config.kernel
    for k, width in enumerate(config.widths):
        stage = f"stages.{k}"
        shapes[f"{stage}.read.weight"] = (width, told + FRAME_SIZE)
        shapes[f"{stage}.read.bias"] = (width,)
        for i in range(config.num_blocks):
            shapes[f"{stage}.blocks.{i}.weight"] = (width, width + told, kernel)
            shapes[f"{stage}.blocks.{i}.bias"] = (width,)
        shapes[f"{stage}.write.weight"] = (FRAME_SIZE, width)
        shapes[f"{stage}.write.bias"] = (FRAME_SIZE,)
    return shapes


def smoothing_kernel(config: LandmarkGanConfig) -> NDArray[np.float32]:
    """(2·R + 1,) the window over the last stage's motion; [1] for none."""
    if config.smoothing <= 0:
        return np.ones(1, np.float32)
    reach = int(np.ceil(3 * config.smoothing))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / config.smoothing) ** 2)
    return (weights / weights.sum()).astype(np.float32)


def condition_size(config: LandmarkGanConfig, num_expressions: int) -> int:
    """Numbers every block of a stage is told per frame: signal, time, neutral and noise."""
    return told_size(num_expressions) + config.neutral_size + config.noise_size


def told_size(num_expressions: int) -> int:
    """How many of the signal's features every block is told: all but those for the linear map."""
    return 2 * num_expressions + TIME_CODE_SIZE


def feature_size(num_expressions: int) -> int:
    """Columns of `conditioning.signal_features`."""
    return 5 * num_expressions + TIME_CODE_SIZE
