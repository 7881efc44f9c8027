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
from training.landmark_evaluation.clock import retimed

if TYPE_CHECKING:
    from training.datasets.sequence import Sequence

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Motions drawn of one face and label: of a generator, and of the simulator, where they are cheap
# and few would say little, as a face may play a label in two ways. Means of pairs do not depend on
# how many there are.
NUM_DRAWS, NUM_TRUE_DRAWS = 10, 30
# Performances of which these are chosen by their label.
NUM_SIMULATED = 300


@dataclass(frozen=True)
class Diversity:
    """Mean distance of two motions of one face and label, mm: of landmarks, and of the skin where
    it was looked at."""

    landmarks_mm: float
    skin_mm: float


@dataclass(frozen=True, eq=False)
class Drawn:
    """Motions of one face and label: landmarks (N, T, 68, 3) in all frames, and skin (N, F, P, 3)
    in some of them at some vertices, both mm; skin is None where it was not asked for."""

    landmarks: NDArray[np.float32]
    skin: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class Looked:
    """Where the skin is looked at: (F,) frames and (P,) vertices."""

    frames: IntArray
    points: IntArray


class Variety(Protocol):
    """Where true motions of one face and label are from."""

    def draw(
        self, question: Question, template: Template, looked: Looked | None, num: int, seed: int
    ) -> Drawn | None:
        """`num` motions, fewer where there are not so many; None where fewer than two are known."""


@dataclass(frozen=True, eq=False)
class SimulatedVariety:
    """Performances the simulator of ICT-4D gives to people with this face and this label.

    Deviation: the plain sum of shapes, without what turns, stretches and contact change about it.
    The spread so found is about 1 % smaller than that of the whole motion, and found in a tenth of
    the time, so that many more performances are looked at.
    """

    oracle: Oracle
    labels: Labels

    def draw(
        self,
        question: Question,
        template: Template,
        looked: Looked | None = None,
        num: int = NUM_TRUE_DRAWS,
        seed: int = 0,
    ) -> Drawn | None:
        """Different performances, drawn with the weights of the oracle."""
        sequence = question.sequence
        if len(sequence.components) > 1:
            return None  # how two expressions meet is drawn by the maker of the set, not here
        drawn = self.oracle.performances(sequence, self.labels.amplitude(question))
        num = min(num, np.count_nonzero(drawn.weights))
        rng = np.random.default_rng([seed, *sequence.name.encode()])
        chosen = rng.choice(len(drawn.weights), num, replace=False, p=drawn.weights)
        activations = drawn.activations[chosen]
        used = np.flatnonzero(activations.any(axis=(0, 1)))
        activations = activations[..., used]
        shapes = np.asarray(sequence.shapes[used], np.float32)
        places = template.landmarks.positions(shapes, template.triangles)  # (K', 68, 3)
        landmarks = np.tensordot(activations, places, axes=1).astype(np.float32)
        if looked is None:
            return Drawn(landmarks, None)
        few = np.ascontiguousarray(shapes[:, looked.points])
        return Drawn(landmarks, np.tensordot(activations[:, looked.frames], few, axes=1))


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

    def draw(
        self,
        question: Question,
        template: Template,
        looked: Looked | None = None,
        num: int = NUM_TRUE_DRAWS,
        seed: int = 0,
    ) -> Drawn | None:
        """All takes there are, `num` of them by chance where there are more."""
        sequence = question.sequence
        own = self.takes.get((sequence.subject, sequence.expression), [])
        if len(sequence.components) > 1 or len(own) < 2:
            return None
        rng = np.random.default_rng([seed, *sequence.name.encode()])
        wanted, frames = _strength(sequence), np.arange(sequence.num_frames)
        landmarks, skins = [], []
        for k in rng.permutation(len(own))[:num]:
            motion = retimed(own[k].displacements(), own[k].marks, sequence.marks, frames)
            motion *= np.float32(wanted / max(_strength(own[k]), 1e-9))
            places = template.landmarks.positions(motion, template.triangles)
            landmarks.append(places.astype(np.float32))
            if looked is not None:
                skins.append(motion[looked.frames][:, looked.points])
        return Drawn(np.stack(landmarks), np.stack(skins) if skins else None)


def open_variety(data: TrainingData, labels: Labels, split: str, seed: int) -> Variety:
    """The simulator where there is one, else the takes of the split."""
    if isinstance(data.dataset, IctDataset):
        oracle = Oracle(data.dataset, labels.statistics, labels.rule, seed, NUM_SIMULATED)
        return SimulatedVariety(oracle, labels)
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
    drawn = variety.draw(question, template, None, num, seed)
    return None if drawn is None else pair_distance(drawn.landmarks)


def true_diversity(
    question: Question,
    variety: Variety,
    template: Template,
    looked: Looked,
    num: int = NUM_TRUE_DRAWS,
    seed: int = 0,
) -> Diversity | None:
    """The spread of the truth given the face and the label of a question; None where unknown."""
    drawn = variety.draw(question, template, looked, num, seed)
    if drawn is None or drawn.skin is None:
        return None
    return Diversity(pair_distance(drawn.landmarks), pair_distance(drawn.skin))


def pair_distance(motions: FloatArray) -> float:
    """Mean over pairs, frames and points of the distances of (N, T, P, 3) motions, mm.

    0 for a single motion: it differs from nothing.
    """
    distances = [
        mean_displacement(motions[k] - motions[j]).mean()
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
