"""Vertex, landmark, roughness and smoothness measures, in millimetres."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .topology import adjacency

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]


def vertex_errors(predicted: FloatArray, truth: FloatArray) -> FloatArray:
    """(..., V) Euclidean distances of (..., V, 3) arrays (Potamias et al. 2020, section 5.2)."""
    return _lengths(predicted - truth)


def weighted_mean(values: FloatArray, weights: FloatArray) -> float:
    """Mean of (..., V) values over the vertices weighted by (V,) a soft region."""
    return float((values * weights).sum() / (weights.sum() * np.prod(values.shape[:-1])))


def umbrella_laplacian(triangles: IntArray, num_vertices: int) -> sparse.csr_matrix:
    """(V, V) matrix whose product is each vertex minus the mean of its neighbours.

    Vertices without neighbours get a row of zeros: they cannot be rough.
    """
    neighbours = adjacency(triangles, num_vertices)
    degrees = np.asarray(neighbours.sum(axis=1)).ravel()
    shares = sparse.diags(1.0 / np.maximum(degrees, 1.0)) @ neighbours
    return (sparse.diags((degrees > 0).astype(np.float64)) - shares).tocsr().astype(np.float32)


def roughness(
    displacements: FloatArray, laplacian: sparse.csr_matrix, weights: FloatArray | None = None
) -> FloatArray:
    """(T,) mean length of the umbrella Laplacian of (T, V, 3) displacements, mm.

    laplacian: `umbrella_laplacian` of the mesh; weights: (V,) a soft region, all vertices by
    default. Lumps show here long before they show in the mean error.
    """
    T, V, _ = displacements.shape  # noqa: N806
    columns = displacements.transpose(1, 0, 2).reshape(V, T * 3)
    bends = (laplacian @ columns).reshape(V, T, 3).transpose(1, 0, 2)
    return mean_displacement(bends, weights)


def jitter(displacements: FloatArray, weights: FloatArray | None = None) -> float:
    """Mean length of the third difference in time of (T, V, 3) displacements, mm per frame³.

    weights: (V,) a soft region, all vertices by default.
    """
    if len(displacements) < 4:
        return 0.0
    return float(mean_displacement(np.diff(displacements, n=3, axis=0), weights).mean())


def speeds(displacements: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """(T - 1,) mean distance vertices of (T, V, 3) displacements go from frame to frame, mm."""
    return mean_displacement(np.diff(displacements, axis=0), weights)


def mean_displacement(displacements: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """(T,) mean length over vertices of (T, V, 3); over a soft region where (V,) weights are given.

    This is m of Potamias et al. 2020, section 5.1.1, frame by frame.
    """
    lengths = _lengths(displacements)
    if weights is None:
        return lengths.mean(axis=1)
    return lengths @ (weights / weights.sum())


def _lengths(vectors: FloatArray) -> FloatArray:
    """(...) lengths of (..., 3); three times as fast as np.linalg.norm along a short axis."""
    return np.sqrt(np.einsum("...i,...i->...", vectors, vectors))
