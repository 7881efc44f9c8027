"""The takes that are asked about, with their true landmarks and their true skin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence as Rows
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import DatasetError
from facegen_core.template import Template
from training.evaluation.cases import Case
from training.evaluation.questions import Question
from training.evaluation.reference import resampled_frames

if TYPE_CHECKING:
    from training.datasets.sequence import Sequence

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

COMPOUND = "compound"
# Every so many vertices of the face tell a pattern well enough; below this weight a vertex is none
# of the face's.
VERTEX_STRIDE, IN_FACE = 8, 0.5


@dataclass(frozen=True, eq=False)
class TakeCase:
    """One take.

    skin: (T, V, 3) and landmarks: (T, 68, 3) its true displacements, mm; looked: (N,) frames,
    evenly from the first to the last, at which skins of many noises are compared.
    """

    question: Question
    skin: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    looked: IntArray

    @property
    def sequence(self) -> Sequence:
        return self.question.sequence

    @property
    def is_single(self) -> bool:
        return len(self.sequence.components) == 1

    @property
    def column(self) -> str:
        """Where errors belong: the expression, or "compound" where there are two."""
        return self.sequence.expression if self.is_single else COMPOUND

    def whole(self, count: int) -> Case:
        """For the measures of the first generator; `count` frames for the classifier."""
        frames = np.arange(len(self.skin))
        compared = resampled_frames(len(frames), count)
        return Case(self.question, frames, self.skin, compared, True)


def read_take(
    sequence: Sequence, template: Template, expressions: Rows[str], num_looked: int
) -> TakeCase:
    """Read the truth; strengths are measured on it, see `training.evaluation.questions`."""
    skin = np.asarray(sequence.displacements(), np.float32)
    landmarks = template.landmarks.positions(skin, template.triangles).astype(np.float32)
    question = Question.about(sequence, skin, expressions)
    looked = np.unique(resampled_frames(len(skin), num_looked))
    return TakeCase(question, skin, landmarks, looked)


def choose_takes(sequences: Rows[Sequence], num_takes: int, seed: int) -> list[Sequence]:
    """At most `num_takes` of each subject and expression, and of each subject's compounds.

    By chance where there are more; in the order they come in.
    """
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for k, sequence in enumerate(sequences):
        column = sequence.expression if len(sequence.components) == 1 else COMPOUND
        groups[sequence.subject, column].append(k)
    rng = np.random.default_rng(seed)
    chosen = [k for rows in groups.values() for k in rng.permutation(rows)[:num_takes]]
    return [sequences[k] for k in sorted(chosen)]


def first_of_each(sequences: Rows[Sequence]) -> dict[tuple[str, str], Sequence]:
    """{(subject, expression): its first take of that expression alone}.

    Raises DatasetError where there is none at all.
    """
    first: dict[tuple[str, str], Sequence] = {}
    for sequence in sequences:
        if len(sequence.components) == 1:
            first.setdefault((sequence.subject, sequence.expression), sequence)
    if not first:
        raise DatasetError("There is no sequence of one expression to measure.")
    return first


def one_of_each(sequences: Rows[Sequence], count: int, seed: int) -> list[Sequence]:
    """`count` takes of one expression, each expression in turn, of as many subjects as it goes."""
    singles = [s for s in sequences if len(s.components) == 1]
    order = np.random.default_rng(seed).permutation(len(singles))
    groups: dict[str, list[Sequence]] = {}
    for k in order:
        groups.setdefault(singles[k].expression, []).append(singles[k])
    columns = [groups[name] for name in sorted(groups)]
    turns = range(max(len(column) for column in columns))
    taken: list[Sequence] = [column[k] for k in turns for column in columns if k < len(column)]
    return taken[:count]


def face_points(face: FloatArray) -> IntArray:
    """Vertices at which patterns are compared, of (V,) weights of the face."""
    return np.flatnonzero(face >= IN_FACE * face.max())[::VERTEX_STRIDE]
