"""`lm4dgan` of results.json: every figure of the second generator's report under a name of its own.

`decoder.NAME.{skin_mm, face_mm, face_p95_mm, roughness_ratio}` with true landmarks;
`systems.NAME.{landmarks_mm, skin_mm, face_mm}.{noise, best, mean_motion}`, each with expressions,
`total`, `compound` and their `_sd`; `systems.NAME.{diversity, identity, lengths, speed}`;
`classification.NAME.f1`; `ablations.NAME.MEASURE.{full, ablated, spread}`; `targets`.
"""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import asdict
from typing import Any

from training.evaluation.reconstruction_table import TOTAL
from training.evaluation.results import classification_of, rounded
from training.evaluation.skin_measures import TRUTH
from training.landmark_evaluation.error_rows import ErrorRows
from training.landmark_evaluation.examination import Examination
from training.landmark_evaluation.identity import Recognition
from training.landmark_evaluation.jury import REGIONS, STATISTICS
from training.landmark_evaluation.lengths import LengthRow
from training.landmark_evaluation.opening import OpenedLandmarkSystems
from training.landmark_evaluation.targets import judge_landmark_targets

RESULTS_VERSION = 1
_DIGITS = 4


def collect_landmark_results(
    found: Examination,
    opened: OpenedLandmarkSystems,
    expressions: Rows[str],
    about: dict[str, Any],
) -> dict[str, Any]:
    """Plain values for JSON; about: commit, command, seed, data, effort and the like."""
    limit = found.identity_limit
    results: dict[str, Any] = {
        "version": RESULTS_VERSION,
        **about,
        "expressions": list(expressions),
        "num_subjects": len(found.subjects),
        "num_sequences": found.num_singles,
        "num_compound_sequences": found.num_compounds,
        "num_diversity_takes": found.jury.rows.count(TRUTH, "diversity_landmarks"),
        "decoder": {name: _decoder(name, found) for name in found.decoders.names},
        "systems": {name: _system(name, found) for name in opened.candidates},
        "truth": _truth(found),
        "identity_limit": None if limit is None else _recognition(limit),
        "classification": {
            name: classification_of(scores, expressions) for name, scores in found.scores.items()
        },
        "ablations": [
            {
                "name": finding.name,
                "is_same_budget": finding.is_same_budget,
                "changes": {
                    n: rounded(asdict(c)) | {"is_something": c.is_something}
                    for n, c in finding.changes.items()
                },
            }
            for finding in found.ablations
        ],
        "not_evaluated": opened.missing,
    }
    results["targets"] = judge_landmark_targets(results)
    return results


def _decoder(name: str, found: Examination) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for measure in ("skin_mm", "face_mm", "face_p95_mm"):
        content |= _errors(found.decoders.rows, name, measure, measure)
    return content | {"roughness_ratio": round(found.decoders.roughness_ratio(name), _DIGITS)}


def _system(name: str, found: Examination) -> dict[str, Any]:
    jury = found.jury
    content: dict[str, Any] = {}
    for region in REGIONS:
        content[f"{region}_mm"] = {}
        for statistic in STATISTICS:
            content[f"{region}_mm"] |= _errors(jury.rows, name, f"{region}_{statistic}", statistic)
    content |= rounded(jury.skin.summary(name))
    content["landmark_jitter_ratio"] = round(jury.landmark_jitter_ratio(name), _DIGITS)
    content["ends_mm"] = round(jury.ends_mm[name], 6)
    if jury.rows.has(name, "diversity_landmarks"):
        content["diversity"] = _diversity(name, found)
    if name in found.identity:
        content["identity"] = _identity(name, found)
    if name in found.lengths:
        content["lengths"] = [_length(row) for row in found.lengths[name]]
        content["many_expressions"] = _length(found.many_expressions[name])
    if name in found.speeds:
        content["speed"] = rounded(asdict(found.speeds[name]))
    return content


def _truth(found: Examination) -> dict[str, Any]:
    jury = found.jury
    content: dict[str, Any] = {"ends_mm": round(jury.ends_mm[TRUTH], 6)}
    content |= rounded(jury.skin.summary(TRUTH))
    if jury.rows.has(TRUTH, "diversity_landmarks"):
        content["diversity"] = _diversity(TRUTH, found)
    return content


def _diversity(name: str, found: Examination) -> dict[str, float]:
    """mm; ratios to the truth's where that is known, of means over all takes."""
    content = {}
    for part in ("landmarks", "skin"):
        cells = {n: found.jury.rows.cells(n, f"diversity_{part}") for n in (name, TRUTH)}
        content[f"{part}_mm"] = cells[name][TOTAL].mean
        if TOTAL in cells[TRUTH]:
            true = max(cells[TRUTH][TOTAL].mean, 1e-12)
            content[f"{part}_ratio"] = cells[name][TOTAL].mean / true
    return rounded(content)


def _identity(name: str, found: Examination) -> dict[str, Any]:
    finding = found.identity[name]
    content: dict[str, Any] = {"recorded": _recognition(finding.recognition)}
    if finding.expected is not None:
        content["expected"] = _recognition(finding.expected)
    content["swap"] = rounded(asdict(finding.swap))
    content["landmark_swap"] = rounded(asdict(finding.landmark_swap))
    return content


def _recognition(value: Recognition) -> dict[str, float]:
    chances = {
        "chance_top1": value.chance_top1,
        "chance_top5": value.chance_top5,
        "chance_rank": value.chance_rank,
    }
    return rounded(asdict(value) | chances)


def _length(row: LengthRow) -> dict[str, Any]:
    plain = asdict(row)
    is_valid, num_frames = plain.pop("is_valid"), plain.pop("num_frames")
    return {"num_frames": num_frames, "is_valid": is_valid, **rounded(plain)}


def _errors(rows: ErrorRows, name: str, measure: str, key: str) -> dict[str, Any]:
    cells = rows.cells(name, measure)
    return {
        key: {column: round(cell.mean, _DIGITS) for column, cell in cells.items()},
        f"{key}_sd": {column: round(cell.deviation, _DIGITS) for column, cell in cells.items()},
    }
