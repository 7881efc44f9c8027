"""Coarser triangle meshes whose vertices are a subset of the finer ones, by quadric error.

Garland & Heckbert 1997, with half-edge collapses as in the CoMA lineage (Ranjan et al. 2018): one
of the two ORIGINAL vertices survives, so no position is invented. Deviations, each for a defect
seen in public decimators: the link condition keeps a manifold a manifold and every component alive,
boundaries only shrink along themselves, triangles may not flip, and a small length term spreads
what is flat.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .topology import boundary_edges, edges_of

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Added cost per squared edge length (mm² against mm²): flat regions have no quadric error, and
# without it the order of their collapses would be an accident of rounding.
LENGTH_COST = 1e-3
# A boundary edge counts as this many faces standing on it, so that openings keep their outline.
BOUNDARY_WEIGHT = 3.0
# A collapse may turn a triangle by at most this (cosine) unless nothing else is left.
MIN_NORMAL_COSINE = 0.2


@dataclass(frozen=True, eq=False)
class Decimated:
    """One coarser mesh.

    kept: (V_k,) int64 indices of its vertices in the input mesh, rising.
    triangles: (F_k, 3) int64, into `kept`.
    survivors: (V,) int64: for every input vertex, the row of `kept` it was collapsed into.
    """

    kept: IntArray
    triangles: IntArray
    survivors: IntArray


def decimate(vertices: FloatArray, triangles: IntArray, sizes: list[int]) -> list[Decimated]:
    """Decimate (V, 3) vertices, (F, 3) triangles to the vertex counts `sizes`, falling.

    One run through all sizes: quadrics keep what they have seen of the finest level. A size that
    the topology does not allow (a closed component keeps 4 vertices) is missed from above.
    """
    collapser = _Collapser(np.asarray(vertices, np.float64), np.asarray(triangles, np.int64))
    results = []
    for size in sizes:
        collapser.run(size)
        results.append(collapser.snapshot())
    return results


class _Collapser:
    """The state of a decimation; plain lists, where single numbers are faster than in arrays."""

    def __init__(self, vertices: FloatArray, triangles: IntArray) -> None:
        self.positions = vertices.tolist()
        self.faces = triangles.tolist()
        self.quadrics = _vertex_quadrics(vertices, triangles).tolist()
        self.targets = list(range(len(vertices)))
        self.versions = [0] * len(vertices)
        self.vertex_faces: list[set[int]] = [set() for _ in self.positions]
        for index, face in enumerate(self.faces):
            for corner in face:
                self.vertex_faces[corner].add(index)
        self.num_alive = len(vertices)
        self.checks_flips = True
        self.heap: list[tuple[float, int, int, int, int]] = []
        self._fill_heap()

    def run(self, size: int) -> None:
        while self.num_alive > size:
            if self._collapse_until(size) == 0:
                if not self.checks_flips:
                    return
                self.checks_flips = False
            if self.num_alive > size:
                self._fill_heap()

    def snapshot(self) -> Decimated:
        targets = np.array(self.targets)
        while not np.array_equal(targets, targets[targets]):
            targets = targets[targets]
        kept, survivors = np.unique(targets, return_inverse=True)
        rows = np.full(len(targets), -1)
        rows[kept] = np.arange(len(kept))
        faces = np.array([f for f in self.faces if f is not None], np.int64).reshape(-1, 3)
        return Decimated(kept, rows[faces], survivors.ravel())

    def _fill_heap(self) -> None:
        alive = np.array([f for f in self.faces if f is not None], np.int64).reshape(-1, 3)
        self.heap = []
        for a, b in edges_of(alive).tolist() if len(alive) else []:
            self._push(a, b)

    def _push(self, a: int, b: int) -> None:
        (ax, ay, az), (bx, by, bz) = self.positions[a], self.positions[b]
        spread = LENGTH_COST * ((ax - bx) ** 2 + (ay - by) ** 2 + (az - bz) ** 2)
        quadric = [p + q for p, q in zip(self.quadrics[a], self.quadrics[b], strict=True)]
        cost_a, cost_b = _error(quadric, ax, ay, az), _error(quadric, bx, by, bz)
        for cost, keep, drop in ((cost_a, a, b), (cost_b, b, a)):
            entry = (cost + spread, keep, drop, self.versions[keep], self.versions[drop])
            heapq.heappush(self.heap, entry)

    def _collapse_until(self, size: int) -> int:
        """Collapse from the heap until `size` or the heap is empty; returns how many."""
        num_collapsed = 0
        while self.heap and self.num_alive > size:
            _, keep, drop, keep_version, drop_version = heapq.heappop(self.heap)
            is_stale = (
                self.versions[keep] != keep_version
                or self.versions[drop] != drop_version
                or self.targets[drop] != drop
                or self.targets[keep] != keep
            )
            if not is_stale and self._may_collapse(keep, drop):
                self._collapse(keep, drop)
                num_collapsed += 1
        return num_collapsed

    def _may_collapse(self, keep: int, drop: int) -> bool:
        keep_faces, drop_faces = self.vertex_faces[keep], self.vertex_faces[drop]
        shared = keep_faces & drop_faces
        keep_links, drop_links = self._links(keep), self._links(drop)
        opposite = {i for f in shared for i in self.faces[f]} - {keep, drop}
        neighbours, drop_neighbours = set().union(*keep_links), set().union(*drop_links)
        if not shared or len(shared) > 2 or (neighbours & drop_neighbours) != opposite:
            return False
        if keep_links & drop_links or len(keep_faces) == len(shared):
            return False  # two faces would fall together, or the component would vanish
        if _is_open(drop_links) and len(shared) != 1:
            return False  # a boundary vertex only slides along its boundary
        around = (keep_faces | drop_faces) - shared
        if any(not self.vertex_faces[i] & around for i in opposite):
            return False  # a corner would be left without faces, or hang on by nothing
        return not self.checks_flips or not self._flips(keep, drop, drop_faces - shared)

    def _links(self, vertex: int) -> set[frozenset[int]]:
        """The edges opposite to the vertex in its faces."""
        return {
            frozenset(i for i in self.faces[f] if i != vertex) for f in self.vertex_faces[vertex]
        }

    def _flips(self, keep: int, drop: int, moving: set[int]) -> bool:
        for index in moving:
            face = self.faces[index]
            before = _cross([self.positions[i] for i in face])
            after = _cross([self.positions[keep if i == drop else i] for i in face])
            dot = sum(p * q for p, q in zip(before, after, strict=True))
            norms = sum(p * p for p in before) * sum(q * q for q in after)
            if dot <= 0 or dot * dot < MIN_NORMAL_COSINE**2 * norms:
                return True
        return False

    def _collapse(self, keep: int, drop: int) -> None:
        for index in list(self.vertex_faces[drop]):
            face = self.faces[index]
            if keep in face:
                for corner in face:
                    self.vertex_faces[corner].discard(index)
                self.faces[index] = None
            else:
                self.faces[index] = [keep if i == drop else i for i in face]
                self.vertex_faces[keep].add(index)
        self.vertex_faces[drop] = set()
        self.targets[drop] = keep
        self.num_alive -= 1
        merged = zip(self.quadrics[keep], self.quadrics[drop], strict=True)
        self.quadrics[keep] = [p + q for p, q in merged]
        self.versions[keep] += 1
        for other in sorted({i for f in self.vertex_faces[keep] for i in self.faces[f]} - {keep}):
            self._push(keep, other)


def _is_open(links: set[frozenset[int]]) -> bool:
    """Whether the edges around a vertex do not close into a ring."""
    ends: dict[int, int] = {}
    for link in links:
        for i in link:
            ends[i] = ends.get(i, 0) + 1
    return any(count != 2 for count in ends.values())


def _vertex_quadrics(vertices: FloatArray, triangles: IntArray) -> FloatArray:
    """(V, 10) sums of unit plane quadrics of faces and of planes standing on boundary edges."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    normals = _unit(np.cross(b - a, c - a))
    quadrics = np.zeros((len(vertices), 10))
    for k in range(3):
        np.add.at(quadrics, triangles[:, k], _plane_quadrics(normals, a))
    border = boundary_edges(triangles)
    if len(border):
        owners = _edge_faces(triangles, border)
        start, end = vertices[border[:, 0]], vertices[border[:, 1]]
        walls = _plane_quadrics(_unit(np.cross(end - start, normals[owners])), start)
        for k in range(2):
            np.add.at(quadrics, border[:, k], BOUNDARY_WEIGHT * walls)
    return quadrics


