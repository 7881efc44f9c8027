"""What a step is shown: frames of a few faces, shaken and mixed, and what the head leaves over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facegen_core.models.displacement_config import FRAME_SIZE, DisplacementDecoderConfig
from facegen_core.models.displacement_decoder import FaceOffsets
from facegen_core.models.neutral_reading import Offsets, coefficient_spread
from training.displacement_decoder.config import DecoderTrainConfig
from training.displacement_decoder.faces import Face
from training.displacement_decoder.head import Head, face_gain
from training.runs.distributed import Processes


@dataclass(frozen=True, eq=False)
class Lesson:
    """A training subject, as the residual sees it.

    landmarks: (N, 68, 3) mm; gain: (K, 204) from them to coefficients over their spread, K is 0
    without a linear head; left_over: (N, V, 3) mm of the skin that the head does not reach.
    """

    subject: str
    offsets: Offsets
    landmarks: NDArray[np.float32]
    gain: NDArray[np.float32]
    left_over: NDArray[np.float16]


def lesson_of(face: Face, head: Head, config: DisplacementDecoderConfig) -> Lesson:
    """What is left of a face's frames when the head has done its part."""
    left_over, gain = face.skin, np.zeros((0, FRAME_SIZE), np.float32)
    if config.linear_head:
        gain = face_gain(face, head, config)
        read = face.landmarks.reshape(len(face.landmarks), -1) @ gain.T
        gain = gain / coefficient_spread(head.factor)[:, None]
        lifted = read @ face.shapes.reshape(len(face.shapes), -1).astype(np.float32)
        left_over = (face.skin - lifted.reshape(face.skin.shape)).astype(np.float16)
    return Lesson(face.subject, face.offsets, face.landmarks, gain, left_over)


@dataclass(frozen=True, eq=False)
class Batch:
    """This process's part of a step, on the CPU; names: of all subjects in it.

    landmarks: (F, N, 68, 3) mm and coefficients (F, N, K) over their spread, as the decoder is to
    see them; offsets: of the F neutrals; target: (V, F, N, 3) mm that the residual should add;
    share: of this part in the whole step.
    """

    names: tuple[str, ...]
    landmarks: Tensor
    coefficients: Tensor
    offsets: FaceOffsets
    target: Tensor
    share: float


class ExampleSource:
    """Draws batches; all randomness is that of the seed and the step."""

    def __init__(
        self, lessons: list[Lesson], config: DecoderTrainConfig, processes: Processes
    ) -> None:
        self.lessons, self.config, self.processes = lessons, config, processes

    def draw(self, step: int) -> Batch:
        """The batch of a step: the same faces and frames on every process, each takes its part."""
        config = self.config
        rng = np.random.default_rng([config.seed, 1, step])
        chosen = rng.integers(len(self.lessons), size=config.faces_per_batch)
        part = self.processes.part(len(chosen))
        drawn = [
            self._frames(self.lessons[chosen[i]], np.random.default_rng([config.seed, 2, step, i]))
            for i in range(part.start, part.stop)
        ]
        landmarks, coefficients, targets = zip(*drawn, strict=True)
        return Batch(
            tuple(self.lessons[index].subject for index in chosen),
            torch.from_numpy(np.stack(landmarks)),
            torch.from_numpy(np.stack(coefficients)),
            FaceOffsets.of([self.lessons[index].offsets for index in chosen[part]]),
            torch.from_numpy(np.stack(targets)).permute(2, 0, 1, 3),
            len(drawn) / len(chosen),
        )

    def _frames(
        self, lesson: Lesson, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """(N, 68, 3) landmarks of a face, shaken, their (N, K) coefficients over their spread, and
        (N, V, 3) what the head leaves over.

        What the head makes of the shaking is left out of the target: nothing seen could tell it,
        and the head already trusts landmarks no more than they deserve.
        """
        config = self.config
        rows = rng.integers(len(lesson.landmarks), size=(2, config.frames_per_face))
        shares = _blend_shares(config, rng)
        landmarks = _mixed(lesson.landmarks, rows, shares)
        sizes = rng.uniform(0.0, config.noise_mm, size=(len(landmarks), 1, 1))
        landmarks += (sizes * rng.normal(size=landmarks.shape)).astype(np.float32)
        coefficients = landmarks.reshape(len(landmarks), -1) @ lesson.gain.T
        return landmarks, coefficients, _mixed(lesson.left_over, rows, shares)


def _blend_shares(config: DecoderTrainConfig, rng: np.random.Generator) -> NDArray[np.float32]:
    """(2, N) how much of either frame: one alone, weaker, or two that add up to 1."""
    count = config.frames_per_face
    first = np.where(rng.random(count) < config.blended, rng.random(count), 1.0)
    second = np.where(rng.random(count) < 0.5, 1.0 - first, 0.0)
    return np.stack([first, second]).astype(np.float32)


def _mixed(
    values: NDArray[np.floating], rows: NDArray[np.integer], shares: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(N, …) shares of two rows each."""
    broad = (-1, *[1] * (values.ndim - 1))
    mixed = shares[0].reshape(broad) * values[rows[0]].astype(np.float32)
    two = np.flatnonzero(shares[1])
    mixed[two] += shares[1][two].reshape(broad) * values[rows[1][two]].astype(np.float32)
    return mixed
