"""Similarities from point pairs, and trimmed closest-point alignment of many starts at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..errors import LandmarkError
from .alignment import Similarity

FloatArray = NDArray[np.floating]


def fit_similarity(
    points: FloatArray, goals: FloatArray, weights: FloatArray | None = None
) -> Similarity:
    """The similarity that takes (N, 3) points to (N, 3) goals with least squared error.

    Umeyama, Least-squares estimation of transformation parameters between two point patterns,
    TPAMI 1991, eq. 34 to 43, with optional (N,) weights; a reflection never comes out.
    Raises LandmarkError when the points have no extent.
    """
    weights = np.ones(len(points)) if weights is None else np.asarray(weights, np.float64)
    weights = weights / weights.sum()
    centre, goal_centre = weights @ points, weights @ goals
    centred, goal_centred = points - centre, goals - goal_centre
    variance = float(weights @ np.sum(centred**2, axis=1))
    if not variance > 0:
        raise LandmarkError("The landmarks lie in one point: place each on its own spot.")
    u, singular, vt = np.linalg.svd((goal_centred * weights[:, None]).T @ centred)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = (u * signs) @ vt
    scale = float(singular @ signs) / variance
    return Similarity(scale, rotation, goal_centre - scale * rotation @ centre)


def similarity_step(increments: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(H, 7) increments (rotation vector, translation, log scale) → scales, rotations, shifts."""
    rotations = Rotation.from_rotvec(increments[:, :3]).as_matrix()
    return np.exp(increments[:, 6]), rotations, increments[:, 3:6]


def similarity_columns(points: FloatArray) -> FloatArray:
    """(..., 3, 7) derivative of (..., 3) points by rotation vector, translation and log scale."""
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    zero, one = np.zeros_like(x), np.ones_like(x)
    rows = [
        np.stack([zero, z, -y, one, zero, zero, x], axis=-1),
        np.stack([-z, zero, x, zero, one, zero, y], axis=-1),
        np.stack([y, -x, zero, zero, zero, one, z], axis=-1),
    ]
    return np.stack(rows, axis=-2)
