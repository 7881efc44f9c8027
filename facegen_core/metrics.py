"""Vertex, landmark, roughness and smoothness measures, in millimetres."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .topology import adjacency

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]


def vertex_errors(predicted: FloatArray, truth: FloatArray) -> FloatArray:
    """(..., V) Euclidean distances of (..., V, 3) arrays (Potamias et al. 2020, section 5.2)."""
    return np.linalg.norm(predicted - truth, axis=-1)


def weighted_mean(values: FloatArray, weights: FloatArray) -> float:
    """Mean of (..., V) values over the vertices weighted by (V,) a soft region."""
    return float((values * weights).sum() / (weights.sum() * np.prod(values.shape[:-1])))


def roughness(displacements: FloatArray, triangles: IntArray) -> FloatArray:
    """(T,) mean length of the umbrella Laplacian of (T, V, 3) displacements, mm.

    Lumps show here long before they show in the mean error.
    """
    num_vertices = displacements.shape[-2]
    neighbours = adjacency(triangles, num_vertices)
    degrees = np.maximum(np.asarray(neighbours.sum(axis=1)), 1.0)
    return np.array(
        [
            np.linalg.norm(frame - (neighbours @ frame) / degrees, axis=1).mean()
            for frame in displacements
        ]
    )


def jitter(displacements: FloatArray) -> float:
    """Mean length of the third difference in time of (T, V, 3) displacements, mm per frame³."""
    if len(displacements) < 4:
        return 0.0
    return float(np.linalg.norm(np.diff(displacements, n=3, axis=0), axis=-1).mean())


def mean_displacement(displacements: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """(T,) mean length over vertices of (T, V, 3); over a soft region where (V,) weights are given.

    This is m of Potamias et al. 2020, section 5.1.1, frame by frame.
    """
    lengths = np.linalg.norm(displacements, axis=-1)
    if weights is None:
        return lengths.mean(axis=1)
    return lengths @ (weights / weights.sum())