def _edge_faces(triangles: IntArray, edges: IntArray) -> IntArray:
    """(E,) the face of each boundary edge."""
    faces = {
        (min(f[i], f[j]), max(f[i], f[j])): index
        for index, f in enumerate(triangles.tolist())
        for i, j in ((0, 1), (1, 2), (2, 0))
    }
    return np.array([faces[tuple(edge)] for edge in edges.tolist()])


def _plane_quadrics(normals: FloatArray, points: FloatArray) -> FloatArray:
    """(F, 10) upper triangles of the outer products of the planes (n, -n·p)."""
    planes = np.concatenate([normals, -np.sum(normals * points, axis=1, keepdims=True)], axis=1)
    rows, columns = np.triu_indices(4)
    return planes[:, rows] * planes[:, columns]


def _error(q: list[float], x: float, y: float, z: float) -> float:
    """Quadric error at a point; rounding may not make it negative."""
    error = (
        q[0] * x * x + q[4] * y * y + q[7] * z * z + q[9]
        + 2 * (q[1] * x * y + q[2] * x * z + q[3] * x + q[5] * y * z + q[6] * y + q[8] * z)
    )  # fmt: skip
    return max(error, 0.0)


def _cross(corners: list[list[float]]) -> tuple[float, float, float]:
    (ax, ay, az), (bx, by, bz), (cx, cy, cz) = corners
    ux, uy, uz, vx, vy, vz = bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az
    return (uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx)


def _unit(vectors: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0)
