"""`Surface`: a fixed triangle mesh to project points onto, and to carry fields from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from facegen_core.hierarchy import closest_barycentrics
from facegen_core.mesh import vertex_normals

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# How many millimetres of distance a normal turned by 60 degrees is worth in the search. Sheets that
# almost touch (lips, lids) face each other, so their normals tell them apart.
NORMAL_WEIGHT_MM = 6.0
NUM_CANDIDATES = 8


@dataclass(frozen=True, eq=False)
class Surface:
    """A triangle mesh: vertices (P, 3) in millimetres, triangles (Q, 3), consistently oriented."""

    vertices: FloatArray
    triangles: IntArray

    @cached_property
    def normals(self) -> FloatArray:
        """(Q, 3) unit normals of the triangles, smoothed by averaging those of their corners."""
        means = vertex_normals(self.vertices, self.triangles)[self.triangles].mean(axis=1)
        return unit(means)

    @cached_property
    def _tree(self) -> cKDTree:
        centroids = self.vertices[self.triangles].mean(axis=1)
        return cKDTree(np.hstack([centroids, NORMAL_WEIGHT_MM * self.normals]))

    def closest(self, points: FloatArray, normals: FloatArray) -> tuple[IntArray, FloatArray]:
        """Triangle (N,) and barycentrics (N, 3) of the nearest place with an agreeing normal.

        points: (N, 3) mm; normals: (N, 3) unit. The search is among the triangles whose centroids
        are nearest in the six dimensions of position and weighted normal.
        """
        query = np.hstack([points, NORMAL_WEIGHT_MM * normals])
        _, candidates = self._tree.query(query, k=NUM_CANDIDATES)
        corners = self.vertices[self.triangles[candidates]]  # (N, C, 3, 3)
        repeated = np.repeat(points, NUM_CANDIDATES, axis=0)
        barycentrics = closest_barycentrics(repeated, corners.reshape(-1, 3, 3))
        barycentrics = barycentrics.reshape(len(points), NUM_CANDIDATES, 3)
        feet = np.einsum("nck,nckx->ncx", barycentrics, corners)
        best = np.linalg.norm(feet - points[:, None], axis=-1).argmin(axis=1)
        rows = np.arange(len(points))
        return candidates[rows, best].astype(np.int32), barycentrics[rows, best]

    def carry_matrix(
        self, triangle_indices: IntArray, barycentrics: FloatArray
    ) -> sparse.csr_matrix:
        """(N, P) matrix that interpolates any field of the surface's vertices at N places."""
        num_points = len(triangle_indices)
        columns = self.triangles[triangle_indices].ravel()
        rows = np.repeat(np.arange(num_points), 3)
        shape = (num_points, len(self.vertices))
        return sparse.csr_matrix((barycentrics.ravel(), (rows, columns)), shape=shape)


def unit(vectors: FloatArray) -> FloatArray:
    """(N, 3) vectors in millimetres at length 1; zero stays zero."""
    lengths: FloatArray = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, 1e-12)


def triangle_normals(corners: FloatArray) -> FloatArray:
    """(F, 3) unit normals of (F, 3, 3) corners."""
    return unit(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
