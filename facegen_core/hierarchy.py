"""Coarser levels of a mesh and the barycentric up-transforms between them.

Levels by quadric error, ceil(n / factor) each (Ranjan et al. 2018; Potamias et al., ECCV 2020).
Deviation: up-transforms are true barycentrics of the clamped closest point (non-negative, sum 1),
sought only near where a vertex was collapsed to, so that a lip never follows the other lip.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .decimation import Decimated, decimate
from .errors import InvalidMeshError
from .spirals import build_spirals
from .topology import adjacency

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Level:
    """One resolution: vertices (V_k, 3) f32 mm, triangles (F_k, 3) i32, spirals (V_k, S) i32."""

    vertices: FloatArray
    triangles: IntArray
    spirals: IntArray


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """A mesh at several resolutions, levels[0] the finest.

    up_indices[k] (V_k, 3) int32 and up_weights[k] (V_k, 3) float32 give every vertex of level k as
    a barycentric mean of three vertices of level k + 1.
    """

    levels: tuple[Level, ...]
    up_indices: tuple[IntArray, ...]
    up_weights: tuple[FloatArray, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Vertex counts V_0 > V_1 > ..."""
        return tuple(len(level.vertices) for level in self.levels)

    def up_matrix(self, k: int) -> sparse.csr_matrix:
        """(V_k, V_{k+1}) sparse up-transform, rows sum to 1."""
        shape = (len(self.levels[k].vertices), len(self.levels[k + 1].vertices))
        rows = np.repeat(np.arange(shape[0]), 3)
        entries = (self.up_weights[k].ravel(), (rows, self.up_indices[k].ravel()))
        matrix = sparse.csr_matrix(entries, shape=shape)
        matrix.eliminate_zeros()
        return matrix

    def fused_operator(self, k: int) -> sparse.csr_matrix:
        """(V_k, V_{k+1}·S) the up-transform to level k and its spiral gather, as one matrix.

        U followed by the gathers P_j and weights W_j of a spiral convolution is
        A · stack_j(x W_j) with A = [P_1 U | … | P_S U]: transform the few coarse vertices first,
        then one sparse product. Padding gathers nothing. Column S·v + j is coarse vertex v as
        neighbour j: a vertex's S transforms lie side by side, as one dense product leaves them.
        """
        up, spirals = self.up_matrix(k), self.levels[k].spirals
        num_vertices, length = spirals.shape
        gathers = []
        for column in spirals.T:
            rows = np.flatnonzero(column >= 0)
            entries = (np.ones(len(rows), np.float32), (rows, column[rows]))
            gathers.append(sparse.csr_matrix(entries, (num_vertices, num_vertices)) @ up)
        by_neighbour = sparse.hstack(gathers, format="csr", dtype=np.float32)
        by_vertex = np.arange(by_neighbour.shape[1]).reshape(length, -1).T.ravel()
        operator = by_neighbour[:, by_vertex]
        operator.sum_duplicates()
        return operator


