"""All judges of one evaluation, and what they have heard of each system so far."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from facegen_core.metrics import vertex_errors, weighted_mean
from training.evaluation.cases import Case
from training.evaluation.reconstruction_table import ReconstructionTable
from training.evaluation.reference import REFERENCE_RULE, Reference
from training.evaluation.skin_measures import TRUTH, SkinMeasures
from training.evaluation.systems import NeutralSystem, OracleSystem, System, TrainedSystem

FloatArray = NDArray[np.floating]


@dataclass(eq=False)
class Jury:
    """Hears the truth of a case first, then every system.

    features: {system: (N, 64) coefficients of each case} and classes: expressions of the cases, for
    the classifier. floors: {whose shapes: errors of the truth through them, mm over the face}.
    """

    reference: Reference
    table: ReconstructionTable
    skin: SkinMeasures
    features: dict[str, list[FloatArray]] = field(default_factory=lambda: defaultdict(list))
    classes: list[int] = field(default_factory=list)
    floors: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    num_whole: int = 0

    def hear_truth(self, case: Case, ours: TrainedSystem | None) -> None:
        """ours: whose shapes the truth is also seen through, besides those of the classifier."""
        basis, truth = self.reference.basis, case.truth[case.compared]
        coefficients = basis.project(truth)
        self.features[TRUTH].append(coefficients)
        self.classes.append(self.table.expressions.index(case.sequence.expression))
        self._add_floor("classifier", np.tensordot(coefficients, basis.shapes, axes=1), truth)
        if ours is not None and ours.faces is not None:
            own = ours.faces.of(case.sequence.neutral)
            self._add_floor("ours", own.lift(own.project(truth)), truth)
        if case.is_whole:
            self.num_whole += 1
            self.skin.add(TRUTH, case, case.truth)

    def hear(self, name: str, system: System, case: Case) -> None:
        """Ask a system about a case of one expression, with both strengths."""
        motion = system.answer(case.question, case.frames)
        self.table.add(name, case, motion)
        if case.is_whole:
            self.skin.add(name, case, motion)
        self.features[name].append(self.reference.basis.project(motion[case.compared]))
        if not isinstance(system, OracleSystem):  # its floor is that of the label it is given
            fixed = _at_average_strength(case)
            self.table.add(name, fixed, system.answer(fixed.question, fixed.frames))

    def hear_compound(self, name: str, system: System, case: Case) -> None:
        """Only systems whose labels are in the magnitudes that cases of two expressions state."""
        labels = getattr(system, "labels", None)
        is_told = labels is not None and labels.rule == REFERENCE_RULE
        if isinstance(system, NeutralSystem) or (is_told and not isinstance(system, OracleSystem)):
            self.table.add(name, case, system.answer(case.question, case.frames))

    def _add_floor(self, whose: str, rebuilt: FloatArray, truth: FloatArray) -> None:
        self.floors[whose].append(weighted_mean(vertex_errors(rebuilt, truth), self.table.face))


def _at_average_strength(case: Case) -> Case:
    """The same case told with the average strength of its class, at the compared frames alone."""
    compared = case.compared
    return replace(
        case,
        question=case.question.with_strength("fixed"),
        frames=case.frames[compared],
        truth=case.truth[compared],
        compared=np.arange(len(compared)),
        is_whole=False,
    )
