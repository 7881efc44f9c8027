"""Takes that were never recorded: the question of a take asked otherwise.

At another length, of another face, or many expressions in one clip; with the truth that goes with
them where there is one.
"""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from facegen_core.errors import DatasetError
from training.evaluation.questions import LABEL_RULES, Question
from training.expression_model.recordings import RecordedComponent

if TYPE_CHECKING:
    from training.datasets.sequence import Component, Sequence

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class StagedTake:
    """A sequence as far as systems may look at one; it has no motion of its own.

    name, subject and take are those of the sequence it is made of.
    """

    name: str
    subject: str
    take: int
    components: tuple[Component, ...]
    neutral: NDArray[np.float32]
    identity: NDArray[np.float32]
    num_frames: int

    @property
    def expression(self) -> str:
        return self.components[0].expression

    @property
    def marks(self) -> FloatArray:
        return self.components[0].marks

    def displacements(self, frames: IntArray | None = None) -> NDArray[np.float32]:
        raise DatasetError(f"{self.name} is staged: it has no recorded motion to compare with.")

    def jaw(self) -> NDArray[np.float32]:
        raise DatasetError(f"{self.name} is staged: it has no recorded jaw.")


def stage(sequence: Sequence, **changes) -> StagedTake:
    """A sequence as a staged take with some of its fields changed."""
    take = StagedTake(
        sequence.name,
        sequence.subject,
        sequence.take,
        sequence.components,
        sequence.neutral,
        sequence.identity,
        sequence.num_frames,
    )
    return replace(take, **changes)


def stretched_question(question: Question, num_frames: int) -> Question:
    """The same expressions on the same face, from the first to the last of `num_frames` frames."""
    sequence = question.sequence
    factor = (num_frames - 1) / (sequence.num_frames - 1)
    parts = tuple(replace(p, marks=factor * np.asarray(p.marks)) for p in sequence.components)
    staged = stage(sequence, components=parts, num_frames=num_frames)
    told = {
        rule: tuple(replace(p, marks=factor * p.marks) for p in question.components[rule])
        for rule in LABEL_RULES
    }
    return replace(question, sequence=staged, components=told)


def stretched_motion(motion: FloatArray, num_frames: int) -> NDArray[np.float32]:
    """(num_frames, ...) the motion (T, ...) that goes with a stretched question: as smooth as it
    was, by a cubic spline through all frames."""
    if len(motion) < 2:
        return np.repeat(np.asarray(motion, np.float32), num_frames, axis=0)
    spline = CubicSpline(np.arange(len(motion)), motion, axis=0)
    return spline(np.linspace(0, len(motion) - 1, num_frames)).astype(np.float32)


def asked_of(question: Question, sequence: Sequence) -> Question:
    """The same curves, asked of the face of another sequence."""
    staged = stage(
        question.sequence,
        name=f"{sequence.subject}_as_{question.sequence.name}",
        subject=sequence.subject,
        neutral=sequence.neutral,
        identity=sequence.identity,
    )
    return replace(question, sequence=staged)


def joined_question(
    questions: Rows[Question], motions: Rows[FloatArray], num_frames: int
) -> tuple[Question, NDArray[np.float32]]:
    """One clip in which a face plays takes one after another, round and round, and its motion.

    questions: of one subject, with their motions (T, ...). What no whole take has room for at the
    end is rest.
    """
    starts, order, start, k = [], [], 0, 0
    while start + len(motions[k]) <= num_frames:
        starts.append(start)
        order.append(k)
        start += len(motions[k])
        k = (k + 1) % len(motions)
    if not starts:
        raise DatasetError(f"A clip of {num_frames} frames is too short for a whole take.")
    joined = np.zeros((num_frames, *motions[0].shape[1:]), np.float32)
    parts: list[Component] = []
    told: dict[str, list[RecordedComponent]] = {rule: [] for rule in LABEL_RULES}
    for start, k in zip(starts, order, strict=True):
        joined[start : start + len(motions[k])] = motions[k]
        parts += [replace(p, marks=p.marks + start) for p in questions[k].sequence.components]
        for rule in LABEL_RULES:
            told[rule] += [replace(p, marks=p.marks + start) for p in questions[k].components[rule]]
    first = questions[0]
    staged = stage(first.sequence, components=tuple(parts), num_frames=num_frames)
    components = {rule: tuple(rows) for rule, rows in told.items()}
    return replace(first, sequence=staged, components=components), joined
