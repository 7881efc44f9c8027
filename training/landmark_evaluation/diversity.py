"""How differently the same face may play the same label: the spread a generator should have.

A generator that always gives one motion has none, one that adds noise has too much. What is right
is known where the making of the data is: ICT-4D draws as many performances of a face as one likes,
and those whose label comes out as the given one are kept (`training.evaluation.oracle`). Recorded
sets have the other takes of the same person and expression, brought to the marks and the strength
that were asked for. The measure is the mean distance of pairs (as in Yuan &
Kitani, ECCV 2020, there called APD), in mm per point and frame, of displacements.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence as Rows
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from facegen_core.metrics import mean_displacement
from facegen_core.template import Template
from training.datasets.ict import IctDataset
from training.datasets.training_data import TrainingData
from training.evaluation.oracle import Oracle
from training.evaluation.questions import Labels, Question
from training.ict4d.subject_shapes import sum_of_shapes
from training.landmark_evaluation.clock import retimed

if TYPE_CHECKING:
    from training.datasets.sequence import Sequence

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Motions drawn of one face and label: of a generator, and of the simulator, where they are cheap
# and few would say little, as a face may play a label in two ways. Means of pairs do not depend on
# how many there are.
NUM_DRAWS, NUM_TRUE_DRAWS = 10, 30


@dataclass(frozen=True)
class Diversity:
    """Mean distance of two motions of one face and label, mm: of landmarks, and of the skin's
    region "face"."""

    landmarks_mm: float
    skin_mm: float


class Variety(Protocol):
    """Where true motions of one face and label are from; None where fewer than two are known."""

    def landmarks(
        self, question: Question, template: Template, num: int, seed: int
    ) -> NDArray[np.float32] | None:
        """(N, T, 68, 3) displacements, mm, of all frames; N is at most `num`."""

    def skin(
        self, question: Question, frames: IntArray, num: int, seed: int
    ) -> NDArray[np.float32] | None:
        """(N, len(frames), V, 3) displacements of the same motions, mm."""


@dataclass(frozen=True, eq=False)
class SimulatedVariety:
    """Performances the simulator of ICT-4D gives to people with this face and this label.

    Deviation: the plain sum of shapes, without what turns, stretches and contact change about it.
    The spread so found is about 1 % smaller than that of the whole motion, and found in a tenth of
    the time, so that many more performances are looked at.
    """

    oracle: Oracle
    labels: Labels

    def landmarks(
        self, question: Question, template: Template, num: int = NUM_TRUE_DRAWS, seed: int = 0
    ) -> NDArray[np.float32] | None:
        activations = self._drawn(question, num, seed)
        if activations is None:
            return None
        used = np.flatnonzero(activations.any(axis=(0, 1)))
        shapes = np.asarray(question.sequence.shapes[used], np.float32)
        points = template.landmarks.positions(shapes, template.triangles)  # (K', 68, 3)
        return np.tensordot(activations[..., used], points, axes=1).astype(np.float32)

    def skin(
        self, question: Question, frames: IntArray, num: int = NUM_TRUE_DRAWS, seed: int = 0
    ) -> NDArray[np.float32] | None:
        activations = self._drawn(question, num, seed)
        if activations is None:
            return None
        shapes = question.sequence.shapes
        return np.stack([sum_of_shapes(drawn[frames], shapes) for drawn in activations])

    def _drawn(self, question: Question, num: int, seed: int) -> NDArray[np.float32] | None:
        """(N, T, K) activations of different performances, drawn with the oracle's weights."""
        sequence = question.sequence
        if len(sequence.components) > 1:
            return None  # how two expressions meet is drawn by the maker of the set, not here
        drawn = self.oracle.performances(sequence, self.labels.amplitude(question))
        num = min(num, np.count_nonzero(drawn.weights))
        rng = np.random.default_rng([seed, *sequence.name.encode()])
        return drawn.activations[
            rng.choice(len(drawn.weights), num, replace=False, p=drawn.weights)
        ]


