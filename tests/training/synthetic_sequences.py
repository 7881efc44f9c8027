"""Recorded sequences small enough for tests: smooth bumps on the sphere template, made in code."""

from dataclasses import dataclass

import numpy as np

from facegen_core.conditioning import phase_curve
from facegen_core.intensity import EXPRESSIONS
from facegen_core.template import Template
from tests.sphere_template import RADIUS, sphere_template
from training.datasets.sequence import Component
from training.datasets.training_data import TrainingData

APEX_MM = 4.0


@dataclass(frozen=True, eq=False)
class BumpSequence:
    """An expression that lifts one side of the sphere."""

    subject: str
    expression: str
    take: int
    marks: np.ndarray
    neutral: np.ndarray
    strength: float
    identity: np.ndarray

    @property
    def name(self) -> str:
        return f"{self.subject}_{self.expression}_{self.take}"

    @property
    def components(self) -> tuple[Component, ...]:
        return (Component(self.expression, self.marks),)

    @property
    def num_frames(self) -> int:
        return int(self.marks[-1]) + 6

    def displacements(self, frames: np.ndarray | None = None) -> np.ndarray:
        centres = np.random.default_rng(EXPRESSIONS.index(self.expression)).normal(size=(2, 3))
        centre, direction = centres / np.linalg.norm(centres, axis=1, keepdims=True)
        distance = np.linalg.norm(self.neutral / RADIUS - centre, axis=1)
        field = np.exp(-2 * distance**2)[:, None] * direction * APEX_MM * self.strength
        curve = self._curve() if frames is None else self._curve()[frames]
        return (curve[:, None, None] * field).astype(np.float32)

    def jaw(self) -> np.ndarray:
        pose = np.array([0.1, 0, 0, 0, -1.0, 0]) * EXPRESSIONS.index(self.expression)
        return (self._curve()[:, None] * pose * self.strength).astype(np.float32)

    def _curve(self) -> np.ndarray:
        ramp = phase_curve(self.marks, np.arange(self.num_frames))
        return ramp * ramp * (3 - 2 * ramp)  # smooth, as faces move


def bump_sequences(template: Template, subjects: range, seed: int = 0) -> list[BumpSequence]:
    rng = np.random.default_rng(seed)
    return [
        BumpSequence(
            f"S{subject:03d}",
            expression,
            1,
            3.0 + np.cumsum([0, *rng.integers(4, 9, 3)]),
            template.vertices.astype(np.float64),
            float(rng.uniform(0.6, 1.2)),
            rng.normal(size=template.identity_basis.shape[0]).astype(np.float32),
        )
        for subject in subjects
        for expression in EXPRESSIONS
    ]


def bump_data() -> TrainingData:
    template = sphere_template()
    sequences = {
        "train": bump_sequences(template, range(8)),
        "val": bump_sequences(template, range(8, 9), seed=1),
        "test": bump_sequences(template, range(9, 11), seed=2),
    }
    provenance = {"name": "bumps", "source": "made in code", "licence": "CC0", "seed": 0}
    return TrainingData(template, sequences, 30.0, provenance)
