"""Signed distance from a sheet of triangles, measured plainly: nearest place, side of its normal.

On purpose nothing of `facegen_core.contact` is used here: what it promises is measured with this.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from facegen_core.hierarchy import closest_barycentrics
from facegen_core.mesh import vertex_normals
from facegen_core.topology import boundary_edges
from training.template_building.surface import unit

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]

# Triangles around a point that are looked at; sheets are fine where they matter.
_CANDIDATES = 24


@dataclass(frozen=True, eq=False)
class Sheet:
    """vertices: (V, 3) mm; triangles: (F, 3) wound outwards, used vertices only count."""

    vertices: FloatArray
    triangles: IntArray

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.vertices[self.triangles].mean(axis=1))

    @cached_property
    def _normals(self) -> FloatArray:
        return vertex_normals(self.vertices, self.triangles)

    @cached_property
    def _is_rim(self) -> BoolArray:
        """(F,) triangles with a corner on the sheet's border: beyond them there is no side."""
        on_rim = np.zeros(len(self.vertices), bool)
        on_rim[boundary_edges(self.triangles).ravel()] = True
        return on_rim[self.triangles].any(axis=1)

    def measure(self, points: FloatArray) -> Distances:
        """From (N, 3) points, mm."""
        count = min(_CANDIDATES, len(self.triangles))
        _, candidates = self._tree.query(points, count)
        candidates = candidates.reshape(len(points), count)
        corners = self.vertices[self.triangles[candidates]].reshape(-1, 3, 3)
        shares = closest_barycentrics(np.repeat(points, count, axis=0), corners)
        feet = np.einsum("nk,nkx->nx", shares, corners).reshape(len(points), count, 3)
        lengths = np.linalg.norm(points[:, None] - feet, axis=2)
        best = lengths.argmin(axis=1)
        rows = np.arange(len(points))
        chosen = candidates[rows, best]
        shares = shares.reshape(len(points), count, 3)[rows, best]
        normals = unit(np.einsum("nk,nkx->nx", shares, self._normals[self.triangles[chosen]]))
        side = np.sum((points - feet[rows, best]) * normals, axis=1)
        return Distances(
            np.where(side < 0, -1.0, 1.0) * lengths[rows, best], normals, self._is_rim[chosen]
        )


@dataclass(frozen=True, eq=False)
class Distances:
    """signed: (N,) mm, negative behind the sheet. normals: (N, 3) of the nearest place.

    at_rim: (N,) whether that place is at the sheet's border.
    """

    signed: FloatArray
    normals: FloatArray
    at_rim: BoolArray
