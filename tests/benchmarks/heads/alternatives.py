"""The plain ways to move a head, in the same run: what any of ours must beat by half.

Radial basis functions are given more than anyone has: where the 68 landmarks truly go. The nearest
point is taken on the template after the same rigid and identity alignment as ours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.spatial import cKDTree

from facegen_core.registration.alignment import Alignment
from tests.benchmarks.heads.variation import Variation

FloatArray = NDArray[np.floating]


def by_radial_basis(variation: Variation, at: NDArray[np.integer]) -> FloatArray | None:
    """(T, N, 3) mm at some vertices, thin-plate splines through the landmarks' displacements."""
    truth, marks = variation.truth, variation.landmarks
    if truth.landmarks is None or marks is None:
        return None
    points = truth.mesh.vertices
    vertices = cKDTree(points).query(truth.landmarks)[1]
    moved = truth.displacements[:, vertices]  # (T, 68, 3)
    if variation.warp is not None:
        moved = variation.warp(points[vertices] + moved) - variation.warp(points[vertices])
    flat = moved.transpose(1, 0, 2).reshape(len(marks), -1)
    _, first = np.unique(np.round(marks, 6), axis=0, return_index=True)
    spline = RBFInterpolator(marks[first], flat[first], kernel="thin_plate_spline")
    return spline(variation.positions[at]).reshape(len(at), len(moved), 3).transpose(1, 0, 2)


def by_nearest_point(
    variation: Variation, alignment: Alignment, at: NDArray[np.integer], with_identity: bool
) -> FloatArray:
    """(T, N, 3) mm at some vertices: the played motion of the nearest template vertex."""
    fit, template = alignment.fit, alignment.template
    coefficients = fit.identity_coefficients if with_identity else np.zeros(0)
    aligned = template.with_identity(coefficients)
    points = fit.similarity.apply(variation.mesh.vertices[at])
    nearest = cKDTree(aligned).query(points)[1]
    motion = variation.truth.motion.skin[:, nearest]
    return variation.in_mm(fit.similarity.inverse_vectors(motion))