def build_hierarchy(
    vertices: FloatArray,
    triangles: IntArray,
    num_levels: int = 5,
    factor: int = 5,
    spiral_length: int = 9,
    reference_vertex: int = 0,
) -> Hierarchy:
    """Levels, up-transforms and spirals of (V, 3) vertices, (F, 3) triangles; 5 s at 14 k vertices.

    reference_vertex: where spirals point to (the nose tip); coarser levels take the nearest to it,
    one in every component. Openings and any number of components are welcome; a component keeps a
    triangle (4 vertices where it is closed) on every level. Raises InvalidMeshError for the rest,
    see `check_manifold`.
    """
    vertices, triangles = np.asarray(vertices, np.float64), np.asarray(triangles, np.int64)
    check_manifold(triangles, len(vertices))
    sizes = [len(vertices)]
    for _ in range(num_levels - 1):
        sizes.append(-(-sizes[-1] // factor))
    finest = Decimated(np.arange(len(vertices)), triangles, np.arange(len(vertices)))
    meshes = [finest, *decimate(vertices, triangles, sizes[1:])]
    reference = vertices[reference_vertex]
    levels = tuple(
        _level(vertices[mesh.kept], mesh.triangles, spiral_length, reference) for mesh in meshes
    )
    ups = [_up_transform(vertices, meshes[k], meshes[k + 1]) for k in range(num_levels - 1)]
    return Hierarchy(levels, tuple(u[0] for u in ups), tuple(u[1] for u in ups))


def check_manifold(triangles: IntArray, num_vertices: int) -> None:
    """Raise InvalidMeshError, naming vertices, where (F, 3) triangles have no spirals.

    That is at vertices without faces, in triangles with a corner twice, at edges of more than two
    triangles, and between neighbours that wind in opposite directions.
    """
    loose = np.setdiff1d(np.arange(num_vertices), triangles)
    if len(loose):
        raise InvalidMeshError(
            f"No face uses {_listed(loose)} ({len(loose)} in all): delete loose vertices in every "
            "mesh."
        )
    repeated = (triangles == np.roll(triangles, 1, axis=1)).any(axis=1)
    if repeated.any():
        raise InvalidMeshError(
            f"A face uses a vertex twice (at {_listed(triangles[repeated][:, 0])}; "
            f"{int(repeated.sum())} such faces in all): delete them in every mesh."
        )
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges, counts = np.unique(np.sort(pairs, axis=1), axis=0, return_counts=True)
    if counts.max() > 2:
        crowded = edges[counts > 2]
        raise InvalidMeshError(
            f"More than two faces share the edge of {_listed(crowded[0])} ({len(crowded)} such "
            "edges in all): the surface must be a manifold."
        )
    ways, counts = np.unique(pairs, axis=0, return_counts=True)
    if counts.max() > 1:
        turned = ways[counts > 1]
        raise InvalidMeshError(
            f"The faces at the edge of {_listed(turned[0])} wind in opposite directions "
            f"({len(turned)} such edges in all): make the normals consistent."
        )


def _listed(vertices: IntArray) -> str:
    """The first few vertex numbers, in words."""
    shown = [str(int(vertex)) for vertex in vertices[:3]]
    text = f"vertices {', '.join(shown)}" if len(vertices) > 1 else f"vertex {shown[0]}"
    return f"{text}, …" if len(vertices) > len(shown) else text


def _level(
    vertices: FloatArray, triangles: IntArray, spiral_length: int, reference: FloatArray
) -> Level:
    nearest = int(np.linalg.norm(vertices - reference, axis=1).argmin())
    spirals = build_spirals(vertices, triangles, spiral_length, reference_vertex=nearest)
    return Level(vertices.astype(np.float32), triangles.astype(np.int32), spirals)


def _up_transform(
    vertices: FloatArray, fine: Decimated, coarse: Decimated
) -> tuple[IntArray, FloatArray]:
    """(V_k, 3) indices and weights of the fine vertices on the coarse surface."""
    points, corners = vertices[fine.kept], vertices[coarse.kept]
    near = coarse.survivors[fine.kept]  # (V_k,) coarse vertex each fine vertex went into
    starts, faces = _faces_around(coarse.triangles, len(corners))
    counts = np.diff(starts)[near]  # zero for loose vertices, which stay themselves
    owners = np.repeat(np.arange(len(points)), counts)
    firsts = np.cumsum(counts) - counts
    pairs = faces[np.repeat(starts[near] - firsts, counts) + np.arange(len(owners))]
    weights = closest_barycentrics(points[owners], corners[coarse.triangles[pairs]])
    reached = np.einsum("pc,pcx->px", weights, corners[coarse.triangles[pairs]])
    distances = np.linalg.norm(reached - points[owners], axis=1)
    best = np.lexsort((pairs, distances, owners))[firsts[counts > 0]]
    # A kept vertex is itself, exactly; the rest are where they are closest.
    is_found = (counts > 0) & (coarse.kept[near] != fine.kept)
    indices = np.repeat(near[:, None], 3, axis=1).astype(np.int32)
    chosen = np.tile([1.0, 0.0, 0.0], (len(points), 1))
    best = best[is_found[counts > 0]]
    indices[is_found], chosen[is_found] = coarse.triangles[pairs[best]], weights[best]
    return indices, _rounded(chosen)


def _rounded(weights: FloatArray) -> FloatArray:
    """float32 barycentrics that still sum to 1 as well as float32 can."""
    weights = np.clip(weights, 0.0, 1.0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _faces_around(triangles: IntArray, num_vertices: int) -> tuple[IntArray, IntArray]:
    """Faces that touch each vertex or a neighbour of it: (V + 1,) starts and face indices."""
    columns = np.repeat(np.arange(len(triangles)), 3)
    shape = (num_vertices, len(triangles))
    incidence = sparse.csr_matrix((np.ones(len(columns)), (triangles.ravel(), columns)), shape)
    reach = adjacency(triangles, num_vertices) + sparse.identity(num_vertices, format="csr")
    around = (reach @ incidence).tocsr()
    around.sort_indices()
    return around.indptr, around.indices


def closest_barycentrics(points: FloatArray, corners: FloatArray) -> FloatArray:
    """(P, 3) barycentrics of the closest points to (P, 3) points on triangles (P, 3, 3)."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    best = _plane_barycentrics(points - a, b - a, c - a)
    outside = np.flatnonzero(best.min(axis=1) < 0)
    nearest = np.full(len(outside), np.inf)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        start, end, point = corners[outside, i], corners[outside, j], points[outside]
        along = end - start
        squared = np.maximum(np.einsum("px,px->p", along, along), 1e-30)
        t = np.clip(np.einsum("px,px->p", point - start, along) / squared, 0.0, 1.0)
        distances = np.linalg.norm(start + t[:, None] * along - point, axis=1)
        is_nearer = distances < nearest
        nearest[is_nearer] = distances[is_nearer]
        rows = outside[is_nearer]
        best[rows] = 0.0
        best[rows, i], best[rows, j] = 1.0 - t[is_nearer], t[is_nearer]
    return best


def _plane_barycentrics(offsets: FloatArray, u: FloatArray, v: FloatArray) -> FloatArray:
    """(P, 3) barycentrics of the projection; negative everywhere for triangles without area."""
    uu, uv, vv = (np.einsum("px,px->p", p, q) for p, q in ((u, u), (u, v), (v, v)))
    ou, ov = np.einsum("px,px->p", offsets, u), np.einsum("px,px->p", offsets, v)
    area = uu * vv - uv * uv
    is_flat = area <= 1e-12 * uu * vv
    area = np.where(is_flat, 1.0, area)
    second, third = (vv * ou - uv * ov) / area, (uu * ov - uv * ou) / area
    result = np.stack([1.0 - second - third, second, third], axis=1)
    result[is_flat] = -1.0
    return result
