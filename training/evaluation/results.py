"""results.json: every figure of the report under a name of its own.

`systems.NAME.error_mm.{EXPRESSION, total}` over the whole skin, `.face_error_mm` over the face
region, `.roughness_ratio`, `.jitter_ratio`, `.return_to_neutral_mm`; `classification.NAME`
with `precision`, `recall` and `f1`; commit, command, seed and hash of the data.
"""

from __future__ import annotations

import json
from collections.abc import Sequence as Rows
from pathlib import Path
from typing import Any

from facegen_core.files import write_text
from training.evaluation.classifier import SpreadScores
from training.evaluation.examination import Examination
from training.evaluation.questions import Strength
from training.evaluation.reconstruction_table import TOTAL, Cell, ReconstructionTable
from training.evaluation.skin_measures import TRUTH
from training.evaluation.systems import OURS, OpenedSystems
from training.evaluation.targets import judge_targets
from training.expression_model.reconstruction import COMPOUND

RESULTS_VERSION = 1
_DIGITS = 4


def collect_results(
    examination: Examination, opened: OpenedSystems, expressions: Rows[str], about: dict[str, Any]
) -> dict[str, Any]:
    """Plain values for JSON; about: commit, command, seed, data and the like."""
    systems = {name: _system(name, examination) for name in opened.systems}
    for name, system in opened.models.items():
        systems[name]["trained_on_this_data"] = system.data_hash == about["data_hash"]
    systems[TRUTH] = _truth(examination, expressions)
    results: dict[str, Any] = {
        "version": RESULTS_VERSION,
        **about,
        "expressions": list(expressions),
        "num_subjects": len(examination.subjects),
        "num_sequences": examination.num_sequences,
        "num_compound_sequences": examination.num_compounds,
        "num_sequences_measured_whole": examination.num_whole,
        "systems": systems,
        "not_evaluated": opened.missing,
        "classification": {
            name: classification_of(scores, expressions)
            for name, scores in examination.scores.items()
        },
        "basis_face_error_mm": rounded(examination.floors_mm),
        "subjects_better_than": _comparisons(examination.table, list(opened.systems)),
    }
    results["targets"] = judge_targets(results)
    return results


def write_results(results: dict[str, Any], path: Path) -> None:
    """Write results.json; refuses what JSON has no number for."""
    text = json.dumps(results, indent=1, allow_nan=False)
    write_text(path, text + "\n")


def _system(name: str, examination: Examination) -> dict[str, Any]:
    table = examination.table
    content = _errors(table, name, "true")
    content["fixed"] = _errors(table, name, "fixed")
    if not content["fixed"]:
        del content["fixed"]
    content |= rounded(examination.skin.summary(name))
    if response := examination.responses.get(name):
        content["intensity"] = rounded(vars(response))
    return content


def _errors(table: ReconstructionTable, name: str, strength: Strength) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for region, key in (("skin", "error_mm"), ("face", "face_error_mm")):
        cells = table.cells(name, strength, region)
        compound = cells.pop(COMPOUND, None)
        if cells:
            content[key] = {n: round(c.mean, _DIGITS) for n, c in cells.items()}
            content[f"{key}_sd"] = {n: round(c.deviation, _DIGITS) for n, c in cells.items()}
        if compound:
            content.setdefault("compound", {})[key] = _cell(compound)
    return content


def _cell(cell: Cell) -> dict[str, float]:
    return {"mean": round(cell.mean, _DIGITS), "sd": round(cell.deviation, _DIGITS)}


def _truth(examination: Examination, expressions: Rows[str]) -> dict[str, Any]:
    """The truth beside itself: no error; what is measured of its own motion."""
    zeros = dict.fromkeys([*expressions, TOTAL], 0.0)
    return {
        "error_mm": zeros,
        "face_error_mm": dict(zeros),
        **rounded(examination.skin.summary(TRUTH)),
    }


def classification_of(scores: SpreadScores, expressions: Rows[str]) -> dict[str, Any]:
    names = ("precision", "recall", "f1")
    means, deviations = scores.means.round(_DIGITS), scores.deviations.round(_DIGITS)
    content: dict[str, Any] = {n: float(means[k, -1]) for k, n in enumerate(names)}
    content |= {f"{n}_sd": float(deviations[k, -1]) for k, n in enumerate(names)}
    content["per_expression"] = {
        expression: {n: float(means[k, c]) for k, n in enumerate(names)}
        for c, expression in enumerate(expressions)
    }
    return content


def _comparisons(table: ReconstructionTable, systems: Rows[str]) -> dict[str, int]:
    """{other system: subjects for whom ours errs less, over the face}."""
    if OURS not in systems:
        return {}
    ours = table.subject_means(OURS, "face")
    return {
        name: sum(ours[s] < error for s, error in table.subject_means(name, "face").items())
        for name in systems
        if name != OURS
    }


def rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(float(value), _DIGITS) for name, value in values.items()}