@dataclass(frozen=True, eq=False)
class RecordedVariety:
    """All takes of a person's expression, each at the marks and the strength of the question.

    takes: {(subject, expression): sequences of one expression}. Another take was played at its own
    pace and strength, which the label tells: both are brought to those of the question.
    """

    takes: dict[tuple[str, str], list[Sequence]]

    @classmethod
    def of(cls, sequences: Rows[Sequence]) -> RecordedVariety:
        takes: dict[tuple[str, str], list[Sequence]] = defaultdict(list)
        for sequence in sequences:
            if len(sequence.components) == 1:
                takes[sequence.subject, sequence.expression].append(sequence)
        return cls(takes)

    def landmarks(
        self, question: Question, template: Template, num: int = NUM_TRUE_DRAWS, seed: int = 0
    ) -> NDArray[np.float32] | None:
        skin = self.skin(question, np.arange(question.sequence.num_frames), num, seed)
        if skin is None:
            return None
        return template.landmarks.positions(skin, template.triangles).astype(np.float32)

    def skin(
        self, question: Question, frames: IntArray, num: int = NUM_TRUE_DRAWS, seed: int = 0
    ) -> NDArray[np.float32] | None:
        """All takes there are, `num` of them by chance where there are more."""
        sequence = question.sequence
        own = self.takes.get((sequence.subject, sequence.expression), [])
        if len(sequence.components) > 1 or len(own) < 2:
            return None
        rng = np.random.default_rng([seed, *sequence.name.encode()])
        wanted = _strength(sequence)
        return np.stack(
            [
                retimed(own[k].displacements(), own[k].marks, sequence.marks, frames)
                * np.float32(wanted / max(_strength(own[k]), 1e-9))
                for k in rng.permutation(len(own))[:num]
            ]
        )


def open_variety(data: TrainingData, labels: Labels, split: str, seed: int) -> Variety:
    """The simulator where there is one, else the takes of the split."""
    if isinstance(data.dataset, IctDataset):
        return SimulatedVariety(Oracle(data.dataset, labels.statistics, labels.rule, seed), labels)
    return RecordedVariety.of(data.sequences[split])


def true_landmark_diversity(
    question: Question,
    variety: Variety,
    template: Template,
    num: int = NUM_TRUE_DRAWS,
    seed: int = 0,
) -> float | None:
    """Mean distance of true landmark motions given face and label, mm; None where unknown.

    Over all frames of the sequence, rest included; a second, most of it the simulator's.
    """
    motions = variety.landmarks(question, template, num, seed)
    return None if motions is None else pair_distance(motions)


def true_diversity(
    question: Question,
    variety: Variety,
    template: Template,
    face: FloatArray,
    frames: IntArray | None = None,
    num: int = NUM_TRUE_DRAWS,
    seed: int = 0,
) -> Diversity | None:
    """The spread of the truth given the face and the label of a question; None where unknown.

    face: (V,) weights of the skin; frames: where the skin is looked at, all of them by default.
    """
    if frames is None:
        frames = np.arange(question.sequence.num_frames)
    landmarks = variety.landmarks(question, template, num, seed)
    skin = variety.skin(question, frames, num, seed)
    if landmarks is None or skin is None:
        return None
    return Diversity(pair_distance(landmarks), pair_distance(skin, face))


def pair_distance(motions: FloatArray, weights: FloatArray | None = None) -> float:
    """Mean over pairs, frames and points of the distances of (N, T, P, 3) motions, mm.

    weights: (P,) of the points. 0 for a single motion: it differs from nothing.
    """
    distances = [
        mean_displacement(motions[k] - motions[j], weights).mean()
        for k in range(len(motions))
        for j in range(k)
    ]
    return float(np.mean(distances)) if distances else 0.0


def _strength(sequence: Sequence) -> float:
    """Mean displacement in the apex, mm."""
    first, last = int(np.ceil(sequence.marks[1])), int(sequence.marks[2])
    frames = np.arange(first, max(first, last) + 1)
    apex = sequence.displacements(np.minimum(frames, sequence.num_frames - 1))
    return float(mean_displacement(apex).mean())
