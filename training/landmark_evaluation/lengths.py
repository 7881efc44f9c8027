"""Clips of any length: the same expression slower and faster, and many expressions in one clip."""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facegen_core.metrics import jitter, roughness, umbrella_laplacian, vertex_errors
from facegen_core.template import Template
from training.evaluation.questions import Question
from training.landmark_evaluation.cases import TakeCase
from training.landmark_evaluation.decoder_table import apex_frames
from training.landmark_evaluation.jury import resting_ends
from training.landmark_evaluation.staged import (
    joined_question,
    stretched_motion,
    stretched_question,
)
from training.landmark_evaluation.systems import Candidate

FloatArray = NDArray[np.floating]

LENGTHS = (12, 30, 75, 300, 600)
# The clip that plays takes of one person one after another.
MANY_EXPRESSIONS_LENGTH = 600


@dataclass(frozen=True)
class LengthRow:
    """What a system makes of one length, over all takes and noises asked.

    landmarks_mm: mean error against the truth stretched to that length. jitter_ratio: of landmarks
    to that truth's; jitter_to_take_ratio: to that of the take as it was played, which a slower
    clip may have without looking worse. roughness_ratio: of the skin at the apex. ends_mm: largest
    distance of a landmark or vertex from the neutral in the first and last frame. is_valid: as many
    frames as asked, all of them finite.
    """

    num_frames: int
    landmarks_mm: float
    jitter_ratio: float
    jitter_to_take_ratio: float
    roughness_ratio: float
    ends_mm: float
    is_valid: bool


@dataclass(eq=False)
class _Sums:
    errors: list[float]
    jitters: list[tuple[float, float, float]]  # its own, the stretched truth's, the take's
    roughness: list[tuple[float, float]]
    ends: list[float]
    is_valid: bool = True

    def row(self, num_frames: int) -> LengthRow:
        calm = np.mean(self.jitters or [(0.0, 1.0, 1.0)], axis=0)
        smooth = np.mean(self.roughness or [(0.0, 1.0)], axis=0)
        return LengthRow(
            num_frames,
            float(np.mean(self.errors or [0.0])),
            float(calm[0] / max(calm[1], 1e-12)),
            float(calm[0] / max(calm[2], 1e-12)),
            float(smooth[0] / max(smooth[1], 1e-12)),
            float(max(self.ends, default=0.0)),
            self.is_valid,
        )


@dataclass(eq=False)
class LengthTrial:
    """Asks a system about takes at other lengths. face: (V,) weights."""

    template: Template
    face: FloatArray
    cases: Rows[TakeCase]
    seeds: Rows[int]

    def __post_init__(self) -> None:
        template = self.template
        self._laplacian = umbrella_laplacian(template.triangles, template.num_vertices)

    def examine(self, candidate: Candidate, lengths: Rows[int] = LENGTHS) -> list[LengthRow]:
        """A row per length, all takes stretched to it; the length of the takes themselves first,
        told as 0."""
        sums = {length: _Sums([], [], [], []) for length in (0, *lengths)}
        for case in self.cases:  # face by face, as systems get a face ready once
            for length in sums:
                self._ask(candidate, case, length, sums[length])
        return [total.row(length) for length, total in sums.items()]

    def examine_many(
        self, candidate: Candidate, cases: Rows[TakeCase], num_frames: int = MANY_EXPRESSIONS_LENGTH
    ) -> LengthRow:
        """Takes of one person in one clip, with rest between them as they have it."""
        questions, motions = [c.question for c in cases], [c.landmarks for c in cases]
        question, truth = joined_question(questions, motions, num_frames)
        sums = _Sums([], [], [], [])
        for seed in self._seeds(candidate):
            motion = candidate.landmarks(question, seed)
            if not _is_valid(motion, num_frames):
                sums.is_valid = False
                continue
            sums.errors.append(vertex_errors(motion, truth).mean())
            sums.jitters.append((jitter(motion), jitter(truth), jitter(truth)))
            start = 0
            for case in cases:
                if start + len(case.skin) > num_frames:
                    break
                apex = apex_frames(case)
                skin = candidate.skin(question, motion, apex + start)
                sums.roughness.append((self._rough(skin), self._rough(case.skin[apex])))
                start += len(case.skin)
            ends = candidate.skin(question, motion, np.array([0, num_frames - 1]))
            sums.ends += [_farthest(motion[[0, -1]]), _farthest(ends)]
        return sums.row(num_frames)

    def _ask(self, candidate: Candidate, case: TakeCase, length: int, sums: _Sums) -> None:
        """About one take at one length, with all noises; 0 is its own length."""
        question, truth = case.question, case.landmarks
        if length:
            question = stretched_question(question, length)
            truth = stretched_motion(case.landmarks, length)
        for seed in self._seeds(candidate):
            motion = candidate.landmarks(question, seed)
            if not _is_valid(motion, len(truth)):
                sums.is_valid = False
                return
            sums.errors.append(vertex_errors(motion, truth).mean())
            sums.jitters.append((jitter(motion), jitter(truth), jitter(case.landmarks)))
        self._look_at_skin(candidate, case, question, motion, sums)

    def _look_at_skin(
        self,
        candidate: Candidate,
        case: TakeCase,
        question: Question,
        motion: FloatArray,
        sums: _Sums,
    ) -> None:
        """Roughness at the apex against the same moments of the take, and both ends."""
        apex = apex_frames(case)
        factor = (len(motion) - 1) / (len(case.skin) - 1)
        frames = np.rint(apex * factor).astype(int)
        skin = candidate.skin(question, motion, frames)
        sums.roughness.append((self._rough(skin), self._rough(case.skin[apex])))
        rests = resting_ends(question.sequence.marks, len(motion))
        if rests:
            sums.ends.append(_farthest(motion[rests]))
            sums.ends.append(_farthest(candidate.skin(question, motion, np.array(rests))))
        sums.is_valid &= bool(np.isfinite(skin).all())

    def _rough(self, skin: FloatArray) -> float:
        return float(roughness(skin, self._laplacian, self.face).mean())

    def _seeds(self, candidate: Candidate) -> Rows[int | None]:
        return self.seeds if candidate.is_random else [None]


def _is_valid(motion: FloatArray, num_frames: int) -> bool:
    return len(motion) == num_frames and bool(np.isfinite(motion).all())


def _farthest(motion: FloatArray) -> float:
    """Largest displacement of a point, mm."""
    return float(np.linalg.norm(motion, axis=-1).max(initial=0.0))
