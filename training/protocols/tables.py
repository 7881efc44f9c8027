"""protocol.json: one table of all folds, every figure under a name of its own.

`decoder.NAME.{all_mm, face_mm}.{mean, sd}` over all vertices, frames and folds, with true
landmarks, and `.{skin_mm, face_mm}_of.{EXPRESSION, total}`; `systems.NAME.{landmarks_mm, skin_mm,
face_mm}.{noise, best, mean_motion}.{EXPRESSION, total}`, each with `_sd` over subjects;
`classification.NAME.{precision, recall, f1}`, each with `_sd` over folds.
"""

from __future__ import annotations

from collections.abc import Sequence as Rows
from typing import Any

import numpy as np

from training.evaluation.reconstruction_table import TOTAL
from training.landmark_evaluation.error_rows import ErrorRows
from training.landmark_evaluation.jury import REGIONS, STATISTICS
from training.landmark_evaluation.systems import (
    CLASS_MEAN,
    MEAN_S2D,
    NEUTRAL,
    OURS,
    PEER,
    RBF,
)
from training.protocols.folds import Fold
from training.protocols.measures import FoldFindings, PooledErrors

RESULTS_VERSION = 1
_DIGITS = 4
# In the order of the tables: ours, the peers, and what doing the least would cost.
SYSTEM_ORDER = (OURS, PEER, RBF, MEAN_S2D, CLASS_MEAN, NEUTRAL)
SCORES = ("precision", "recall", "f1")


def collect_protocol(
    folds: Rows[Fold],
    findings: Rows[FoldFindings],
    expressions: tuple[str, ...],
    about: dict[str, Any],
) -> dict[str, Any]:
    """Plain values for JSON; about: commit, command, seed, data and the like."""
    decoders, systems = ErrorRows(expressions), ErrorRows(expressions)
    for found in findings:
        decoders.add_plain(found.decoders.plain())
        systems.add_plain(found.systems.plain())
    reason = next((found.not_classified for found in findings if found.not_classified), "")
    return {
        "version": RESULTS_VERSION,
        **about,
        "expressions": list(expressions),
        "folds": [
            {
                "number": fold.number,
                **{split: list(names) for split, names in fold.splits.items()},
                "takes": found.num_takes,
                "frames": found.num_frames,
            }
            for fold, found in zip(folds, findings, strict=True)
        ],
        "decoder": {
            name: _decoder(name, findings, decoders)
            for name in SYSTEM_ORDER
            if name in findings[0].pooled
        },
        "systems": {
            name: _system(name, systems)
            for name in SYSTEM_ORDER
            if systems.has(name, f"{REGIONS[0]}_{STATISTICS[0]}")
        },
        "classification": {} if reason else _classification(findings),
        "not_classified": reason,
    }


def _decoder(name: str, findings: Rows[FoldFindings], rows: ErrorRows) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for region in findings[0].pooled[name]:
        whole = PooledErrors()
        for found in findings:
            whole.merge(found.pooled[name][region])
        content[f"{region}_mm"] = {
            "mean": round(whole.mean, _DIGITS),
            "sd": round(whole.deviation, _DIGITS),
        }
    for measure in ("skin_mm", "face_mm"):
        content |= _cells(rows, name, measure, f"{measure}_of")
    return content


def _system(name: str, rows: ErrorRows) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for region in REGIONS:
        content[f"{region}_mm"] = {}
        for statistic in STATISTICS:
            content[f"{region}_mm"] |= _cells(rows, name, f"{region}_{statistic}", statistic)
    return content


def _cells(rows: ErrorRows, name: str, measure: str, key: str) -> dict[str, Any]:
    """Expressions and their total, each a mean over subjects with its spread."""
    cells = rows.cells(name, measure)
    assert TOTAL in cells  # every fold tests every expression
    return {
        key: {column: round(cell.mean, _DIGITS) for column, cell in cells.items()},
        f"{key}_sd": {column: round(cell.deviation, _DIGITS) for column, cell in cells.items()},
    }


def _classification(findings: Rows[FoldFindings]) -> dict[str, Any]:
    """Means over folds: every fold has a classifier of its own."""
    content: dict[str, Any] = {}
    for name in findings[0].classification:
        content[name] = {}
        for score in SCORES:
            values = [found.classification[name][score] for found in findings]
            content[name][score] = round(float(np.mean(values)), _DIGITS)
            content[name][f"{score}_sd"] = round(float(np.std(values, ddof=1)), _DIGITS)
    return content
