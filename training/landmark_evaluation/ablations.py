"""What each part of the second generator is worth: the system without it, beside the full one.

Both answer the same questions with the same noises. A change counts where it is larger than its
own spread over subjects (errors, diversity, jitter), over trainings of the classifier (F1), or than
the sampling error of a share (identity).
"""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from training.datasets.training_data import TrainingData
from training.evaluation.classifier import SpreadScores
from training.evaluation.examination import face_weights
from training.evaluation.reference import Reference
from training.evaluation.skin_measures import TRUTH, SkinMeasures
from training.landmark_evaluation.cases import face_points, read_take
from training.landmark_evaluation.diversity import Diversity
from training.landmark_evaluation.error_rows import ErrorRows
from training.landmark_evaluation.identity import Recognition
from training.landmark_evaluation.identity_faces import FacesOfOneExpression
from training.landmark_evaluation.identity_trial import examine_identity
from training.landmark_evaluation.jury import Jury
from training.landmark_evaluation.opening import OpenedLandmarkSystems
from training.landmark_evaluation.systems import Candidate

if TYPE_CHECKING:
    from training.datasets.sequence import Sequence

# Measures in the order of the table, with what they are in the rows of the jury; those without are
# of all takes together.
MEASURES: dict[str, str | None] = {
    "landmarks_mm": "landmarks_noise",
    "skin_mm": "skin_noise",
    "diversity_ratio": "diversity_landmarks",
    "identity_top1": None,
    "f1": None,
    "jitter_ratio": "landmark_jitter",
}


@dataclass(frozen=True)
class Change:
    """A measure of the full system and of the ablated one, and the spread of their difference."""

    full: float
    ablated: float
    spread: float

    @property
    def is_something(self) -> bool:
        return abs(self.ablated - self.full) > self.spread


@dataclass(frozen=True)
class AblationFinding:
    """changes: by the names of MEASURES; those that were not measured are left out."""

    name: str
    is_same_budget: bool
    changes: dict[str, Change]


@dataclass(frozen=True, eq=False)
class AblationBench:
    """The takes, faces and noises on which all ablations are compared."""

    data: TrainingData
    reference: Reference
    spreads: dict[str, Diversity]
    faces: Rows[FacesOfOneExpression]
    takes: Rows[Sequence]
    seeds: tuple[int, ...]
    num_looked: int

    def examine(self, opened: OpenedLandmarkSystems) -> list[AblationFinding]:
        """All that were trained, each beside the full system of its budget."""
        pairs = opened.ablations
        if not pairs:
            return []
        # A full system that several are compared with is asked once.
        candidates = {str(id(c)): c for p in pairs.values() for c in (p.full, p.ablated)}
        jury = self._jury(candidates)
        scores = jury.classify(self.seeds[0])
        identity = {name: self._identity(c) for name, c in candidates.items()}
        findings = []
        for name, pair in pairs.items():
            keys = str(id(pair.full)), str(id(pair.ablated))
            changes = _changes(jury, keys, identity, scores)
            findings.append(AblationFinding(name, pair.is_same_budget, changes))
        return findings

    def _jury(self, candidates: dict[str, Candidate]) -> Jury:
        """Who has heard all systems on all takes."""
        template, face = self.data.template, face_weights(self.data.template)
        rows = ErrorRows(tuple(self.data.expressions))
        measures = SkinMeasures(template, face)
        jury = Jury(template, face, self.reference, self.seeds, rows, measures)
        for take in tqdm(self.takes, desc="Without a part", unit="take", mininterval=2.0):
            case = read_take(take, template, self.data.expressions, self.num_looked)
            jury.hear_truth(case, self.spreads.get(take.name))
            for name, candidate in candidates.items():
                jury.hear(name, candidate, case)
        return jury

    def _identity(self, candidate: Candidate) -> Recognition | None:
        if not self.faces:
            return None
        points = face_points(face_weights(self.data.template))
        return examine_identity(candidate, self.faces, points, self.seeds[:1]).recognition


def _changes(
    jury: Jury,
    keys: tuple[str, str],
    identity: dict[str, Recognition | None],
    scores: dict[str, SpreadScores],
) -> dict[str, Change]:
    changes: dict[str, Change] = {}
    for name, measure in MEASURES.items():
        if measure is None:
            continue
        full, ablated = (jury.rows.subject_means(n, measure) for n in keys)
        divisor = 1.0
        if name.endswith("ratio"):
            true = jury.rows.subject_means(TRUTH, measure)
            if not true or not full:
                continue
            divisor = max(float(np.mean(list(true.values()))), 1e-12)
        changes[name] = paired_change(full, ablated, divisor)
    full_score, ablated_score = (identity[n] for n in keys)
    if full_score is not None and ablated_score is not None:
        changes["identity_top1"] = share_change(full_score, ablated_score)
    means = [scores[n].means[2, -1] for n in keys]
    deviations = [scores[n].deviations[2, -1] for n in keys]
    changes["f1"] = Change(*map(float, means), float(np.hypot(*deviations)))
    return {name: changes[name] for name in MEASURES if name in changes}


def paired_change(
    full: dict[str, float], ablated: dict[str, float], divisor: float = 1.0
) -> Change:
    """Of {subject: value}, both divided; the spread is that of the differences over subjects."""
    pairs = np.array([(full[s], ablated[s]) for s in full]) / divisor
    differences = pairs[:, 1] - pairs[:, 0]
    spread = float(np.std(differences, ddof=1)) if len(differences) > 1 else 0.0
    return Change(float(pairs[:, 0].mean()), float(pairs[:, 1].mean()), spread)


def share_change(full: Recognition, ablated: Recognition) -> Change:
    """Of the shares recognised first, with the sampling error of their difference."""
    variance = sum(r.top1 * (1.0 - r.top1) / r.num_probes for r in (full, ablated))
    return Change(full.top1, ablated.top1, float(np.sqrt(variance)))
