"""What whole systems make of a take: how near, how different each time, how calm, and what the
classifier of the paper is to see of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence as Rows
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facegen_core.metrics import jitter, vertex_errors, weighted_mean
from facegen_core.template import Template
from training.evaluation.classifier import SpreadScores, score_systems
from training.evaluation.examination import NUM_CLASSIFIERS
from training.evaluation.reconstruction_table import TOTAL
from training.evaluation.reference import Reference
from training.evaluation.skin_measures import TRUTH, SkinMeasures
from training.landmark_evaluation.cases import TakeCase, face_points
from training.landmark_evaluation.diversity import Diversity, pair_distance
from training.landmark_evaluation.error_rows import ErrorRows
from training.landmark_evaluation.systems import Candidate

FloatArray = NDArray[np.floating]

# How a random system is told: the mean over noises, the best of them, and without noise.
STATISTICS = ("noise", "best", "mean_motion")
REGIONS = ("landmarks", "skin", "face")


@dataclass(eq=False)
class Jury:
    """Hears the truth of a take first, then every system.

    seeds: of the noises, the first of which is looked at whole. features: {system: (N, K)
    coefficients of each take of one expression} and classes: their expressions. ends_mm: {system:
    largest distance of a landmark and of a vertex from the neutral in frames that rest}.
    """

    template: Template
    face: FloatArray
    reference: Reference
    seeds: tuple[int, ...]
    rows: ErrorRows
    skin: SkinMeasures
    features: dict[str, list[FloatArray]] = field(default_factory=lambda: defaultdict(list))
    classes: list[int] = field(default_factory=list)
    ends_mm: dict[str, float] = field(default_factory=dict)
    _is_spread_known: bool = False

    def __post_init__(self) -> None:
        self.points = face_points(self.face)

    def hear_truth(self, case: TakeCase, spread: Diversity | None) -> None:
        """Before the systems: of takes of one expression alone. spread: how differently the take
        may be played, None where that is not known: then systems are not asked either."""
        self._is_spread_known = spread is not None
        if not case.is_single:
            return
        self.classes.append(self.rows.expressions.index(case.sequence.expression))
        self._look_at(TRUTH, case, case.landmarks, case.skin)
        if spread is not None:
            self._add_diversity(TRUTH, case, spread)

    def hear(self, name: str, candidate: Candidate, case: TakeCase) -> None:
        """All noises of a random system, and its mean motion."""
        question, looked = case.question, case.looked
        mean = candidate.landmarks(question, None)
        skin = candidate.skin(question, mean, looked)
        errors = {"mean_motion": [self._errors(mean, skin, case)]}
        if candidate.is_random:
            motions = [candidate.landmarks(question, seed) for seed in self.seeds]
            skins = [candidate.skin(question, motion, looked) for motion in motions]
            errors["noise"] = [
                self._errors(m, s, case) for m, s in zip(motions, skins, strict=True)
            ]
            if self._is_spread_known:
                few = np.stack([skin[:, self.points] for skin in skins])
                spread = Diversity(pair_distance(np.stack(motions)), pair_distance(few))
                self._add_diversity(name, case, spread)
        self._add_errors(name, case, errors)
        if case.is_single:
            shown = motions[0] if candidate.is_random else mean
            whole = candidate.skin(question, shown, np.arange(len(shown)))
            self._look_at(name, case, shown, whole)

    def landmark_jitter_ratio(self, name: str) -> float:
        """Of means over all takes of one expression."""
        own, true = (self.rows.cells(n, "landmark_jitter")[TOTAL].mean for n in (name, TRUTH))
        return own / max(true, 1e-12)

    def classify(self, seed: int) -> dict[str, SpreadScores]:
        """F1 and the like of every system that was heard, truth included."""
        training = (self.reference.features, self.reference.classes)
        tests = {name: np.stack(rows) for name, rows in self.features.items()}
        seeds = range(seed, seed + NUM_CLASSIFIERS)
        return score_systems(
            training, tests, np.array(self.classes), len(self.rows.expressions), seeds
        )

    def _errors(self, landmarks: FloatArray, skin: FloatArray, case: TakeCase) -> FloatArray:
        """(3,) mean errors of REGIONS, mm."""
        errors = vertex_errors(skin, case.skin[case.looked])
        return np.array(
            [
                vertex_errors(landmarks, case.landmarks).mean(),
                errors.mean(),
                weighted_mean(errors, self.face),
            ]
        )

    def _add_diversity(self, name: str, case: TakeCase, spread: Diversity) -> None:
        self.rows.add(name, "diversity_landmarks", case, spread.landmarks_mm)
        self.rows.add(name, "diversity_skin", case, spread.skin_mm)

    def _add_errors(self, name: str, case: TakeCase, errors: dict[str, Rows[FloatArray]]) -> None:
        noise = np.stack(errors.get("noise", errors["mean_motion"]))  # (N, 3)
        values = {
            "noise": noise.mean(axis=0),
            "best": noise.min(axis=0),
            "mean_motion": errors["mean_motion"][0],
        }
        for statistic, row in values.items():
            for region, value in zip(REGIONS, row, strict=True):
                self.rows.add(name, f"{region}_{statistic}", case, value)

    def _look_at(self, name: str, case: TakeCase, landmarks: FloatArray, skin: FloatArray) -> None:
        """Measures of a whole motion: (T, 68, 3) landmarks, (T, V, 3) skin."""
        whole = case.whole(self.reference.frames_per_sequence)
        self.skin.add(name, whole, skin)
        self.features[name].append(self.reference.basis.project(skin[whole.compared]))
        self.rows.add(name, "landmark_jitter", case, jitter(landmarks))
        rests = resting_ends(case.sequence.marks, len(skin))
        farthest = max(
            (float(np.linalg.norm(m[k], axis=1).max()) for m in (landmarks, skin) for k in rests),
            default=0.0,
        )
        self.ends_mm[name] = max(self.ends_mm.get(name, 0.0), farthest)


def resting_ends(marks: FloatArray, num_frames: int) -> list[int]:
    """Of the first and the last frame those in which the face should be at rest.

    A take may begin within the onset, or end at its peak.
    """
    ends = [0] if marks[0] >= 0 else []
    if marks[3] > marks[2] and marks[3] <= num_frames - 1:
        ends.append(num_frames - 1)
    return ends
