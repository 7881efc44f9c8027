"""The faces of the identity test: what all are asked, and how each of them truly moves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence as Rows
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facegen_core.metrics import mean_displacement
from facegen_core.template import Template
from training.datasets.ict import IctSequence
from training.datasets.sequence import Component
from training.evaluation.oracle import Oracle
from training.evaluation.questions import Labels, Question
from training.evaluation.reference import Reference
from training.ict4d.subject_shapes import sum_of_shapes
from training.landmark_evaluation.cases import first_of_each
from training.landmark_evaluation.identity import at_unit_strength, on_phases
from training.landmark_evaluation.staged import asked_of, stage

if TYPE_CHECKING:
    from training.datasets.sequence import Sequence

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Performances the expected motion of a face is the mean of.
NUM_EXPECTED_DRAWS = 200


@dataclass(frozen=True, eq=False)
class Moved:
    """A motion on the clock of its phases: (N, P, 3) at some vertices of the face and (N, 68, 3)
    at the landmarks, mm."""

    skin: NDArray[np.float32]
    landmarks: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FacesOfOneExpression:
    """The subjects who play an expression, all asked the same.

    questions: one per subject; true: their recorded motions, the mean of their takes at unit
    strength; expected: their motion with the chance of style taken out, mm; is_simulated: whether
    that is known from the making of the data, or is the takes again.
    """

    expression: str
    subjects: tuple[str, ...]
    questions: tuple[Question, ...]
    true: tuple[Moved, ...]
    expected: tuple[Moved, ...]
    is_simulated: bool


def read_faces(
    sequences: Rows[Sequence],
    expressions: Rows[str],
    template: Template,
    points: IntArray,
    reference: Reference,
    oracle: Oracle | None,
) -> list[FacesOfOneExpression]:
    """All expressions that two subjects play or more; None for `oracle` where there is none."""
    takes: dict[str, dict[str, list[Sequence]]] = defaultdict(lambda: defaultdict(list))
    for sequence in sequences:
        if len(sequence.components) == 1:
            takes[sequence.expression][sequence.subject].append(sequence)
    first = first_of_each(sequences)
    played = [name for name in expressions if len(takes[name]) > 1]
    result = []
    for name in played:
        subjects = tuple(takes[name])
        strength = _strength_of(reference, list(expressions).index(name))
        common = common_question(
            [s for group in takes[name].values() for s in group], expressions, strength
        )
        questions = tuple(asked_of(common, first[subject, name]) for subject in subjects)
        true = tuple(_true_motion(takes[name][s], template, points) for s in subjects)
        if oracle is None:
            expected = tuple(Moved(strength * m.skin, strength * m.landmarks) for m in true)
        else:
            expected = tuple(
                _expected_motion(first[s, name], q, template, points, reference.labels, oracle)
                for s, q in zip(subjects, questions, strict=True)
            )
        result.append(
            FacesOfOneExpression(name, subjects, questions, true, expected, oracle is not None)
        )
    return result


def common_question(takes: Rows[Sequence], expressions: Rows[str], strength_mm: float) -> Question:
    """An expression at the average strength with the marks of a take of average phases."""
    marks = np.stack([np.asarray(take.marks, float) for take in takes])
    ends = np.array([take.num_frames - 1 for take in takes])
    phases = np.median(np.diff(np.column_stack([np.zeros(len(ends)), marks, ends]), axis=1), axis=0)
    clock = np.rint(np.cumsum(phases))
    component = Component(takes[0].expression, clock[:4], strength_mm)
    staged = stage(takes[0], components=(component,), num_frames=int(clock[4]) + 1)
    silent = np.zeros((staged.num_frames, 1, 3), np.float32)  # the component states its magnitude
    return Question.about(staged, silent, expressions).with_strength("fixed")


def _strength_of(reference: Reference, expression: int) -> float:
    return float(reference.labels.statistics.means[expression])


def _true_motion(takes: Rows[Sequence], template: Template, points: IntArray) -> Moved:
    """The mean of the takes of one person and expression, each at unit strength."""
    skins, landmarks = [], []
    for take in takes:
        motion = take.displacements()
        moved = template.landmarks.positions(motion, template.triangles)
        skin = on_phases(motion[:, points], take.marks)
        strength = max(float(mean_displacement(skin).mean()), 1e-9)
        skins.append(skin / strength)
        landmarks.append(on_phases(moved, take.marks) / strength)
    skin = np.mean(skins, axis=0)
    rescale = at_unit_strength(skin)
    return Moved(rescale, np.mean(landmarks, axis=0).astype(np.float32))


def _expected_motion(
    sequence: Sequence,
    question: Question,
    template: Template,
    points: IntArray,
    labels: Labels,
    oracle: Oracle,
) -> Moved:
    """What the simulator gives this face on average at the label of the question: the plain sum of
    its shapes at the mean activations. All faces are played by people of the same styles, so that
    they differ by what they are."""
    staged = question.sequence
    assert isinstance(sequence, IctSequence)
    silent = np.zeros((staged.num_frames, sequence.activations.shape[1]), np.float32)
    asked = replace(sequence, components=staged.components, activations=silent)
    drawn = oracle.performances(asked, labels.amplitude(question), stream=staged.expression)
    mean = np.tensordot(drawn.weights, drawn.activations, axes=1)
    used = np.flatnonzero(mean.any(axis=0))
    shapes = np.asarray(sequence.shapes[used], np.float32)
    at_landmarks = template.landmarks.positions(shapes, template.triangles)
    return Moved(
        on_phases(sum_of_shapes(mean[:, used], shapes[:, points]), staged.marks),
        on_phases(sum_of_shapes(mean[:, used], at_landmarks), staged.marks),
    )
