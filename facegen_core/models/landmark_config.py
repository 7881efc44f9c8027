"""What the landmark generators are made of, and which weights they have. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

from ..landmarks import NUM_LANDMARKS

# Coordinates of a frame of landmarks.
FRAME_SIZE = NUM_LANDMARKS * 3
# Seconds since the last rest and until the next, squashed: see `conditioning.time_code`.
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
    # Features within a stage, its convolutions over time and how many frames each sees.
    width: int = 96
    num_blocks: int = 4
    kernel: int = 5
    # Numbers drawn for every stage and stretch of motion between two rests.
    noise_size: int = 16
    # Numbers the neutral landmarks are told in.
    neutral_size: int = 16
    # Whether stages are told the seconds since the last rest and until the next.
    reads_time: bool = True

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
    }
    width, kernel = config.width, config.kernel
    for k in range(config.num_stages):
        stage = f"stages.{k}"
        read = told + (FRAME_SIZE if k > 0 else 0)
        shapes[f"{stage}.read.weight"] = (width, read)
        shapes[f"{stage}.read.bias"] = (width,)
        for i in range(config.num_blocks):
            shapes[f"{stage}.blocks.{i}.weight"] = (width, width + told, kernel)
            shapes[f"{stage}.blocks.{i}.bias"] = (width,)
        shapes[f"{stage}.write.weight"] = (FRAME_SIZE, width)
        shapes[f"{stage}.write.bias"] = (FRAME_SIZE,)
    return shapes


def condition_size(config: LandmarkGanConfig, num_expressions: int) -> int:
    """Numbers every block of a stage is told per frame: signal, time, neutral and noise."""
    time = TIME_CODE_SIZE if config.reads_time else 0
    return num_expressions + time + config.neutral_size + config.noise_size
