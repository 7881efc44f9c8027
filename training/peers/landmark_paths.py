"""Recorded takes as paths from the neutral to the apex, and a trained generator that plays them."""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from facegen_core.errors import DatasetError
from facegen_core.landmarks import NUM_LANDMARKS
from training.evaluation.questions import Labels, Question
from training.expression_model.recordings import RecordedComponent
from training.landmark_gan.takes import LandmarkTake
from training.peers.motion3dgan import PathGenerator, class_code, from_picture, to_picture
from training.peers.srvf import from_srvf, path_length, to_srvf
from training.peers.timing import amplitude, eased_place, mixed

FloatArray = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Paths:
    """pictures: (M, 204, 30) onsets of norm 1; classes: (M,) their expressions; lengths: (C,) mm,
    mean length of the path of each expression per unit of amplitude."""

    pictures: NDArray[np.float32]
    classes: NDArray[np.int64]
    lengths: FloatArray


def read_paths(takes: Rows[LandmarkTake], labels: Labels) -> Paths:
    """The onset, from marks[0] to marks[1], of every take of one expression.

    In mm from the own neutral; the original brings every frame to Frobenius norm 1, which shrinks
    the face as the jaw opens (deviation in its favour). Lengths as `class_means` has its means:
    least squares through rest.
    """
    num_expressions = len(labels.statistics.means)
    sums, weights = np.zeros(num_expressions), np.zeros(num_expressions)
    pictures, classes = [], []
    for take in takes:
        if len(take.components) != 1:
            continue
        part = take.components[0]
        curve = onset(take)
        if len(curve) < 2 or not path_length(curve) > 0:
            continue
        strength = amplitude(labels, part)
        sums[part.expression] += strength * path_length(curve)
        weights[part.expression] += strength**2
        pictures.append(to_picture(to_srvf(curve)).astype(np.float32))
        classes.append(part.expression)
    if not pictures:
        raise DatasetError("The training split has no onset of one expression to learn from.")
    return Paths(np.stack(pictures), np.array(classes), sums / np.maximum(weights, 1e-6))


def onset(take: LandmarkTake) -> FloatArray:
    """(T', 204) the frames of a take from rest to the apex, mm from the neutral."""
    marks = take.components[0].marks
    first, last = int(np.floor(marks[0])), int(np.ceil(marks[1]))
    rows = take.displacements[first : last + 1]
    return rows.reshape(len(rows), -1).astype(np.float64)


@dataclass(frozen=True, eq=False)
class PathPlayer:
    """The LandmarkGenerator of the evaluation: generated paths, played as the label says.

    The original gives neither length nor timing. Length: of the class, times the amplitude of the
    label. Timing: see `timing.eased_place`. Both are deviations in its favour.
    """

    generator: PathGenerator
    labels: Labels
    lengths: FloatArray

    def imagine(self, question: Question, seed: int | None) -> NDArray[np.float32]:
        """(T, 68, 3) displacements, mm; seed None is the path of no noise."""
        parts = self.labels.components(question)
        motions = [
            self._motion(part, question.sequence.num_frames, None if seed is None else [seed, k])
            for k, part in enumerate(parts)
        ]
        return mixed(self.labels, question, motions).astype(np.float32)

    def path(self, expression: int, seed: int | list[int] | None) -> FloatArray:
        """(30, 204) from the neutral on, of length 1 in all."""
        rng = None if seed is None else np.random.default_rng(seed)
        size = self.generator.expand.in_features
        code = class_code(np.array([expression]), len(self.lengths), rng)
        noise = np.zeros((1, size - code.shape[1]), np.float32)
        if rng is not None:
            noise = rng.normal(size=noise.shape).astype(np.float32)
        with torch.no_grad():
            picture = self.generator(torch.from_numpy(noise), torch.from_numpy(code))
        return from_srvf(from_picture(picture[0].numpy().astype(np.float64)))

    def _motion(
        self, part: RecordedComponent, num_frames: int, seed: list[int] | None
    ) -> FloatArray:
        path = self.path(part.expression, seed)
        length = self.lengths[part.expression] * amplitude(self.labels, part)
        place = eased_place(part.marks, num_frames) * (len(path) - 1)
        low = np.minimum(place.astype(int), len(path) - 2)
        share = (place - low)[:, None]
        rows = (1.0 - share) * path[low] + share * path[low + 1]
        return length * rows.reshape(num_frames, NUM_LANDMARKS, 3)
