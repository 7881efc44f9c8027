"""`Mesh`: vertices and polygons, checked once at the door."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from .errors import InvalidMeshError
from .numeric import counted, real_array, size

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Mesh:
    """A polygon mesh with any topology.

    vertices: (M, 3) float64, in the unit of its source; registration brings it to mm.
    polygon_vertices: (sum of polygon sizes,) int32, vertex indices polygon after polygon.
    polygon_starts: (G + 1,) int32, where each polygon begins in polygon_vertices, and the end.

    Raises InvalidMeshError when there are no vertices or polygons, a coordinate is not finite, or
    an index points outside the vertices.
    """

    vertices: FloatArray
    polygon_vertices: IntArray
    polygon_starts: IntArray

    def __post_init__(self) -> None:
        vertices = real_array(self.vertices)
        if vertices is None:
            raise InvalidMeshError(
                "The vertices of the mesh are not numbers: give three coordinates for each."
            )
        object.__setattr__(self, "vertices", np.ascontiguousarray(vertices, np.float64))
        for name in ("polygon_vertices", "polygon_starts"):
            object.__setattr__(self, name, _indices(getattr(self, name)))
        _check(self)

    @classmethod
    def from_polygons(cls, vertices: FloatArray, polygons: Iterable[Sequence[int]]) -> Mesh:
        """Build from a list of polygons, each a sequence of vertex indices."""
        rows = [list(p) for p in polygons]
        starts = np.cumsum([0, *(len(r) for r in rows)])
        corners = [i for r in rows for i in r]
        return cls(vertices, np.array(corners) if corners else np.zeros(0, np.int32), starts)

    @classmethod
    def from_triangles(cls, vertices: FloatArray, triangles: IntArray) -> Mesh:
        """Build from (F, 3) triangles."""
        triangles = _indices(triangles)
        if triangles.size % 3:
            raise InvalidMeshError(
                f"The triangles of the mesh are {size(triangles.shape)} corners: give three each."
            )
        triangles = triangles.reshape(-1, 3)
        return cls(vertices, triangles.ravel(), 3 * np.arange(len(triangles) + 1))

    @property
    def num_vertices(self) -> int:
        return len(self.vertices)

    @property
    def num_polygons(self) -> int:
        return len(self.polygon_starts) - 1

    @cached_property
    def triangles(self) -> IntArray:
        """(F, 3) int32: every polygon as a fan around its first vertex."""
        return self._fans[0]

    @cached_property
    def triangle_polygons(self) -> IntArray:
        """(F,) int32: the polygon each triangle was cut from."""
        return self._fans[1]

    @cached_property
    def _fans(self) -> tuple[IntArray, IntArray]:
        sizes = np.diff(self.polygon_starts)
        counts = np.maximum(sizes - 2, 0)
        polygons = np.repeat(np.arange(len(sizes)), counts)
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        first = self.polygon_starts[polygons]
        corners = np.stack([first, first + within + 1, first + within + 2], axis=1)
        return self.polygon_vertices[corners].astype(np.int32), polygons.astype(np.int32)

    @cached_property
    def other_triangles(self) -> IntArray:
        """(F, 3) int32, polygon by polygon as in `triangles`: fans around their second vertices."""
        sizes = np.diff(self.polygon_starts)
        ends = self.polygon_starts[1:][sizes > 0] - 1
        turned = np.roll(self.polygon_vertices, -1)
        turned[ends] = self.polygon_vertices[self.polygon_starts[:-1][sizes > 0]]
        return Mesh(self.vertices, turned, self.polygon_starts).triangles

    @cached_property
    def face_normals(self) -> FloatArray:
        """(F, 3) unit normals of the triangles; zero where a triangle has no area."""
        return _normalised(self._face_cross)

    @cached_property
    def face_areas(self) -> FloatArray:
        """(F,) triangle areas, in the unit of the vertices squared."""
        return 0.5 * np.linalg.norm(self._face_cross, axis=1)

    @cached_property
    def _face_cross(self) -> FloatArray:
        a, b, c = (self.vertices[self.triangles[:, k]] for k in range(3))
        return np.cross(b - a, c - a)

    @cached_property
    def vertex_normals(self) -> FloatArray:
        """(M, 3) area-weighted unit normals; zero for vertices without faces."""
        return vertex_normals(self.vertices, self.triangles)

    @cached_property
    def loose_parts(self) -> IntArray:
        """(M,) int32: the connected part of each vertex, numbered by lowest vertex index."""
        sizes = np.diff(self.polygon_starts)
        firsts = np.repeat(
            self.polygon_vertices[self.polygon_starts[:-1][sizes > 0]], sizes[sizes > 0]
        )
        graph = sparse.coo_matrix(
            (np.ones(len(firsts), np.int8), (firsts, self.polygon_vertices)),
            shape=(self.num_vertices, self.num_vertices),
        )
        _, labels = connected_components(graph, directed=False)
        _, first_seen = np.unique(labels, return_index=True)
        rank = np.empty(len(first_seen), np.int32)
        rank[np.argsort(first_seen)] = np.arange(len(first_seen))
        return rank[labels]

    def with_vertices(self, vertices: FloatArray) -> Mesh:
        """The same polygons with other positions, (M, 3)."""
        return Mesh(vertices, self.polygon_vertices, self.polygon_starts)


def vertex_normals(vertices: FloatArray, triangles: IntArray) -> FloatArray:
    """(..., M, 3) area-weighted unit normals of (..., M, 3) positions, (F, 3) triangles."""
    a, b, c = (vertices[..., triangles[:, k], :] for k in range(3))
    cross = np.cross(b - a, c - a)  # (..., F, 3)
    num_vertices, num_faces = vertices.shape[-2], len(triangles)
    gather = sparse.csr_matrix(
        (np.ones(3 * num_faces), (triangles.ravel(), np.repeat(np.arange(num_faces), 3))),
        shape=(num_vertices, num_faces),
    )
    flat = cross.reshape(int(np.prod(cross.shape[:-2])), num_faces, 3)
    sums = np.stack([gather @ frame for frame in flat])
    return _normalised(sums).reshape(vertices.shape)


def phong_bulges(points: sparse.spmatrix, vertices: FloatArray, normals: FloatArray) -> FloatArray:
    """(N,) how far points on flat triangles are off the curved ones that meet the corners' normals.

    points: (N, M) sparse barycentrics of the points on (M, 3) vertices with (M, 3) unit normals.
    Boubekeur & Alexa 2008, Phong Tessellation, eq. 2.
    """
    corners = points.tocoo()
    places = points @ vertices
    own = normals[corners.col]
    heights = np.sum((places[corners.row] - vertices[corners.col]) * own, axis=1)
    bulges = np.zeros_like(places)
    np.add.at(bulges, corners.row, (corners.data * heights)[:, None] * own)
    return np.asarray(np.linalg.norm(bulges, axis=1))


def _normalised(vectors: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1.0)


def _indices(values: object) -> IntArray:
    """Vertex numbers as int32. Raises InvalidMeshError for text, fractions, too large ones."""
    array = real_array(values)
    if array is None or (array.size and array.dtype.kind not in "iu"):
        raise InvalidMeshError(
            "The polygons of the mesh hold corners that are not whole numbers: each names a vertex "
            "by its number, from 0."
        )
    largest = np.iinfo(np.int32).max
    if array.size and (array.max() > largest or array.min() < -largest):
        raise InvalidMeshError(
            f"A polygon points to vertex {array.max()}, but a mesh has at most {largest:,}: repair "
            "its faces first."
        )
    return np.ascontiguousarray(array, np.int32)


def _check(mesh: Mesh) -> None:
    vertices, indices, starts = mesh.vertices, mesh.polygon_vertices, mesh.polygon_starts
    if vertices.ndim != 2 or vertices.shape[1] != 3:
        raise InvalidMeshError(
            f"The vertices of the mesh must be numbers (M, 3), got {size(vertices.shape)}: give "
            "three coordinates for each."
        )
    if len(vertices) == 0 or len(starts) < 2:
        raise InvalidMeshError("The mesh is empty: select a head with vertices and faces.")
    bad = np.flatnonzero(~np.isfinite(vertices).all(axis=1))
    if len(bad):
        one = len(bad) == 1
        which = (
            "vertex of the mesh is not finite"
            if one
            else ("vertices of the mesh are not finite numbers")
        )
        raise InvalidMeshError(
            f"{len(bad)} {which} (the first is vertex {bad[0]}): delete or repair "
            f"{'it' if one else 'them'} first."
        )
    if starts[0] != 0 or starts[-1] != len(indices) or (np.diff(starts) < 0).any():
        raise InvalidMeshError(
            "The polygons of the mesh do not follow one another: their starts must rise from 0 to "
            "the number of corners."
        )
    if len(indices) and (indices.min() < 0 or indices.max() >= len(vertices)):
        wrong = indices.min() if indices.min() < 0 else indices.max()
        raise InvalidMeshError(
            f"A polygon points to vertex {wrong}, but the mesh has only "
            f"{counted(len(vertices), 'vertex', 'vertices')}, counted from 0: repair its faces "
            "first."
        )
