"""What a step sees: windows of changed recordings, whose faces they are, and noise.

Everything is drawn from the seed and the number of the step alone, so that a run that goes on after
a kill sees what it would have seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facegen_core.conditioning import signal_features
from facegen_core.landmark_inference import MAX_NOISE
from facegen_core.models.landmark_config import LandmarkGanConfig
from training.expression_model.examples import Example, ExampleSource
from training.expression_model.recordings import MagnitudeStatistics
from training.landmark_gan.config import LandmarkTrainConfig
from training.landmark_gan.takes import LandmarkTake

# Frames of rest a window may begin before its clip.
REST_BEFORE = 8
# The blur of the lips' gap in that of the other numbers of a face's code.
LIP_GAP_BLUR = 0.1


@dataclass(frozen=True, eq=False)
class LandmarkBatch:
    """features (B, K, 5·C + 2) of the signal, neutral (B, 204) mm, motion (B, K, 204) mm; other
    (B, 204): the neutral of somebody else; code_noise (B, N) and code_kept (B, N): what is added to
    a face's code and what of it is told; face: (B, 204, 204) its landmark map; names: of the
    recordings; size: of the whole batch, of which this may be a part."""

    features: Tensor
    neutral: Tensor
    motion: Tensor
    other: Tensor
    code_noise: Tensor
    code_kept: Tensor
    face: Tensor
    names: tuple[str, ...]
    size: int

    def on(self, device: torch.device) -> LandmarkBatch:
        names = "features neutral motion other code_noise code_kept face".split()
        return LandmarkBatch(*(getattr(self, n).to(device) for n in names), self.names, self.size)


class BatchSource:
    """Draws batches of the training takes."""

    def __init__(
        self,
        takes: list[LandmarkTake],
        statistics: MagnitudeStatistics,
        config: LandmarkTrainConfig,
        frame_rate: float,
        faces: Mapping[str, NDArray[np.float32]],
    ) -> None:
        """faces: {subject: (204, 204) landmark map}."""
        self.config, self.frame_rate = config, frame_rate
        self.num_expressions = len(statistics.means)
        recordings = [take.recording for take in takes]
        self._source = ExampleSource(recordings, statistics, config.labels, config.augmentation)
        self._neutrals = np.stack([take.neutral.reshape(-1) for take in takes])
        self._subjects = np.array([take.subject for take in takes])
        self._faces = faces
        self._names = [take.name for take in takes]

    def draw(self, step: int, update: int, part: slice) -> LandmarkBatch:
        """Of one update within a step; `part` of its rows are made, the others only counted."""
        rng = np.random.default_rng([self.config.seed, step, update + 1])
        chosen = rng.integers(len(self._names), size=self.config.batch)
        others = np.array([self._somebody_else(index, rng) for index in chosen])
        seeds = rng.integers(2**32, size=len(chosen))
        code_noise, code_kept = self._code_changes(len(chosen), rng)
        mine = range(*part.indices(len(chosen)))
        rows = [self._window(int(chosen[i]), np.random.default_rng(seeds[i])) for i in mine]
        features, motion = (
            torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)
        )
        return LandmarkBatch(
            features,
            torch.from_numpy(self._neutrals[chosen[part]]),
            motion,
            torch.from_numpy(self._neutrals[others[part]]),
            torch.from_numpy(code_noise[part]),
            torch.from_numpy(code_kept[part]),
            torch.from_numpy(np.stack([self._faces[self._subjects[i]] for i in chosen[part]])),
            tuple(self._names[i] for i in chosen),
            len(chosen),
        )

    def _code_changes(
        self, rows: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The gap of the lips, which comes first, is always told and hardly blurred."""
        size = self.config.generators.neutral_size
        noise = self.config.code_noise * rng.normal(size=(rows, size))
        kept = np.repeat(rng.random((rows, 1)) >= self.config.code_dropout, size, axis=1)
        noise[:, 0] *= LIP_GAP_BLUR
        noise[:, 1:] *= kept[:, 1:]
        kept[:, 0] = True
        return noise.astype(np.float32), kept.astype(np.float32)

    def _somebody_else(self, index: int, rng: np.random.Generator) -> int:
        """A recording of another subject; the same where there is only one."""
        others = np.flatnonzero(self._subjects != self._subjects[index])
        return int(rng.choice(others)) if len(others) else index

    def _window(self, index: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], ...]:
        example = self._source.draw(rng, index)
        return cut_window(example, self.config.window, self.frame_rate, rng)


def cut_window(
    example: Example, window: int, frame_rate: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], ...]:
    """Features and motion of some consecutive frames, with rest around the clip."""
    length = len(example.signal)
    features = signal_features(example.signal, frame_rate)
    start = int(rng.integers(-REST_BEFORE, max(length - window, -REST_BEFORE) + REST_BEFORE + 1))
    low, high = max(start, 0), min(start + window, length)
    rows = []
    for values in (features, example.coefficients):
        whole = np.zeros((window, values.shape[1]), np.float32)
        whole[low - start : high - start] = values[low:high]
        rows.append(whole)
    return tuple(rows)


def training_noise(
    config: LandmarkGanConfig, rows: int, num_frames: int, rng: np.random.Generator
) -> Tensor:
    """(B, S, K, Z) as `landmark_inference.draw_noise` makes it for one stretch of motion."""
    drawn = rng.normal(size=(rows, config.num_stages, 1, config.noise_size))
    noise = torch.from_numpy(np.clip(drawn, -MAX_NOISE, MAX_NOISE).astype(np.float32))
    return noise.expand(-1, -1, num_frames, -1)
