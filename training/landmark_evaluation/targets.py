"""The targets of the second generator, compared with what was measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from training.evaluation.reconstruction_table import TOTAL
from training.evaluation.skin_measures import TRUTH
from training.figures.style import system_title
from training.landmark_evaluation.systems import ABLATIONS, OURS, PEER

Results = dict[str, Any]

MAX_ERROR_RATIO = 0.9
MAX_ROUGHNESS_RATIO = 1.1
MIN_F1_RATIO = 0.95
DIVERSITY_RANGE = (1.0, 1.2)
MAX_ENDS_MM = 0.05
MAX_JITTER_RATIO = 1.0
# How much farther from the truth another length may be than the takes' own.
MAX_LENGTH_RATIO = 1.25
MAX_SECONDS = 0.5
# Ablations that must be told; the other way to attend is told too where it was trained.
NEEDED_ABLATIONS = ("no_identity", "no_autoencoder", "one_stage", "no_cross_attention")


def judge_landmark_targets(results: Results) -> list[dict[str, Any]]:
    """[{name, statement, reached, finding}]; reached is None where a part is missing."""
    return [_judged(results, *target) for target in _TARGETS]


def _judged(
    results: Results,
    name: str,
    statement: str,
    needed: tuple[tuple[str, str], ...],
    judge: Callable[[Results], tuple[bool | None, str]],
) -> dict[str, Any]:
    missing = [system for part, system in needed if system not in results[part]]
    if missing:
        titles = ", ".join(dict.fromkeys(map(system_title, missing)))
        reached, finding = None, f"Not evaluated: {titles}."
    else:
        reached, finding = judge(results)
    return {"name": name, "statement": statement, "reached": reached, "finding": finding}


def _decoder_error(results: Results) -> tuple[bool, str]:
    ours, peer = (results["decoder"][n] for n in (OURS, PEER))
    change = _change(ours["skin_mm"][TOTAL], peer["skin_mm"][TOTAL])
    face = _change(ours["face_mm"][TOTAL], peer["face_mm"][TOTAL])
    others = {n: c["skin_mm"][TOTAL] for n, c in results["decoder"].items() if n != OURS}
    return ours["skin_mm"][TOTAL] <= MAX_ERROR_RATIO * peer["skin_mm"][TOTAL], (
        f"{ours['skin_mm'][TOTAL]:.3f} ± {ours['skin_mm_sd'][TOTAL]:.3f} against "
        f"{peer['skin_mm'][TOTAL]:.3f} mm over the skin ({change}), {face} over the face. "
        f"{_nearest(others, ours['skin_mm'][TOTAL])}"
    )


def _decoder_roughness(results: Results) -> tuple[bool, str]:
    ours, peer = (results["decoder"][n]["roughness_ratio"] for n in (OURS, PEER))
    return ours <= MAX_ROUGHNESS_RATIO, f"{ours:.3f} × the truth; the S2D style has {peer:.3f}."


def _error(region: str) -> Callable[[Results], tuple[bool, str]]:
    def judge(results: Results) -> tuple[bool, str]:
        ours, peer = (results["systems"][n][region] for n in (OURS, PEER))
        parts, reached = [], True
        for statistic, title in (("noise", "mean over noises"), ("best", "best of them")):
            own, other = ours[statistic][TOTAL], peer[statistic][TOTAL]
            reached &= own <= MAX_ERROR_RATIO * other
            parts.append(
                f"{title} {own:.3f} ± {ours[f'{statistic}_sd'][TOTAL]:.3f} against {other:.3f} ± "
                f"{peer[f'{statistic}_sd'][TOTAL]:.3f} mm ({_change(own, other)})"
            )
        others = {n: c[region]["noise"][TOTAL] for n, c in results["systems"].items() if n != OURS}
        nearest = _nearest(others, ours["noise"][TOTAL])
        return reached, (
            f"{'; '.join(parts)}; without noise {ours['mean_motion'][TOTAL]:.3f} mm. {nearest}"
        )

    return judge


def _identity(results: Results) -> tuple[bool | None, str]:
    ours, peer = (results["systems"][n].get("identity") for n in (OURS, PEER))
    if ours is None or peer is None:
        return None, "There are not two subjects who play the same expression."
    own, other = ours["recorded"], peer["recorded"]
    return own["top1"] > other["top1"] and ours["swap"]["cosine"] > 0, (
        f"First of {own['num_subjects']:.0f} in {own['top1']:.1%} of {own['num_probes']:.0f}, "
        f"among five in {own['top5']:.1%}; the peer in {other['top1']:.1%} and "
        f"{other['top5']:.1%}; chance {own['chance_top1']:.1%} and {own['chance_top5']:.1%}. "
        f"Swapped faces: cosine {ours['swap']['cosine']:.2f} with the true difference, above 0 "
        f"for {ours['swap']['positive_share']:.0%} of pairs; the peer "
        f"{peer['swap']['cosine']:.2f}."
    )


def _recognised(results: Results) -> tuple[bool, str]:
    ours, truth = (results["classification"][n]["f1"] for n in (OURS, TRUTH))
    return ours >= MIN_F1_RATIO * truth, (
        f"F1 {ours:.3f} against {truth:.3f} of the truth ({ours / max(truth, 1e-9):.3f} ×)."
    )


def _diverse(results: Results) -> tuple[bool | None, str]:
    ours = results["systems"][OURS].get("diversity", {})
    if "landmarks_ratio" not in ours:
        return None, "These data have no second take of a person and expression to tell."
    low, high = DIVERSITY_RANGE
    ratio = ours["landmarks_ratio"]
    finding = (
        f"{ratio:.2f} × the truth over landmarks ({ours['landmarks_mm']:.2f} mm between two "
        f"motions), {ours['skin_ratio']:.2f} × over the face."
    )
    peer = results["systems"].get(PEER, {}).get("diversity", {})
    if "landmarks_ratio" in peer:
        finding += f" The peer has {peer['landmarks_ratio']:.2f} ×."
    return low <= ratio <= high, finding


def _ends(results: Results) -> tuple[bool, str]:
    value = results["systems"][OURS]["ends_mm"]
    return value <= MAX_ENDS_MM, f"At most {value:.4f} mm."


def _calm(results: Results) -> tuple[bool, str]:
    ours = results["systems"][OURS]
    skin, landmarks = ours["jitter_ratio"], ours["landmark_jitter_ratio"]
    return max(skin, landmarks) <= MAX_JITTER_RATIO, (
        f"{skin:.3f} × the truth over the face, {landmarks:.3f} × over landmarks."
    )


def _lengths(results: Results) -> tuple[bool, str]:
    ours = results["systems"][OURS]
    own, *others = ours["lengths"]
    rows = [*others, ours["many_expressions"]]
    titles = [str(row["num_frames"]) for row in others]
    titles.append(f"{ours['many_expressions']['num_frames']} (many expressions)")
    limit = MAX_LENGTH_RATIO * own["landmarks_mm"]

    def where(is_so: Callable[[dict[str, Any]], bool]) -> list[str]:
        return [title for title, row in zip(titles, rows, strict=True) if is_so(row)]

    invalid = where(lambda row: not row["is_valid"])
    restless = where(lambda row: row["ends_mm"] > MAX_ENDS_MM)
    shaky = where(
        lambda row: min(row["jitter_ratio"], row["jitter_to_take_ratio"]) > MAX_JITTER_RATIO
    )
    far = where(lambda row: row in others and row["landmarks_mm"] > limit)
    parts = [
        f"{what} at {', '.join(frames)} frames"
        for what, frames in (
            ("not valid", invalid),
            ("not at rest at both ends", restless),
            ("more jitter than the truth", shaky),
            (f"more than {MAX_LENGTH_RATIO} × the error of the takes' own length", far),
        )
        if frames
    ]
    errors = ", ".join(f"{row['num_frames']}: {row['landmarks_mm']:.2f}" for row in others)
    told = f"E_lm in mm by frames: {errors}; as long as the takes: {own['landmarks_mm']:.2f}."
    return not parts, f"{'; '.join(parts).capitalize()}. {told}" if parts else told


def _ablated(results: Results) -> tuple[bool | None, str]:
    done = [row["name"] for row in results["ablations"]]
    missing = [name for name in NEEDED_ABLATIONS if name not in done]
    if missing:
        return None, f"Not trained: {', '.join(n.replace('_', ' ') for n in missing)}."
    return True, f"{len(done)} of {len(ABLATIONS)} ablations are in the table."


def _fast(results: Results) -> tuple[bool, str]:
    speed = results["systems"][OURS]["speed"]
    total = speed["landmarks_seconds"] + speed["skin_seconds"]
    return total <= MAX_SECONDS, (
        f"{total:.2f} s: landmarks {speed['landmarks_seconds']:.2f}, skin "
        f"{speed['skin_seconds']:.2f} ({results['machine']})."
    )


def _change(ours: float, other: float) -> str:
    return f"{100.0 * (ours / max(other, 1e-12) - 1.0):+.1f} %"


def _nearest(others: dict[str, float], ours: float) -> str:
    """The best of the other systems, whoever it is."""
    if not others:
        return ""
    name = min(others, key=others.__getitem__)
    verdict = "better than ours" if others[name] < ours else "behind ours"
    return f"Nearest competitor: {system_title(name)} with {others[name]:.3f} mm, {verdict}."


_WHOLE = (("systems", OURS), ("systems", PEER))
_ALONE = (("decoder", OURS), ("decoder", PEER))
_OURS = (("systems", OURS),)
_TARGETS = (
    (
        "decoder_error",
        "Decoder alone, true landmarks: error at least 10 % below the S2D style",
        _ALONE,
        _decoder_error,
    ),
    (
        "decoder_roughness",
        f"Decoder alone: roughness at most {MAX_ROUGHNESS_RATIO} × the truth",
        _ALONE,
        _decoder_roughness,
    ),
    (
        "landmark_error",
        "Whole system: landmark error at least 10 % below the peer, mean and best of noises",
        _WHOLE,
        _error("landmarks_mm"),
    ),
    (
        "mesh_error",
        "Whole system: mesh error at least 10 % below the peer, mean and best of noises",
        _WHOLE,
        _error("skin_mm"),
    ),
    (
        "identity",
        "A motion made for a person is recognised as theirs more often than the peer's, and "
        "another neutral changes it the right way",
        _WHOLE,
        _identity,
    ),
    ("recognised", f"Recognition at least {MIN_F1_RATIO} × the truth's", _OURS, _recognised),
    ("diverse", "Diversity between the truth's and 1.2 × the truth's", _OURS, _diverse),
    ("ends", f"First and last frame within {MAX_ENDS_MM} mm of the neutral", _OURS, _ends),
    ("calm_motion", "Jitter at most that of the truth", _OURS, _calm),
    ("lengths", "12, 30, 75, 300 and 600 frames valid, with the same quality", _OURS, _lengths),
    ("ablations", "What each part is worth is measured", _OURS, _ablated),
    ("fast", f"100 frames within {MAX_SECONDS} s", _OURS, _fast),
)
