"""What millimetres hide: lumps, trembling, faces that do not settle, lips and lids that collide.

Measured on whole sequences of generated and of true motion alike, and told as ratios where the
truth has a value of its own.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from facegen_core.contact import Contact
from facegen_core.metrics import (
    jitter,
    mean_displacement,
    roughness,
    speeds,
    umbrella_laplacian,
)
from facegen_core.template import Template
from training.evaluation.cases import Case

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

TRUTH = "truth"
# Frames of the apex at which roughness and contact are looked at: first, middle and last.
NUM_APEX_FRAMES = 3


@dataclass(eq=False)
class SkinMeasures:
    """Collects measures of systems and of the truth, whole sequence by whole sequence."""

    template: Template
    face: FloatArray
    _rows: dict[str, list[dict[str, float]]] = field(default_factory=lambda: defaultdict(list))
    _contact: tuple[str, Contact | None] = ("", None)

    def __post_init__(self) -> None:
        self._laplacian: sparse.csr_matrix = umbrella_laplacian(
            self.template.triangles, self.template.num_vertices
        )

    def add(self, system: str, case: Case, motion: FloatArray) -> None:
        """Measure (T, V, 3) displacements of all frames of a case."""
        marks = case.sequence.marks
        apex = np.rint(np.linspace(marks[1], marks[2], NUM_APEX_FRAMES)).astype(int)
        apex = np.unique(np.minimum(apex, len(motion) - 1))
        rest = motion[int(np.ceil(marks[3])) :]
        curve, true_curve = speeds(motion, self.face), speeds(case.truth, self.face)
        row = {
            "roughness": float(roughness(motion[apex], self._laplacian, self.face).mean()),
            "jitter": jitter(motion, self.face),
            "peak_speed": float(curve.max(initial=0.0)),
            "speed_correlation": _correlation(curve, true_curve),
        }
        if len(rest) and marks[3] > marks[2]:  # takes that end at the peak do not return
            row["rest"] = float(mean_displacement(rest, self.face).mean())
        contact = self._contact_of(case)
        if contact is not None:
            lips, lids = contact.penetration(motion[apex]).T
            row |= {"lips": float(lips.max()), "lids": float(lids.max())}
        self._rows[system].append(row)

    def summary(self, system: str) -> dict[str, float]:
        """Measures of a system, by the names of results.json; empty where nothing was added.

        Ratios are of means over all sequences, so that hardly moving ones do not decide.
        """
        if not self._rows.get(system):
            return {}
        summary = {
            f"{name}_ratio": self._mean(system, name) / max(self._mean(TRUTH, name), 1e-12)
            for name in ("roughness", "jitter", "peak_speed")
        }
        summary["speed_correlation"] = self._mean(system, "speed_correlation")
        if self._values(system, "rest"):
            summary["return_to_neutral_mm"] = self._mean(system, "rest")
            summary["return_to_neutral_worst_mm"] = max(self._values(system, "rest"))
        for part, name in (("lips", "lip"), ("lids", "lid")):
            if values := self._values(system, part):
                summary[f"{name}_penetration_mm"] = float(np.mean(values))
                summary[f"{name}_penetration_worst_mm"] = max(values)
        return summary

    @property
    def num_sequences(self) -> int:
        return len(self._rows[TRUTH])

    def _values(self, system: str, name: str) -> list[float]:
        return [row[name] for row in self._rows[system] if name in row]

    def _mean(self, system: str, name: str) -> float:
        return float(np.mean(self._values(system, name)))

    def _contact_of(self, case: Case) -> Contact | None:
        """Of the subject's own face; None for templates that do not tell upper from lower lip."""
        sides = self.template.regions["upper_lip"] - self.template.regions["lower_lip"]
        if sides.max() < 0.5 or sides.min() > -0.5:
            return None
        subject = case.sequence.subject
        if self._contact[0] != subject:
            identity = np.asarray(case.sequence.identity)
            inner = {p.name: _part_of(p.vertices, p.identity_basis, identity) for p in self._parts}
            self._contact = (subject, Contact.of(self.template, case.sequence.neutral, inner))
        return self._contact[1]

    @property
    def _parts(self) -> tuple:
        return self.template.inner_parts


def _part_of(vertices: FloatArray, basis: FloatArray, identity: FloatArray) -> FloatArray:
    size = min(len(basis), len(identity))
    return vertices + np.tensordot(identity[:size], basis[:size], axes=1)


def _correlation(first: FloatArray, second: FloatArray) -> float:
    """Pearson's, 0 where one of the two does not vary."""
    if len(first) < 2 or min(np.std(first), np.std(second)) < 1e-9:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
