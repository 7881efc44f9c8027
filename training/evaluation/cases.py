"""The test sequences, one at a time: the truth and the frames it is compared at."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Rows
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.evaluation.questions import Question
from training.evaluation.reference import resampled_frames

if TYPE_CHECKING:
    from training.datasets.sequence import Sequence

IntArray = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Case:
    """One test sequence.

    question: what a system is told of it. frames: (N,) its frames that are generated; truth:
    (N, V, 3) mm at them. compared: rows of these at which errors are measured, evenly from the
    first frame to the last. is_whole: all frames are there, for measures of motion.
    """

    question: Question
    frames: IntArray
    truth: NDArray[np.float32]
    compared: IntArray
    is_whole: bool

    @property
    def sequence(self) -> Sequence:
        return self.question.sequence

    @property
    def is_single(self) -> bool:
        """Whether it shows one expression, as all of the paper's do."""
        return len(self.sequence.components) == 1


def read_case(
    sequence: Sequence, expressions: Rows[str], num_compared: int, is_whole: bool
) -> Case:
    """Read the truth; strengths are measured on it, see `questions`."""
    displacements = np.asarray(sequence.displacements(), np.float32)
    question = Question.about(sequence, displacements, expressions)
    compared = resampled_frames(sequence.num_frames, num_compared)
    if is_whole:
        frames = np.arange(sequence.num_frames)
        return Case(question, frames, displacements, compared, True)
    truth = displacements[compared]
    return Case(question, compared, truth, np.arange(num_compared), False)


def looked_at_whole(sequences: Rows[Sequence]) -> Iterator[tuple[Sequence, bool]]:
    """Each sequence, and whether it is the first of its subject and expression."""
    seen = set()
    for sequence in sequences:
        key = (sequence.subject, sequence.expression)
        is_first = len(sequence.components) == 1 and key not in seen
        if is_first:
            seen.add(key)
        yield sequence, is_first
