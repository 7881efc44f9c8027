"""The blendshapes of the mean face as every person shows them, and motion told in them.

A model that follows the neutral learns coefficients that mean the same on every face: its basis is
carried to each neutral by deformation transfer, and motion is projected on what arrives there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facegen_core.conditioning import relative_lip_gap
from facegen_core.deformation_transfer import BasisTransfer
from facegen_core.template import Template

FloatArray = NDArray[np.floating]

# Keeps coefficients small where shapes of a basis look alike on a face, or are empty.
RIDGE = 1e-5


class FaceBases:
    """(K, V, 3) shapes per face. follows: whether they are carried, or the same for everybody."""

    def __init__(self, template: Template, shapes: NDArray[np.float32], follows: bool) -> None:
        self.mean = shapes
        self._template = template
        self._transfer = None
        if follows:
            self._transfer = BasisTransfer(template.vertices, template.triangles, shapes)
        self._last: FaceBasis | None = None
        self._kept: dict[str, NDArray[np.float16]] = {}

    def of(self, neutral: FloatArray) -> FaceBasis:
        """The basis of a (V, 3) neutral; the last is kept, so ask for one face after another."""
        if self._last is None or not (
            self._transfer is None or np.array_equal(self._last.neutral, neutral)
        ):
            shapes = self.mean if self._transfer is None else self._transfer.to(neutral)
            self._last = FaceBasis(np.asarray(neutral), shapes)
        return self._last

    def lip_gap(self, neutral: FloatArray) -> float:
        """How far the lips of a (V, 3) neutral stand apart, as a model reads it."""
        landmarks = self._template.landmarks.positions(neutral, self._template.triangles)
        return relative_lip_gap(landmarks, self._template.landmark_positions)

    def remembered(self, subject: str, neutral: FloatArray) -> NDArray[np.float32]:
        """Like `of`, for faces that are asked for again and again in any order: kept as float16."""
        if self._transfer is None:
            return self.mean
        if subject not in self._kept:
            self._kept[subject] = self.of(neutral).shapes.astype(np.float16)
        return self._kept[subject].astype(np.float32)


class FaceBasis:
    """shapes: (K, V, 3) of the face with a (V, 3) neutral."""

    def __init__(self, neutral: FloatArray, shapes: NDArray[np.float32]) -> None:
        self.neutral, self.shapes = neutral, shapes
        self._flat = shapes.reshape(len(shapes), -1)
        gram = (self._flat @ self._flat.T).astype(np.float64)
        ridge = RIDGE * np.trace(gram) / len(gram)
        self._inverse = np.linalg.inv(gram + ridge * np.eye(len(gram)))

    def project(self, displacements: FloatArray) -> NDArray[np.float32]:
        """(T, K) coefficients that come nearest to (T, V, 3) displacements."""
        products = displacements.reshape(len(displacements), -1) @ self._flat.T
        return (products @ self._inverse).astype(np.float32)

    def lift(self, coefficients: FloatArray) -> NDArray[np.float32]:
        """(T, V, 3) displacements of (T, K) coefficients."""
        lifted = np.asarray(coefficients, np.float32) @ self._flat
        return lifted.reshape(len(coefficients), *self.shapes.shape[1:])


def on_the_mean_face(
    template: Template, neutral: FloatArray, displacements: FloatArray
) -> NDArray[np.float32]:
    """(N, V, 3) displacements of a person as the mean face would show them."""
    transfer = BasisTransfer(neutral, template.triangles, displacements)
    return transfer.to(template.vertices)
