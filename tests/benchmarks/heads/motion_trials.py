"""All numbers of one head matched and moved, small enough to come back from another process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facegen_core.bundle import Bundle, load_bundle
from tests import shared_heads
from tests.benchmarks.heads import alternatives, skin_measures
from tests.benchmarks.heads.head_truth import BLINK, CLOSED_LIPS, FRAMES, LOWER_FACE, HeadTruth
from tests.benchmarks.heads.lid_measures import LidResult, measure_lids
from tests.benchmarks.heads.lip_measures import LipResult, measure_lips
from tests.benchmarks.heads.makehuman import makehuman_head
from tests.benchmarks.heads.trial import Trial, try_out
from tests.benchmarks.heads.truth import FIRST_SEED, ROOT, IctStudio
from tests.benchmarks.heads.variation import Variation
from tests.benchmarks.heads.variations import make

FloatArray = NDArray[np.floating]

BUNDLE = ROOT / "blender_addon" / "assets" / "default.facegen"
MAKEHUMAN = "MakeHuman"
# The six expressions, without the single acts after them.
_EXPRESSIONS = slice(0, FRAMES.index(BLINK))
# The motion of MakeHuman's artists is a truth, their lips and lids at contact are not.
_CLOSED = [k for k, closed in enumerate(CLOSED_LIPS) if closed]


@dataclass(frozen=True)
class Measures:
    """One trial. Errors in mm over the seen face and the six expressions, NaN where unknown.

    mean, p99: ours, retargeting alone; mean_in_contact, p99_in_contact: with contact, which keeps
    apart what goes through each other in the truth; radial_basis, nearest_point: means of the plain
    alternatives, nearest_of_mean on the template's mean face; moved: mean displacement of the
    truth. lips, lids: of closed mouths and full closure. teeth: how far the lower row is from
    rigid, how far the upper one moves.
    inverted: triangles. stretch, true_stretch: 99th percentile. leak: mm at the forehead.
    """

    head: str
    variation: str
    is_same_face: bool
    refusal: str
    verdict: str
    seconds: float
    mean: float = np.nan
    p99: float = np.nan
    mean_in_contact: float = np.nan
    p99_in_contact: float = np.nan
    moved: float = np.nan
    radial_basis: float = np.nan
    nearest_point: float = np.nan
    nearest_of_mean: float = np.nan
    lips: tuple[LipResult, ...] = ()
    lids: tuple[LidResult, ...] = ()
    teeth: tuple[float, float] | None = None
    inverted: int = 0
    stretch: float = np.nan
    true_stretch: float = np.nan
    leak: float = np.nan

    @property
    def name(self) -> str:
        return f"{self.head}, {self.variation}"

    def summary(self) -> str:
        """A line to watch a long run by."""
        if self.refusal:
            return f"{self.name}: refused"
        lips = [(lip.gap_change, lip.penetration) for lip in self.lips]
        lids = [(lid.open_share, lid.inside) for lid in self.lids]
        gap, deep = np.max(lips, axis=0) if lips else (np.nan, np.nan)
        open_share, inside = np.max(lids, axis=0) if lids else (np.nan, np.nan)
        return (
            f"{self.name}: {self.mean:.3f} mm, p99 {self.p99:.2f} (nearest point "
            f"{self.nearest_point:.3f}; in contact {self.mean_in_contact:.3f}, "
            f"{self.p99_in_contact:.2f}), lips {gap:.2f} {deep:.2f}, lids {open_share:.3f} "
            f"{inside:.2f}, inverted {self.inverted}, stretch {self.stretch:.2f}, "
            f"match {self.seconds:.0f} s"
        )


def measure(head: int | str, variation: str) -> Measures:
    """Of the identity `FIRST_SEED + head`, or of MAKEHUMAN, as one of the VARIATIONS."""
    truth = truth_of(head)
    trial = try_out(make(variation, truth, seed=1), bundle())
    if trial.alignment is None:
        return _refused(trial)
    varied = trial.variation
    errors = trial.errors(trial.carried)[_EXPRESSIONS]
    in_contact = trial.errors(trial.result)[_EXPRESSIONS]
    blink, lower = FRAMES.index(BLINK), FRAMES.index(LOWER_FACE)
    expressions = trial.truth[_EXPRESSIONS]
    return Measures(
        truth.name,
        varied.name,
        varied.is_same_face,
        "",
        trial.alignment.fit.residual.verdict,
        trial.seconds,
        float(errors.mean()),
        float(np.percentile(errors, 99)),
        float(in_contact.mean()),
        float(np.percentile(in_contact, 99)),
        float(np.linalg.norm(expressions[:, varied.is_outer_face], axis=2).mean()),
        *_of_alternatives(trial),
        tuple(measure_lips(varied, trial.truth, trial.result, _CLOSED)),
        tuple(measure_lids(varied, trial.truth, trial.result, blink)),
        skin_measures.teeth(varied, trial.result),
        skin_measures.num_inverted(varied, trial.truth, trial.result),
        skin_measures.edge_stretch(varied, trial.result[_EXPRESSIONS]),
        skin_measures.edge_stretch(varied, expressions),
        skin_measures.forehead_leak(varied, trial.truth[lower], trial.result[lower]),
    )


@cache
def bundle() -> Bundle:
    return load_bundle(BUNDLE)


@cache
def studio() -> IctStudio:
    return IctStudio.open(bundle().template)


@cache
def truth_of(head: int | str) -> HeadTruth:
    return makehuman_head(bundle()) if head == MAKEHUMAN else studio().head(FIRST_SEED + int(head))


def missing_file() -> Path | None:
    """The first file that is missing, of those all this needs."""
    needed = (BUNDLE, shared_heads.ICT_ARCHIVE, shared_heads.MAKEHUMAN)
    return next((path for path in needed if not path.exists()), None)


def _refused(trial: Trial) -> Measures:
    varied = trial.variation
    return Measures(
        varied.truth.name, varied.name, varied.is_same_face, trial.refusal, "", trial.seconds
    )


def _of_alternatives(trial: Trial) -> tuple[float, float, float]:
    varied: Variation = trial.variation
    at = np.flatnonzero(varied.is_outer_face)
    truth = trial.truth[_EXPRESSIONS, at]

    def mean(motion: FloatArray | None) -> float:
        if motion is None:
            return float("nan")
        return float(np.linalg.norm(motion[_EXPRESSIONS] - truth, axis=2).mean())

    return (
        mean(alternatives.by_radial_basis(varied, at)),
        mean(alternatives.by_nearest_point(varied, trial.alignment, at, with_identity=True)),
        mean(alternatives.by_nearest_point(varied, trial.alignment, at, with_identity=False)),
    )
