"""The checks that look at heads which were matched and moved."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tests.benchmarks.heads.head_truth import FRAMES
from tests.benchmarks.heads.motion_trials import Measures
from tests.benchmarks.heads.outcome import Gate, Outcome, at_most
from tests.benchmarks.heads.variations import TESSELLATIONS

# Gates, mm unless said otherwise.
MEAN_MM, P99_MM = 0.3, 1.0
SHARE_OF_ALTERNATIVE = 0.5
GAP_MM, PENETRATION_MM = 0.3, 0.2
OPEN_SHARE, INSIDE_MM = 0.03, 0.2
RIGID_MM, STILL_MM = 0.05, 0.05
STRETCH, LEAK_MM = 1.6, 0.05


def tessellation(trials: Sequence[Measures]) -> Outcome:
    """The same face as another mesh: how far from where the truth puts its vertices."""
    compared = [t for t in trials if t.is_same_face and t.variation in TESSELLATIONS]
    matched = [t for t in compared if not t.refusal]
    refused = [t.name for t in compared if t.refusal]
    gates = [
        _worst(f"same face, other tessellation{where}: {word}", limit, matched, f"{word}{ending}")
        for where, ending in (("", ""), (", with contact", "_in_contact"))
        for word, limit in (("mean", MEAN_MM), ("p99", P99_MM))
    ]
    if refused:
        gates.append(Gate("… matched at all", "all", f"refused: {', '.join(refused)}", False))
    return Outcome(
        "Same face, other tessellation",
        tuple(gates),
        "Millimetres between the result and the truth at corresponding points of the seen face, "
        "six expressions at their apex; *with contact*: after lips, lids and teeth were kept out "
        "of each other, while the truth's own teeth and lips may overlap. *moved*: how far those "
        "points truly move. The gate holds for the worst row; rows of stylised, mirrored and "
        "halved heads stand below it for comparison only, as nobody knows how those would move.",
        ("head", "mean", "p99", "with contact", "p99", "moved", "verdict", "match, s"),
        tuple(
            (
                t.name,
                _mm(t.mean),
                _mm(t.p99),
                _mm(t.mean_in_contact),
                _mm(t.p99_in_contact),
                _mm(t.moved),
                t.verdict or "refused",
                f"{t.seconds:.1f}",
            )
            for t in [*compared, *(t for t in trials if t not in compared)]
        ),
    )


def against_alternatives(trials: Sequence[Measures]) -> Outcome:
    """Half the error of the better plain way, in the same run."""
    matched = [t for t in trials if t.is_same_face and not t.refusal]

    def share(t: Measures) -> float:
        others = [x for x in (t.radial_basis, t.nearest_point) if not math.isnan(x)]
        return t.mean / max(min(others), 1e-9)

    shares = [share(t) for t in matched]
    gate = Gate(
        "against plain alternatives", "error ≤ half of the better one", "not measured", None
    )
    if shares:
        over = sum(s > SHARE_OF_ALTERNATIVE for s in shares)
        mean = sum(t.mean for t in matched) / sum(
            t.mean / s for t, s in zip(matched, shares, strict=True)
        )
        words = (
            f"{mean:.2f} of the better one on average, {max(shares):.2f} at worst; "
            f"{over} of {len(shares)} heads above half"
        )
        gate = Gate(gate.name, gate.gate, words, over == 0, max(shares))
    return Outcome(
        "Against plain alternatives",
        (gate,),
        "*Radial basis*: thin-plate splines through the true displacements of the 68 landmarks. "
        "*Nearest point*: the motion of the nearest vertex of the template after our own rigid "
        "and identity fit, without bending; *of the mean face*: with the rigid alignment alone, as "
        "without an identity model (told, not judged). Mean error in mm.",
        ("head", "ours", "radial basis", "nearest point", "of the mean face", "ours / better"),
        tuple(
            (
                t.name,
                _mm(t.mean),
                _mm(t.radial_basis),
                _mm(t.nearest_point),
                _mm(t.nearest_of_mean),
                f"{s:.2f}",
            )
            for t, s in zip(matched, shares, strict=True)
        ),
    )


def lips(trials: Sequence[Measures]) -> Outcome:
    """Lips in expressions that close them."""
    found = [(t, lip) for t in trials if t.is_same_face for lip in t.lips]
    return Outcome(
        "Lips in closed-mouth expressions",
        (
            at_most("lips: gap change", f"≤ {GAP_MM} mm", GAP_MM, [x.gap_change for _, x in found]),
            at_most(
                "lips: penetration",
                f"≤ {PENETRATION_MM} mm",
                PENETRATION_MM,
                [x.penetration for _, x in found],
            ),
        ),
        "Happy, sad and angry with the lips together. Gap: mean of the shortest ways from lip to "
        "lip at nine stations of the slit, against the truth's at the same vertices. Penetration: "
        "the deepest vertex of a lip behind the surface of the other, beyond what the neutral has; "
        "on a coarse mesh the truth's own vertices may overlap, told in brackets.",
        ("head", "gap at rest", "true gap", "gap", "gap change", "penetration (truth)"),
        tuple(_lip_row(t) for t in trials if t.lips),
    )


def lids(trials: Sequence[Measures]) -> Outcome:
    """Eyes that close."""
    found = [lid for t in trials if t.is_same_face for lid in t.lids]
    openings, depths = [x.open_share for x in found], [x.inside for x in found]
    gate = f"≤ {OPEN_SHARE:.0%} of neutral"
    rows = []
    for t in trials:
        if t.lids:
            opening, true_opening, inside, true_inside = (
                max(getattr(lid, name) for lid in t.lids)
                for name in ("open_share", "true_open_share", "inside", "true_inside")
            )
            rows.append(
                (t.name, f"{opening:.3f} ({true_opening:.3f})", f"{inside:.2f} ({true_inside:.2f})")
            )
    return Outcome(
        "Lids at full closure",
        (
            at_most("lids: open at full closure", gate, OPEN_SHARE, openings, "of neutral"),
            at_most("lids: inside the eyeball", f"≤ {INSIDE_MM} mm", INSIDE_MM, depths),
        ),
        "Open: the share of the view from the middle of the eyeball that no skin covers, against "
        "the neutral's. Inside: the deepest vertex of a lid in the head's own eyeball in any "
        "motion, beyond the neutral. The truth's own in brackets.",
        ("head", "open (truth)", "inside (truth)"),
        tuple(rows),
    )


def teeth(trials: Sequence[Measures]) -> Outcome:
    """Lower teeth follow the jaw as one piece, upper ones stay."""
    found = [t for t in trials if t.teeth is not None]
    rigid, still = ([t.teeth[k] for t in found if t.teeth] for k in (0, 1))
    return Outcome(
        "Teeth",
        (
            at_most("lower teeth: rigid with the jaw", f"to {RIGID_MM} mm", RIGID_MM, rigid),
            at_most("upper teeth: still", f"to {STILL_MM} mm", STILL_MM, still),
        ),
        "The farthest a vertex of the lower teeth is from the rigid motion that fits them best, "
        "and the farthest an upper one moves; all motions.",
        ("head", "lower from rigid", "upper moves"),
        tuple((t.name, _mm(t.teeth[0]), _mm(t.teeth[1])) for t in found if t.teeth),
    )


def skin(trials: Sequence[Measures]) -> Outcome:
    """Nothing turned over, torn, or moved where it should rest."""
    matched = [t for t in trials if not t.refusal]
    inverted = sum(t.inverted for t in matched)
    leaks = [t.leak for t in matched if t.is_same_face and not math.isnan(t.leak)]
    none_over = Gate("inverted triangles", "0", "not measured", None)
    if matched:
        words = f"{inverted} in {len(matched)} heads × {len(FRAMES)} motions"
        none_over = Gate(none_over.name, "0", words, inverted == 0, float(inverted))
    stretches = [t.stretch for t in matched]
    return Outcome(
        "Skin",
        (
            none_over,
            at_most("edge stretch p99", f"≤ {STRETCH}", STRETCH, stretches, "times"),
            at_most("forehead leak of a lower-face motion", f"< {LEAK_MM} mm", LEAK_MM, leaks),
        ),
        "Inverted: triangles of the seen face that come to face against the skin around them, "
        "where the truth's do not, over all motions. Stretch: 99th percentile over the edges of "
        "the seen face, all expressions; the truth's own in brackets. Leak: motion of the forehead "
        "in an open smile, beyond the truth's.",
        ("head", "inverted", "stretch (truth)", "leak"),
        tuple(
            (t.name, str(t.inverted), f"{t.stretch:.2f} ({t.true_stretch:.2f})", _mm(t.leak))
            for t in matched
        ),
    )


MOTION_CHECKS: dict[str, Callable[[Sequence[Measures]], Outcome]] = {
    "tessellation": tessellation,
    "alternatives": against_alternatives,
    "lips": lips,
    "lids": lids,
    "teeth": teeth,
    "skin": skin,
}


def _worst(name: str, limit: float, trials: Sequence[Measures], value: str) -> Gate:
    worst = max(trials, key=lambda t: getattr(t, value), default=None)
    if worst is None:
        return Gate(name, f"≤ {limit:g} mm", "not measured", None)
    number = getattr(worst, value)
    measured = f"{number:.3f} mm ({worst.name})"
    return Gate(name, f"≤ {limit:g} mm", measured, number <= limit, number)


def _lip_row(trial: Measures) -> tuple[str, ...]:
    worst = max(trial.lips, key=lambda lip: lip.gap_change)
    deepest = max(trial.lips, key=lambda lip: lip.penetration)
    return (
        trial.name,
        _mm(worst.rest_gap),
        _mm(worst.true_gap),
        _mm(worst.gap),
        _mm(worst.gap_change),
        f"{deepest.penetration:.2f} ({deepest.true_penetration:.2f})",
    )


def _mm(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
