"""Random heads, found without help: where the 68 landmarks land."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from facegen_core import pipeline
from facegen_core.errors import FacegenError
from tests.benchmarks.heads.motion_trials import bundle, studio
from tests.benchmarks.heads.outcome import Gate, Outcome, at_most
from tests.benchmarks.heads.truth import FIRST_SEED
from tests.benchmarks.heads.variations import VARIATIONS, make

# Identities of this check, apart from those whose motion is looked at.
_FIRST_HEAD = 1_000
# Gates: mm, share of heads; a mean error beyond the last is another place, not an inaccuracy.
MEAN_MM, MATCHED_SHARE, GROSS_MM = 3.0, 0.98, 15.0
# A landmark this far from the mesh is on a part of the face that was cut away, mm.
_GONE_MM = 5.0
# Every other head is turned at random and of a random unit.
_TURNED_SHARE = 0.5


@dataclass(frozen=True)
class FoundLandmarks:
    """mean, worst: mm over the landmarks that the mesh still has; NaN where it was refused."""

    head: int
    variation: str
    mean: float
    worst: float
    verdict: str
    refusal: str = ""

    def summary(self) -> str:
        """A line to watch a long run by."""
        found = self.refusal or f"{self.mean:.2f} mm, at worst {self.worst:.1f} mm"
        return f"head {self.head}, {self.variation}: {found}"


def find_landmarks(number: int) -> FoundLandmarks:
    """Of random head `number`: everything about it follows from that."""
    rng = np.random.default_rng([FIRST_SEED, number])
    truth = studio().still_head(FIRST_SEED + _FIRST_HEAD + number)
    name = list(VARIATIONS)[int(rng.integers(len(VARIATIONS)))]
    varied = make(name, truth, number)
    if rng.random() < _TURNED_SHARE:
        matrix = np.eye(4)
        scale = np.exp(rng.uniform(np.log(1e-3), np.log(10.0)))
        matrix[:3, :3] = scale * Rotation.random(random_state=rng).as_matrix()
        matrix[:3, 3] = scale * rng.uniform(-1000.0, 1000.0, 3)
        varied = varied.placed(name, matrix)
    try:
        fit = pipeline.match(varied.mesh, bundle()).fit
    except FacegenError as error:
        return FoundLandmarks(number, name, np.nan, np.nan, "refused", str(error))
    found = fit.similarity.apply_inverse(fit.landmarks)
    found = found @ varied.to_truth[:3, :3].T + varied.to_truth[:3, 3]
    marks = varied.landmarks
    assert marks is not None
    is_there = cKDTree(varied.positions).query(marks)[0] < _GONE_MM
    errors = np.linalg.norm(found - marks, axis=1)[is_there]
    return FoundLandmarks(
        number, name, float(errors.mean()), float(errors.max()), fit.residual.verdict
    )


def landmarks(found: list[FoundLandmarks]) -> Outcome:
    """The gates on all heads, and a table by variation."""
    matched = [f for f in found if not f.refusal]
    gross = [f for f in matched if f.mean > GROSS_MM]
    helped = len(found) - len(matched) + len(gross)
    share = 1.0 - helped / len(found)
    means = [f.mean for f in matched]
    mean = float(np.mean(means)) if means else float("nan")
    fine = [f.mean for f in matched if f not in gross]
    fine_mean = f"{np.mean(fine):.2f} mm without gross failures" if fine else "none matched"
    gates = (
        Gate(
            "landmarks on unseen heads: mean",
            f"≤ {MEAN_MM:g} mm",
            f"{mean:.2f} mm over {len(matched)} heads ({fine_mean})",
            mean <= MEAN_MM,
            mean,
        ),
        at_most("gross failures", "none", 0, [len(gross)], f"of {len(found)} heads"),
        Gate(
            "matched without help",
            f"≥ {MATCHED_SHARE:.0%}",
            f"{share:.1%} ({len(found) - len(matched)} refused, {len(gross)} gross)",
            share >= MATCHED_SHARE,
            share,
        ),
    )
    rows = []
    for name in VARIATIONS:
        of_kind = [f for f in found if f.variation == name]
        some = [f for f in of_kind if not f.refusal]
        if of_kind:
            values = [f.mean for f in some]
            rows.append(
                (
                    name,
                    str(len(of_kind)),
                    str(len(of_kind) - len(some)),
                    str(sum(f.mean > GROSS_MM for f in some)),
                    f"{np.mean(values):.2f}" if values else "–",
                    f"{np.max(values):.2f}" if values else "–",
                )
            )
    return Outcome(
        "Landmarks on unseen heads",
        gates,
        "Random identities, each as a random variation, half of them turned anyhow in space and "
        "of a random unit. Mean over the landmarks that the mesh still has, in mm of a head of "
        f"real size. Gross: more than {GROSS_MM:g} mm on average. A gross failure counts as "
        "needing help.",
        ("variation", "heads", "refused", "gross", "mean", "worst head"),
        tuple(rows),
    )
