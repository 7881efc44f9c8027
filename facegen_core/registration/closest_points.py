"""Closest points on a surface that also face the same way: what every fitting step asks for."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..mesh import vertex_normals

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# A triangle is never cut into more than this many steps along its longest edge: very low-poly
# heads stay affordable and their closest points are still exact, being computed on the triangles.
MAX_STEPS_PER_EDGE = 32
# Candidates looked at per query before the exact distance decides.
NUM_CANDIDATES = 4
# Queries answered at once: a block's temporaries stay below 100 MB.
BLOCK_SIZE = 60_000
# Fewer samples than this are never thinned.
THINNED_FROM = 100_000


@dataclass(frozen=True, eq=False)
class SurfacePoints:
    """Closest points of N queries.

    positions: (N, 3) mm; normals: (N, 3) unit, smooth; triangle_indices: (N,) int32;
    barycentrics: (N, 3); distances: (N,) mm; is_border: (N,) bool, on an open edge.
    """

    positions: FloatArray
    normals: FloatArray
    triangle_indices: IntArray
    barycentrics: FloatArray
    distances: FloatArray
    is_border: NDArray[np.bool_]


class FacingSurface:
    """Closest points on (F, 3) triangles that also agree in normal.

    The search runs in six dimensions, position and `normal_weight` times the normal: a point of
    the upper lip's edge then finds the upper lip although the lower one is nearer (the idea of
    Feldmar & Ayache 1996, Rigid, affine and locally affine registration of free-form surfaces).
    """

    def __init__(
        self, vertices: FloatArray, triangles: IntArray, spacing: float, normal_weight: float
    ) -> None:
        """vertices: (M, 3) mm; spacing: mm between samples; normal_weight: mm per unit normal."""
        self.vertices = vertices
        self.triangles = triangles
        self.normals = vertex_normals(vertices, triangles)
        self.normal_weight = normal_weight
        triangle_indices, barycentrics = sample_triangles(vertices, triangles, spacing)
        corners = triangles[triangle_indices]
        positions = np.einsum("nc,ncx->nx", barycentrics, vertices[corners])
        normals = unit(np.einsum("nc,ncx->nx", barycentrics, self.normals[corners]))
        kept = _thinned(positions, normals, 0.5 * spacing)
        self._sample_triangles = triangle_indices[kept]
        self._samples = positions[kept], normals[kept]
        self._tree = self._tree_of(normal_weight)
        self._border_corners = _opposite_border(triangles)

    @property
    def samples(self) -> tuple[FloatArray, FloatArray]:
        """(N, 3) positions in mm and (N, 3) unit normals of the points spread over the surface."""
        return self._samples

    def weighing_normals(self, normal_weight: float) -> FacingSurface:
        """The same surface with another say for the normals, mm per unit normal."""
        other = copy(self)
        other.normal_weight = normal_weight
        other._tree = self._tree_of(normal_weight)
        return other

    def _tree_of(self, normal_weight: float) -> cKDTree:
        positions, normals = self._samples
        # Sliding midpoints build six-dimensional trees thrice as fast as medians.
        return cKDTree(
            np.hstack([positions, normal_weight * normals]),
            balanced_tree=False,
            compact_nodes=False,
        )

    def closest(self, points: FloatArray, normals: FloatArray) -> SurfacePoints:
        """The point of the surface nearest to each of (N, 3) points with (N, 3) unit normals."""
        count = max(len(points), 1)
        blocks = [
            self._closest(points[start : start + BLOCK_SIZE], normals[start : start + BLOCK_SIZE])
            for start in range(0, count, BLOCK_SIZE)
        ]
        if len(blocks) == 1:
            return blocks[0]
        names = (entry.name for entry in fields(SurfacePoints))
        return SurfacePoints(*(np.concatenate([getattr(b, n) for b in blocks]) for n in names))

    def _closest(self, points: FloatArray, normals: FloatArray) -> SurfacePoints:
        query = np.hstack([points, self.normal_weight * normals])
        _, samples = self._tree.query(query, k=min(NUM_CANDIDATES, self._tree.n), workers=-1)
        candidates = self._sample_triangles[samples.reshape(len(points), -1)]  # (N, k)
        corners = self.vertices[self.triangles[candidates]]  # (N, k, 3, 3)
        barycentrics = closest_barycentrics(corners, points[:, None])
        found = np.einsum("nkc,nkcx->nkx", barycentrics, corners)
        corner_normals = self.normals[self.triangles[candidates]]
        found_normals = unit(np.einsum("nkc,nkcx->nkx", barycentrics, corner_normals))
        turned, away = found_normals - normals[:, None], found - points[:, None]
        cost = _dot(away, away) + self.normal_weight**2 * _dot(turned, turned)
        rows, best = np.arange(len(points)), cost.argmin(axis=1)
        chosen, weights = candidates[rows, best], barycentrics[rows, best]
        positions = found[rows, best]
        return SurfacePoints(
            positions,
            found_normals[rows, best],
            chosen,
            weights,
            np.linalg.norm(positions - points, axis=1),
            ((weights < 1e-6) & self._border_corners[chosen]).any(axis=1),
        )


def _thinned(positions: FloatArray, normals: FloatArray, cell: float) -> IntArray:
    """Rows of the samples to keep: one of each octant of directions in every cell of a scan that
    is far finer than the search asks for; all of them otherwise."""
    if len(positions) < THINNED_FROM:
        return np.arange(len(positions))
    low = positions.min(axis=0)
    counts = np.floor(np.ptp(positions, axis=0) / cell).astype(np.int64) + 1
    x, y, z = np.floor((positions - low) / cell).astype(np.int64).T
    octants = (normals > 0) @ np.array([1, 2, 4])
    keys = ((x * counts[1] + y) * counts[2] + z) * 8 + octants
    return np.sort(np.unique(keys, return_index=True)[1])


def sample_triangles(
    vertices: FloatArray, triangles: IntArray, spacing: float
) -> tuple[IntArray, FloatArray]:
    """Points on every triangle about `spacing` apart: its lattice, then every used vertex once.

    Returns (N,) triangle indices and (N, 3) barycentrics.
    """
    edges = vertices[np.roll(triangles, -1, axis=1)] - vertices[triangles]
    longest = np.linalg.norm(edges, axis=-1).max(axis=1)
    steps = np.clip(np.ceil(longest / spacing), 1, MAX_STEPS_PER_EDGE).astype(int)
    corner = _first_corners(triangles)
    indices, barycentrics = [corner // 3], [np.eye(3)[corner % 3]]
    for num_steps in np.unique(steps):
        lattice = _lattice(num_steps)
        members = np.flatnonzero(steps == num_steps)
        indices.append(np.repeat(members, len(lattice)))
        barycentrics.append(np.tile(lattice, (len(members), 1)))
    return np.concatenate(indices), np.concatenate(barycentrics)


def _first_corners(triangles: IntArray) -> IntArray:
    """(U,) the first corner, of all 3 F, at which each used vertex appears; by vertex."""
    flat = triangles.ravel()
    first = np.full(int(flat.max()) + 1, -1)
    first[flat[::-1]] = np.arange(len(flat) - 1, -1, -1)
    return first[first >= 0]


def closest_barycentrics(corners: FloatArray, points: FloatArray) -> FloatArray:
    """(..., 3) barycentrics of the point of each triangle (..., 3, 3) nearest to (..., 3) points.

    The plane's foot where it lies inside, else the best of the three clamped edges.
    """
    a, b, c = corners[..., 0, :], corners[..., 1, :], corners[..., 2, :]
    foot = _plane_barycentrics(a, b, c, points)
    is_outside = ~(foot >= 0).all(axis=-1)
    if is_outside.any():
        outer = np.broadcast_to(points, a.shape)[is_outside]
        foot[is_outside] = _edge_barycentrics(corners[is_outside], outer)
    return foot


def _edge_barycentrics(corners: FloatArray, points: FloatArray) -> FloatArray:
    """(N, 3) of the point on the border of each triangle (N, 3, 3) nearest to (N, 3) points."""
    best, best_cost = np.zeros((len(points), 3)), np.full(len(points), np.inf)
    for start, end in ((0, 1), (1, 2), (2, 0)):
        along, reach = corners[:, end] - corners[:, start], points - corners[:, start]
        length = np.maximum(_dot(along, along), 1e-30)
        share = np.clip(_dot(reach, along) / length, 0.0, 1.0)
        rest = share[:, None] * along - reach
        cost = _dot(rest, rest)
        better = cost < best_cost
        best[better] = 0.0
        best[better, start], best[better, end] = 1.0 - share[better], share[better]
        best_cost = np.minimum(cost, best_cost)
    return best


def _dot(first: FloatArray, second: FloatArray) -> FloatArray:
    """(...) inner products of (..., 3) vectors; a sum over a short axis is several times slower."""
    products: FloatArray = np.einsum("...i,...i->...", first, second)
    return products


def unit(vectors: FloatArray) -> FloatArray:
    """(..., 3) vectors at length 1; zero stays zero."""
    lengths = np.sqrt(_dot(vectors, vectors))[..., None]
    return vectors / np.where(lengths > 0, lengths, 1.0)


def farthest_points(points: FloatArray, num_points: int) -> tuple[IntArray, FloatArray]:
    """Indices that spread evenly over (N, 3) points, greedily from the first.

    Returns (K,) indices and (K,) the distance of the farthest point before each was added, so that
    the first k indices leave no point farther than radii[k] (infinite for k = 0).
    """
    num_points = min(num_points, len(points))
    chosen, radii = np.zeros(num_points, int), np.full(num_points, np.inf)
    columns = np.ascontiguousarray(points.T)
    nearest = np.full(len(points), np.inf)
    for k in range(num_points):  # inherently serial; 20 µs a step at 8,000 points
        if k:
            chosen[k] = nearest.argmax()
            radii[k] = np.sqrt(nearest[chosen[k]])
        x, y, z = columns - columns[:, chosen[k], None]
        np.minimum(nearest, x * x + y * y + z * z, out=nearest)
    return chosen, radii


def _plane_barycentrics(
    a: FloatArray, b: FloatArray, c: FloatArray, points: FloatArray
) -> FloatArray:
    ab, ac, ap = b - a, c - a, points - a
    d00, d01, d11 = (_dot(u, v) for u, v in ((ab, ab), (ab, ac), (ac, ac)))
    d20, d21 = _dot(ap, ab), _dot(ap, ac)
    area = d00 * d11 - d01 * d01
    flat = area <= 1e-14 * d00 * d11  # a sliver: its edges answer instead
    area = np.where(flat, 1.0, area)
    v, w = (d11 * d20 - d01 * d21) / area, (d00 * d21 - d01 * d20) / area
    return np.where(flat[..., None], -1.0, np.stack([1.0 - v - w, v, w], axis=-1))


def _lattice(num_steps: int) -> FloatArray:
    """(N, 3) barycentrics of the middles of the upright small triangles of a regular cut."""
    i, j = np.meshgrid(np.arange(num_steps), np.arange(num_steps), indexing="ij")
    upward = (i + j) <= num_steps - 1
    pairs = (np.stack([i[upward], j[upward]], axis=1) + 1.0 / 3.0) / num_steps
    return np.column_stack([1.0 - pairs.sum(axis=1), pairs])


def _opposite_border(triangles: IntArray) -> NDArray[np.bool_]:
    """(F, 3) bool: whether the edge opposite to each corner is open."""
    size = int(triangles.max()) + 1
    after, before = (np.roll(triangles, -k, axis=1).astype(np.int64) for k in (1, 2))
    keys = (np.minimum(after, before) * size + np.maximum(after, before)).ravel()
    order = np.argsort(keys)
    ordered = keys[order]
    differs = np.concatenate([[True], ordered[1:] != ordered[:-1], [True]])
    result = np.zeros(triangles.size, bool)
    result[order] = differs[:-1] & differs[1:]  # unlike the one before and the one after
    return result.reshape(triangles.shape)
