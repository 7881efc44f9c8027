"""Carry the template's inner parts along with a fitted skin; eyeballs stay round."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..template import Template
from .rigid import fit_similarity

FloatArray = NDArray[np.floating]

# Inner parts follow the average of this many skin vertices around each point.
NUM_NEIGHBOURS = 48
SOFTENING_MM = 6.0
ROUND_PARTS = ("eyeball_left", "eyeball_right")


def carry_inner_parts(
    template: Template, coefficients: FloatArray, skin: FloatArray
) -> dict[str, FloatArray]:
    """{name: (P, 3) mm} inner parts of the identity, moved as the bent skin (V, 3) around them."""
    shape = template.with_identity(coefficients)
    moved = skin - shape
    tree = cKDTree(shape)
    carried = {}
    for part in template.inner_parts:
        basis = part.identity_basis[: len(coefficients)]
        points = part.vertices + np.tensordot(coefficients[: len(basis)], basis, axes=1)
        warped = points + _smooth_motion(tree, moved, points)
        if part.name in ROUND_PARTS:
            warped = fit_similarity(np.asarray(part.vertices, np.float64), warped).apply(
                part.vertices
            )
        carried[part.name] = warped
    return carried


def _smooth_motion(tree: cKDTree, moved: FloatArray, points: FloatArray) -> FloatArray:
    """(P, 3) distance-weighted mean of the motion of the skin around each of (P, 3) points."""
    distances, rows = tree.query(points, k=min(NUM_NEIGHBOURS, tree.n), workers=-1)
    weights = 1.0 / (distances**2 + SOFTENING_MM**2)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.einsum("pk,pkx->px", weights, moved[rows])
