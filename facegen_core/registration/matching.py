"""The closest normal-compatible point of a triangle surface, for many points at once."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..mesh import Mesh
from .closest_points import closest_barycentrics

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# A normal turned by 90° counts as this many millimetres of distance when candidates are gathered:
# about the thickness of a lip or an ear, whose two sides must not be confused.
_NORMAL_REACH_MM = 8.0
# Candidates by position alone keep the surface a point lies on among them, whatever its normal.
_NUM_NEAREST, _NUM_COMPATIBLE = 16, 12
# How much farther a candidate with a contrary normal (cosine -1) looks than it is.
_CONTRARY_PENALTY = 8.0
# Points answered at once: a block's temporaries stay below 200 MB.
_BLOCK_SIZE = 20_000
# Distances are told no finer than this: where lip touches lip the normals decide, not rounding.
_TIE_MM = 1e-3


@dataclass(frozen=True, eq=False)
class Matches:
    """The matched point of each of N points.

    triangle_indices: (N,) int32. barycentrics: (N, 3). distances: (N,) mm.
    cosines: (N,) between the point's normal and the triangle's.
    """

    triangle_indices: IntArray
    barycentrics: FloatArray
    distances: FloatArray
    cosines: FloatArray

    def values(self, triangles: IntArray, vertex_values: FloatArray) -> FloatArray:
        """(N, ...) values of (V, ...) vertex values at the matched points."""
        corners = vertex_values[triangles[self.triangle_indices]]
        return np.einsum("nk,nk...->n...", self.barycentrics, corners)


class TriangleSearch:
    """Finds closest points on the triangles of a mesh in millimetres."""

    def __init__(self, mesh: Mesh, triangle_indices: IntArray | None = None) -> None:
        """Search all (F, 3) triangles, or only those with the given indices."""
        everything = np.arange(len(mesh.triangles))
        self._indices = everything if triangle_indices is None else triangle_indices
        self._corners = mesh.vertices[mesh.triangles[self._indices]]  # (F', 3, 3)
        self._normals = mesh.face_normals[self._indices]
        centres = self._corners.mean(axis=1)
        self._nearest = cKDTree(centres)
        self._compatible = cKDTree(np.hstack([centres, _NORMAL_REACH_MM * self._normals]))

    def closest(self, points: FloatArray, normals: FloatArray) -> Matches:
        """The closest compatible point for (N, 3) points with (N, 3) unit normals."""
        count = max(len(points), 1)
        blocks = [
            self._closest(points[start : start + _BLOCK_SIZE], normals[start : start + _BLOCK_SIZE])
            for start in range(0, count, _BLOCK_SIZE)
        ]
        names = (entry.name for entry in fields(Matches))
        return Matches(*(np.concatenate([getattr(b, n) for b in blocks]) for n in names))

    def _closest(self, points: FloatArray, normals: FloatArray) -> Matches:
        candidates = self._candidates(points, normals)  # (N, K)
        corners = self._corners[candidates]
        barycentrics = closest_barycentrics(corners, points[:, None])
        offsets = np.einsum("nkc,nkcx->nkx", barycentrics, corners) - points[:, None]
        distances = np.linalg.norm(offsets, axis=-1)
        cosines = np.einsum("nx,nkx->nk", normals, self._normals[candidates])
        costs = (distances + _TIE_MM) * (1.0 + 0.5 * _CONTRARY_PENALTY * (1.0 - cosines))
        best = costs.argmin(axis=1)
        row = np.arange(len(points))
        return Matches(
            self._indices[candidates[row, best]].astype(np.int32),
            barycentrics[row, best],
            distances[row, best],
            cosines[row, best],
        )

    def _candidates(self, points: FloatArray, normals: FloatArray) -> IntArray:
        count = len(self._indices)
        nearest = self._nearest.query(points, min(_NUM_NEAREST, count), workers=-1)[1]
        keys = np.hstack([points, _NORMAL_REACH_MM * normals])
        compatible = self._compatible.query(keys, min(_NUM_COMPATIBLE, count), workers=-1)[1]
        return np.hstack([nearest.reshape(len(points), -1), compatible.reshape(len(points), -1)])
