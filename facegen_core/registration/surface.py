"""`Surface`: the target as one welded triangle surface in template millimetres.

Artists' meshes are often split along UV seams or into face sets: vertices are doubled although the
surface goes on. Everything that walks along the surface works on the welded copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from ..mesh import Mesh, vertex_normals
from ..topology import (
    boundary_edges,
    cotangent_laplacian,
    edges_of,
    factorised,
    vertex_components,
)
from ..winding import flipped, without_doubles
from .alignment import Fit

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Open-edge vertices closer than this are doubles of one vertex; exporters round to about 1e-6.
_WELD_DISTANCE_MM = 1e-3
# A surface goes on across a seam without turning back; lashes that stand on a lid do turn.
_SEAM_COSINE = 0.5
# Doubles this near a lip or lid line are a closed slit, or lashes and tear shells on a lid: they
# are never welded. Where it is a seam after all, both sides have the same correspondence there.
_SLIT_RADIUS_MM = 5.0
# Doubles of different parts this near teeth and tongue: gums that end at gums, not a seam.
_INSIDE_RADIUS_MM = 3.0
# Loose parts of so few vertices are single polygons, cut off by files that know no sharing.
_FRAGMENT_VERTICES = 8
# Chains of landmarks along which skin touches skin: both eyes, the inner lips to the corners.
_SLIT_CHAINS = (
    (36, 37, 38, 39, 40, 41, 36),
    (42, 43, 44, 45, 46, 47, 42),
    (48, 60, 61, 62, 63, 64, 54),
    (60, 67, 66, 65, 64),
)
_STEPS_BETWEEN_LANDMARKS = 4
# Fixed values closer than this are the same.
_EQUAL = 1e-7
# Keeps pieces without any fixed vertex solvable; far below any cotangent weight.
_REGULARISATION = 1e-9


@dataclass(frozen=True, eq=False)
class Surface:
    """A welded triangle surface; W welded vertices stand for M vertices of the mesh.

    vertices: (W, 3) mm. triangles: (F, 3) int32. welded_indices: (M,) the welded vertex of each
    vertex of the mesh. parts: (W,) loose part after welding, numbered by lowest vertex.
    """

    vertices: FloatArray
    triangles: IntArray
    welded_indices: IntArray
    parts: IntArray

    @property
    def num_vertices(self) -> int:
        return len(self.vertices)

    @cached_property
    def normals(self) -> FloatArray:
        """(W, 3) unit normals."""
        return vertex_normals(self.vertices, self.triangles)

    @cached_property
    def edges(self) -> IntArray:
        """(E, 2) edges, each once."""
        return edges_of(self.triangles)

    @cached_property
    def laplacian(self) -> sparse.csr_matrix:
        """(W, W) cotangent Laplacian, positive semi-definite."""
        return cotangent_laplacian(self.vertices, self.triangles)

    @cached_property
    def vertex_areas(self) -> FloatArray:
        """(W,) mm² around each vertex, never below a millionth of the mean."""
        a, b, c = (self.vertices[self.triangles[:, k]] for k in range(3))
        areas = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
        thirds = np.repeat(areas / 3.0, 3)
        sums = np.bincount(self.triangles.ravel(), thirds, minlength=self.num_vertices)
        return np.maximum(sums, 1e-6 * max(float(sums.mean()), 1e-12))

    def is_any_of(self, indices: IntArray) -> NDArray[np.bool_]:
        """(W,) whether a welded vertex stands for one of these (N,) vertices of the mesh."""
        result = np.zeros(self.num_vertices, bool)
        result[self.welded_indices[indices]] = True
        return result

    def turned_inside_out(self) -> Surface:
        """The same surface with every triangle facing the other way."""
        return Surface(self.vertices, self.triangles[:, ::-1], self.welded_indices, self.parts)

    def distances_along(self, source_indices: IntArray, limit_mm: float) -> FloatArray:
        """(W,) shortest way along the edges from the nearest source, mm; inf beyond the limit."""
        if len(source_indices) == 0:
            return np.full(self.num_vertices, np.inf)
        # No way within the limit leaves the box around the sources by more than that.
        sources = self.vertices[source_indices]
        low, high = sources.min(axis=0) - limit_mm, sources.max(axis=0) + limit_mm
        is_near = ((self.vertices >= low) & (self.vertices <= high)).all(axis=1)
        near, local = np.flatnonzero(is_near), np.cumsum(is_near) - 1
        edges = self.edges[is_near[self.edges].all(axis=1)]
        lengths = np.linalg.norm(np.subtract(*self.vertices[edges.T]), axis=1)
        ends, size = tuple(local[edges].T), (len(near), len(near))
        graph = sparse.csr_matrix((np.maximum(lengths, 1e-9), ends), shape=size)
        result = np.full(self.num_vertices, np.inf)
        result[near] = dijkstra(
            graph, directed=False, indices=local[source_indices], min_only=True, limit=limit_mm
        )
        return result

    def harmonic_extension(
        self, is_fixed: NDArray[np.bool_], values: FloatArray, reach_mm: float = np.inf
    ) -> FloatArray:
        """(W, N) the fixed rows of `values` carried over all others without any new extreme.

        Pieces of the surface that touch no fixed vertex get 0, and so does what is farther than
        reach_mm from the fixed vertices around it.
        """
        result = np.where(is_fixed[:, None], values, 0.0)
        free, shore = self._fill_between_equals(is_fixed, result)
        if len(free) and np.isfinite(reach_mm):
            tree = cKDTree(self.vertices[shore])
            ways = tree.query(self.vertices[free], distance_upper_bound=reach_mm)[0]
            free = free[np.isfinite(ways)]
        if len(free) == 0:
            return result
        rows = self.laplacian[free]
        is_cut_off = ~is_fixed
        is_cut_off[free] = False
        # Nothing flows across the line where the reach ends: what leads there is taken out.
        outflow = rows @ is_cut_off.astype(np.float64)
        system = rows[:, free] + sparse.diags(_REGULARISATION + outflow)
        result[free] = factorised(system).solve(-(rows @ result))
        return result

    def _fill_between_equals(
        self, is_fixed: NDArray[np.bool_], result: FloatArray
    ) -> tuple[IntArray, IntArray]:
        """Fill, in (W, N) place, free stretches that have the same fixed values all around.

        By the maximum principle they have no others: a body below a head needs no solving.
        Returns the free vertices of the other stretches and the fixed ones around these, sorted.
        """
        free = np.flatnonzero(~is_fixed)
        ends_fixed = is_fixed[self.edges]
        local = np.cumsum(~is_fixed) - 1
        start, end = local[self.edges[~ends_fixed.any(axis=1)]].T
        graph = sparse.coo_matrix((np.ones(len(start)), (start, end)), (len(free), len(free)))
        stretch = connected_components(graph, directed=False)[1] if len(free) else free
        across = self.edges[ends_fixed[:, 0] != ends_fixed[:, 1]]
        is_first = is_fixed[across[:, 0]]
        shore, inner = (np.where(is_first == k, across[:, 0], across[:, 1]) for k in (True, False))
        numbers = stretch[local[inner]]
        order = np.argsort(numbers, kind="stable")
        found, starts = np.unique(numbers[order], return_index=True)
        if len(found) == 0:
            return free[:0], free[:0]
        around = result[shore[order]]
        low, high = (f.reduceat(around, starts, axis=0) for f in (np.minimum, np.maximum))
        is_even = (high - low <= _EQUAL).all(axis=1)
        fill = np.zeros((int(stretch.max()) + 1, result.shape[1]))
        fill[found[is_even]] = 0.5 * (low + high)[is_even]
        result[free] = fill[stretch]
        is_uneven = np.zeros(len(fill), bool)
        is_uneven[found[~is_even]] = True
        return free[is_uneven[stretch]], np.unique(shore[is_uneven[numbers]])


def weld(target: Mesh, positions_mm: FloatArray, fit: Fit) -> Surface:
    """Weld the doubled open-edge vertices of `target`, whose (M, 3) positions in mm are given.

    Along lips and lids, and between the loose parts inside the mouth, nothing is welded.
    """
    pairs = _double_pairs(target, positions_mm, fit)
    num_vertices = target.num_vertices
    graph = sparse.coo_matrix((np.ones(len(pairs)), tuple(pairs.T)), (num_vertices, num_vertices))
    count, labels = connected_components(graph, directed=False)
    _, first = np.unique(labels, return_index=True)
    rank = np.empty(count, np.int32)
    rank[np.argsort(first)] = np.arange(count)
    welded = rank[labels]
    triangles = welded[target.triangles]
    a, b, c = triangles.T
    triangles = triangles[(a != b) & (b != c) & (c != a)].astype(np.int32)
    triangles = triangles[without_doubles(triangles)]
    is_flipped = flipped(triangles)[:, None]
    triangles = np.where(is_flipped, triangles[:, ::-1], triangles)
    vertices = positions_mm[np.sort(first)]
    return Surface(vertices, triangles, welded, vertex_components(triangles, len(vertices)))


def _double_pairs(target: Mesh, positions_mm: FloatArray, fit: Fit) -> IntArray:
    """(N, 2) vertices of the mesh to be welded: ends of open edges that lie on one another."""
    edges = boundary_edges(target.triangles)
    border = np.unique(edges)
    if len(border) == 0:
        return np.empty((0, 2), np.int64)
    near = cKDTree(positions_mm[border]).query_pairs(_WELD_DISTANCE_MM, output_type="ndarray")
    pairs = border[near]
    first, second = pairs.T
    slit, teeth = cKDTree(_slit_points(fit.landmarks)), cKDTree(_mouth_points(fit))
    is_at_slit = slit.query(positions_mm[first])[0] < _SLIT_RADIUS_MM
    is_inside = teeth.query(positions_mm[first])[0] < _INSIDE_RADIUS_MM
    is_other_part = target.loose_parts[first] != target.loose_parts[second]
    normals = target.vertex_normals
    is_smooth = (normals[first] * normals[second]).sum(axis=1) > _SEAM_COSINE
    welded = pairs[is_smooth & ~is_at_slit & ~(is_inside & is_other_part)]
    return np.concatenate([welded, _pairs_of_fragments(target, edges, pairs)])


def _pairs_of_fragments(target: Mesh, edges: IntArray, pairs: IntArray) -> IntArray:
    """(N, 2) ends of open edges that just two fragments share, wherever they lie.

    In meshes whose polygons all have corners of their own there is no other sign of what goes on
    where; lips that touch share edges of four fragments, and stay apart.
    """
    sizes = np.bincount(target.loose_parts)
    edges = edges[(sizes[target.loose_parts[edges]] <= _FRAGMENT_VERTICES).all(axis=1)]
    count = target.num_vertices
    graph = sparse.coo_matrix((np.ones(len(pairs)), tuple(pairs.T)), (count, count))
    places = connected_components(graph, directed=False)[1][edges]  # (E, 2)
    edges = np.take_along_axis(edges, places.argsort(axis=1), axis=1)
    places.sort(axis=1)
    keys = places[:, 0].astype(np.int64) * count + places[:, 1]
    order = np.argsort(keys, kind="stable")
    _, starts, shared = np.unique(keys[order], return_index=True, return_counts=True)
    starts = starts[shared == 2]
    one, other = edges[order[starts]], edges[order[starts + 1]]
    return np.stack([one, other], axis=-1).reshape(-1, 2)


def _mouth_points(fit: Fit) -> FloatArray:
    """(N, 3) the fitted teeth and tongue."""
    return np.concatenate([fit.inner[name] for name in ("upper_teeth", "lower_teeth", "tongue")])


def _slit_points(landmarks: FloatArray) -> FloatArray:
    """(N, 3) points along the lines where lips and lids meet."""
    steps = np.linspace(0.0, 1.0, _STEPS_BETWEEN_LANDMARKS, endpoint=False)[:, None, None]
    chains = [landmarks[list(chain)] for chain in _SLIT_CHAINS]
    between = [(1.0 - steps) * chain[:-1] + steps * chain[1:] for chain in chains]
    return np.concatenate([points.reshape(-1, 3) for points in between])
