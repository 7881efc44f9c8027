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
        self._centres = self._corners.mean(axis=1)
        self._radii = np.linalg.norm(self._corners - self._centres[:, None], axis=2).max(axis=1)
        self._nearest = cKDTree(self._centres)
        self._compatible = cKDTree(np.hstack([self._centres, _NORMAL_REACH_MM * self._normals]))

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
        row = np.arange(len(points))
        cosines = np.einsum("nx,nkx->nk", normals, self._normals[candidates])
        penalties = 1.0 + 0.5 * _CONTRARY_PENALTY * (1.0 - cosines)
        offsets = self._centres[candidates] - points[:, None]
        to_centres = np.sqrt(np.einsum("nkx,nkx->nk", offsets, offsets))
        # A triangle is no nearer than its centre less its radius: most candidates cannot beat the
        # most promising one, and are not measured.
        promising = ((to_centres + _TIE_MM) * penalties).argmin(axis=1)
        reached = self._measured(candidates[row, promising], points)[1]
        enough = (reached + _TIE_MM) * penalties[row, promising]
        nearest = np.maximum(to_centres - self._radii[candidates], 0.0)
        rows, columns = np.nonzero(nearest * penalties <= enough[:, None])
        barycentrics, distances = self._measured(candidates[rows, columns], points[rows])
        costs = np.full(candidates.shape, np.inf)
        costs[rows, columns] = (distances + _TIE_MM) * penalties[rows, columns]
        best = costs.argmin(axis=1)
        width = candidates.shape[1]
        places = np.searchsorted(rows * width + columns, row * width + best)
        return Matches(
            self._indices[candidates[row, best]].astype(np.int32),
            barycentrics[places],
            distances[places],
            cosines[row, best],
        )

    def _measured(self, triangles: IntArray, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(P, 3) barycentrics of the closest points of P triangles to P points, (P,) distances."""
        corners = self._corners[triangles]
        barycentrics = closest_barycentrics(corners, points)
        offsets = np.einsum("nc,ncx->nx", barycentrics, corners) - points
        return barycentrics, np.linalg.norm(offsets, axis=-1)

    def _candidates(self, points: FloatArray, normals: FloatArray) -> IntArray:
        count = len(self._indices)
        nearest = self._nearest.query(points, min(_NUM_NEAREST, count), workers=-1)[1]
        keys = np.hstack([points, _NORMAL_REACH_MM * normals])
        compatible = self._compatible.query(keys, min(_NUM_COMPATIBLE, count), workers=-1)[1]
        return np.hstack([nearest.reshape(len(points), -1), compatible.reshape(len(points), -1)])
