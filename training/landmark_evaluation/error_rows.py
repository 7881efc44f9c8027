"""Errors of many takes, as means over subjects with their spread."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence as Rows
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from training.evaluation.reconstruction_table import TOTAL, Cell
from training.landmark_evaluation.cases import COMPOUND, TakeCase

# {subject: value}
SubjectValues = dict[str, float]


@dataclass(eq=False)
class ErrorRows:
    """Values of systems, take by take, each under the name of a measure."""

    expressions: tuple[str, ...]
    _rows: dict[tuple[str, str], list[tuple[str, str, float]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, system: str, measure: str, case: TakeCase, value: float) -> None:
        self._rows[system, measure].append((case.sequence.subject, case.column, float(value)))

    def has(self, system: str, measure: str) -> bool:
        return self.count(system, measure) > 0

    def count(self, system: str, measure: str) -> int:
        """Takes that were added."""
        return len(self._rows.get((system, measure), []))

    def plain(self) -> list[list[Any]]:
        """Everything that was added, as JSON holds it: system, measure, subject, column, value."""
        return [[*key, *row] for key, rows in self._rows.items() for row in rows]

    def add_plain(self, rows: Rows[Rows[Any]]) -> None:
        """What another table's `plain` gave."""
        for system, measure, subject, column, value in rows:
            self._rows[system, measure].append((subject, column, float(value)))

    def cells(self, system: str, measure: str) -> dict[str, Cell]:
        """{expression, "total" of these, "compound": mean and spread over subjects}; what there is
        none of is left out."""
        rows = self._rows.get((system, measure), [])
        columns: dict[str, Rows[tuple[str, str, float]]] = {
            name: [row for row in rows if row[1] == name] for name in (*self.expressions, COMPOUND)
        }
        columns[TOTAL] = [row for row in rows if row[1] != COMPOUND]
        return {name: _cell(group) for name, group in columns.items() if group}

    def subject_means(self, system: str, measure: str) -> SubjectValues:
        """{subject: mean over its takes of one expression}."""
        return _subject_means(
            [row for row in self._rows.get((system, measure), []) if row[1] != COMPOUND]
        )


def _subject_means(rows: Rows[tuple[str, str, float]]) -> SubjectValues:
    groups: dict[str, list[float]] = defaultdict(list)
    for subject, _, value in rows:
        groups[subject].append(value)
    return {subject: float(np.mean(values)) for subject, values in groups.items()}


def _cell(rows: Rows[tuple[str, str, float]]) -> Cell:
    means = list(_subject_means(rows).values())
    deviation = float(np.std(means, ddof=1)) if len(means) > 1 else 0.0
    return Cell(float(np.mean(means)), deviation, len(means))
