"""Table 2, and what Figures 3 and 5 show: distances between generated and true vertices, in mm.

Potamias et al., ECCV 2020, section 5.2: the mean Euclidean distance over vertices and frames of
unseen subjects. Here it is averaged subject by subject, so that their spread can be told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence as Rows
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facegen_core.metrics import vertex_errors, weighted_mean
from training.evaluation.cases import Case
from training.evaluation.questions import Strength
from training.expression_model.reconstruction import COMPOUND, apex_rows

FloatArray = NDArray[np.floating]

TOTAL = "total"
PHASES = ("onset", "apex", "offset")
# Steps each of onset, apex and offset is divided into for Figure 5.
NUM_PHASE_STEPS = 8


@dataclass(frozen=True)
class Cell:
    """Mean and standard deviation over subjects of their mean errors, mm."""

    mean: float
    deviation: float
    num_subjects: int


@dataclass(frozen=True)
class _Row:
    subject: str
    column: str  # expression, or COMPOUND
    skin: float
    face: float


@dataclass(eq=False)
class ReconstructionTable:
    """Collects errors of systems, sequence by sequence. face: (V,) weights of the face region."""

    expressions: tuple[str, ...]
    face: FloatArray
    _rows: dict[tuple[str, Strength], list[_Row]] = field(default_factory=lambda: defaultdict(list))
    _heat: dict[tuple[str, str], FloatArray] = field(default_factory=dict)
    _heat_counts: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    _phases: dict[str, FloatArray] = field(default_factory=dict)

    def add(self, system: str, case: Case, motion: FloatArray) -> None:
        """Compare (N, V, 3) generated displacements with the truth of a case."""
        compared, strength = case.compared, case.question.strength
        errors = vertex_errors(motion[compared], case.truth[compared])  # (N, V)
        column = case.sequence.expression if case.is_single else COMPOUND
        row = _Row(
            case.sequence.subject, column, float(errors.mean()), weighted_mean(errors, self.face)
        )
        self._rows[system, strength].append(row)
        if case.is_single and strength == "true":
            frames = case.frames[compared]
            self._add_heat(system, column, errors[apex_rows(frames, case.sequence.marks)])
            self._add_phases(system, errors, np.interp(frames, case.sequence.marks, [0, 1, 2, 3]))

    def cells(self, system: str, strength: Strength, region: str) -> dict[str, Cell]:
        """{expression or "total": Cell} of a region, "skin" or "face"; and of compounds."""
        rows = self._rows.get((system, strength), [])
        singles = [row for row in rows if row.column != COMPOUND]
        columns = {name: [r for r in rows if r.column == name] for name in self.expressions}
        columns |= {TOTAL: singles, COMPOUND: [r for r in rows if r.column == COMPOUND]}
        return {name: _cell(group, region) for name, group in columns.items() if group}

    def subject_means(self, system: str, region: str) -> dict[str, float]:
        """{subject: its mean error, mm}, true strength, sequences of one expression."""
        rows = self._rows.get((system, "true"), [])
        return _subject_means([row for row in rows if row.column != COMPOUND], region)

    def heat_maps(self, systems: Rows[str]) -> dict[str, dict[str, FloatArray]]:
        """{system: {expression: (V,) mean error at the apex, mm}} for Figure 3."""
        return {
            system: {
                name: self._heat[system, name] / self._heat_counts[system, name]
                for name in self.expressions
                if (system, name) in self._heat
            }
            for system in systems
        }

    @property
    def absent_phases(self) -> list[str]:
        """Phases of Figure 5 that no sequence has, such as the offset in takes up to the peak."""
        counts = np.sum([counts for _, counts in self._phases.values()], axis=0)
        met = np.reshape(counts, (3, NUM_PHASE_STEPS)).any(axis=1)
        return [name for name, is_met in zip(PHASES, met, strict=True) if not is_met]

    def phase_curves(self, systems: Rows[str]) -> dict[str, FloatArray]:
        """{system: (3 * NUM_PHASE_STEPS,) mean error of the face, mm} for Figure 5."""
        curves = {}
        for system in systems:
            sums, counts = self._phases[system]
            means = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
            met = np.flatnonzero(counts)
            # A step no frame fell into takes what its neighbours have.
            curves[system] = np.interp(np.arange(len(means)), met, means[met])
        return curves

    def _add_heat(self, system: str, column: str, errors: FloatArray) -> None:
        sums = errors.sum(axis=0, dtype=np.float64)
        self._heat[system, column] = self._heat.get((system, column), 0.0) + sums
        self._heat_counts[system, column] += len(errors)

    def _add_phases(self, system: str, errors: FloatArray, clock: FloatArray) -> None:
        """clock: (N,) 0 to 1 onset, to 2 apex, to 3 offset; rest before and after is left out."""
        moving = (clock > 0) & (clock < 3)
        steps = (clock[moving] * NUM_PHASE_STEPS).astype(int)
        values = errors[moving] @ (self.face / self.face.sum())
        size = 3 * NUM_PHASE_STEPS
        sums = self._phases.setdefault(system, np.zeros((2, size)))
        sums[0] += np.bincount(steps, values, size)
        sums[1] += np.bincount(steps, minlength=size)


def _subject_means(rows: Rows[_Row], region: str) -> dict[str, float]:
    groups: dict[str, list[float]] = {}
    for row in rows:
        groups.setdefault(row.subject, []).append(getattr(row, region))
    return {subject: float(np.mean(values)) for subject, values in groups.items()}


def _cell(rows: Rows[_Row], region: str) -> Cell:
    means = list(_subject_means(rows, region).values())
    deviation = float(np.std(means, ddof=1)) if len(means) > 1 else 0.0
    return Cell(float(np.mean(means)), deviation, len(means))
