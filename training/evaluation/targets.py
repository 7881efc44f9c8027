"""The targets this work set itself, compared with what was measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from training.evaluation.reconstruction_table import TOTAL
from training.evaluation.skin_measures import TRUTH
from training.evaluation.systems import BASELINE, OURS, PAPER

Results = dict[str, Any]

FLOOR = "oracle"
MAX_FLOOR_RATIO = 1.05
MAX_ROUGHNESS_RATIO = 1.1
MAX_F1_LOSS = 0.02
MAX_JITTER_RATIO = 1.0


def judge_targets(results: Results) -> list[dict[str, Any]]:
    """[{name, statement, reached, finding}]; reached is None where a system is missing."""
    return [_judged(results, *target) for target in _TARGETS]


def _judged(
    results: Results,
    name: str,
    statement: str,
    needed: tuple[str, ...],
    judge: Callable[[Results], tuple[bool, str]],
) -> dict[str, Any]:
    missing = [system for system in needed if system not in results["systems"]]
    if missing:
        reached, finding = None, f"Not evaluated: {', '.join(missing)}."
    else:
        reached, finding = judge(results)
    return {"name": name, "statement": statement, "reached": reached, "finding": finding}


def _below_baseline(results: Results) -> tuple[bool, str]:
    ours, baseline = (results["systems"][n]["error_mm"] for n in (OURS, BASELINE))
    names = [name for name in results["expressions"] if name in ours]
    worse = [name for name in names if ours[name] >= baseline[name]]
    change = 100.0 * (ours[TOTAL] / baseline[TOTAL] - 1.0)
    subjects = results["subjects_better_than"][BASELINE]
    total = (
        f"{ours[TOTAL]:.3f} against {baseline[TOTAL]:.3f} mm in total ({change:+.1f} %), "
        f"lower over the face for {subjects} of {results['num_subjects']} subjects"
    )
    if not worse:
        return True, f"Lower in all {len(names)} expressions: {total}."
    listed = ", ".join(f"{n} {ours[n]:.3f} against {baseline[n]:.3f}" for n in worse)
    return False, f"Not lower in {len(worse)} of {len(names)} ({listed} mm); {total}."


def _near_floor(results: Results) -> tuple[bool, str]:
    ours, floor = (results["systems"][n] for n in (OURS, FLOOR))
    ratios = {
        name: ours["error_mm"][name] / max(floor["error_mm"][name], 1e-9)
        for name in ours["error_mm"]
    }
    worst = max((n for n in ratios if n != TOTAL), key=ratios.__getitem__)
    face = ours["face_error_mm"][TOTAL] / max(floor["face_error_mm"][TOTAL], 1e-9)
    finding = (
        f"{ratios[TOTAL]:.3f} × the floor over the skin ({ours['error_mm'][TOTAL]:.3f} against "
        f"{floor['error_mm'][TOTAL]:.3f} mm), {face:.3f} × over the face."
    )
    if ratios[TOTAL] <= MAX_FLOOR_RATIO:
        return True, finding
    finding += f" The largest ratio is that of {worst} ({ratios[worst]:.3f})."
    basis = results["basis_face_error_mm"].get("ours")
    if basis is None:
        return False, finding
    limit = "less" if basis < floor["face_error_mm"][TOTAL] else "more"
    cause = {
        "less": "what is missing is in what the network makes of label and face",
        "more": "more shapes, or more of the spiral residual, would be needed",
    }[limit]
    return False, (
        f"{finding} Its own shapes, weighed at their best, err by {basis:.3f} mm over the face, "
        f"{limit} than the floor: {cause}."
    )


def _smooth_skin(results: Results) -> tuple[bool, str]:
    value = results["systems"][OURS]["roughness_ratio"]
    return value <= MAX_ROUGHNESS_RATIO, f"{value:.3f} × the truth{_paper(results, 'roughness')}."


def _calm_motion(results: Results) -> tuple[bool, str]:
    value = results["systems"][OURS]["jitter_ratio"]
    return value <= MAX_JITTER_RATIO, f"{value:.3f} × the truth{_paper(results, 'jitter')}."


def _paper(results: Results, measure: str) -> str:
    paper = results["systems"].get(PAPER)
    return f"; the paper's decoder has {paper[f'{measure}_ratio']:.3f}" if paper else ""


def _recognised(results: Results) -> tuple[bool, str]:
    ours, truth = (results["classification"][n]["f1"] for n in (OURS, TRUTH))
    return ours >= truth - MAX_F1_LOSS, f"F1 {ours:.3f} against {truth:.3f} of the truth."


_TARGETS = (
    (
        "below_baseline",
        "Error below the PCA baseline in every expression",
        (OURS, BASELINE),
        _below_baseline,
    ),
    (
        "near_floor",
        f"Total error at most {MAX_FLOOR_RATIO} × the oracle floor",
        (OURS, FLOOR),
        _near_floor,
    ),
    (
        "smooth_skin",
        f"Roughness at most {MAX_ROUGHNESS_RATIO} × the truth",
        (OURS,),
        _smooth_skin,
    ),
    (
        "recognised",
        f"F1 of ours at least F1 of the truth − {MAX_F1_LOSS}",
        (OURS,),
        _recognised,
    ),
    ("calm_motion", "Jitter at most that of the truth", (OURS,), _calm_motion),
)
