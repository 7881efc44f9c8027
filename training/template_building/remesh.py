"""Isotropic remeshing with a target length per place, for building the template.

Botsch & Kobbelt, "A Remeshing Approach to Multiresolution Modeling", SGP 2004, section 4: split
long edges, collapse short ones, flip towards regular valence, relax in the tangent plane, project
back. Our deviation: points are projected to the nearest place of the source whose normal agrees, so
that two sheets that almost touch (lips, lids) never exchange points.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from facegen_core.mesh import vertex_normals
from facegen_core.topology import adjacency, boundary_edges, edges_of
from training.template_building.surface import Surface, triangle_normals, unit

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# An edge is split above, and collapsed below, these multiples of its target length (same paper).
SPLIT_ABOVE, COLLAPSE_BELOW = 4 / 3, 4 / 5
# An edit that turns a triangle further than this cosine would fold the surface over.
MIN_NORMAL_COSINE = 0.5
REGULAR_VALENCE, REGULAR_BOUNDARY_VALENCE = 6, 4
RELAXATION_STEPS = 3


def remesh(
    surface: Surface,
    target_lengths: FloatArray,
    vertices: FloatArray,
    triangles: IntArray,
    iterations: int = 8,
) -> tuple[FloatArray, IntArray]:
    """Vertices (V, 3) and triangles (F, 3) on `surface` with the wanted edge lengths.

    target_lengths: (P,) wanted edge length at every vertex of the surface, in its unit.
    vertices (P', 3), triangles (Q', 3): the mesh to start from, an oriented manifold near it.
    Components and boundary loops of the start mesh are kept.
    """
    for _ in range(iterations):
        editor = _Editor(vertices, triangles, _sizes(surface, target_lengths, vertices, triangles))
        editor.split_long_edges()
        editor.collapse_short_edges()
        editor.flip_to_regular_valence()
        vertices, triangles, sizes = editor.result()
        vertices = _relaxed(surface, vertices, triangles, sizes)
    return vertices, triangles


def _sizes(
    surface: Surface, target_lengths: FloatArray, vertices: FloatArray, triangles: IntArray
) -> FloatArray:
    places = surface.closest(vertices, vertex_normals(vertices, triangles))
    return surface.carry_matrix(*places) @ target_lengths


def _relaxed(
    surface: Surface, vertices: FloatArray, triangles: IntArray, sizes: FloatArray
) -> FloatArray:
    """Move vertices towards the weighted middle of their neighbours, staying on the surface.

    Neighbours weigh 1 / size², so that a graded sizing is not smoothed away. Boundary vertices
    slide between their two boundary neighbours only.
    """
    links = adjacency(triangles, len(vertices)) @ sparse.diags(sizes**-2.0)
    rim = boundary_edges(triangles)
    rim_links = sparse.coo_matrix(
        (np.ones(2 * len(rim)), (rim.ravel(), rim[:, ::-1].ravel())), links.shape
    ).tocsr()
    on_rim = np.zeros(len(vertices), bool)
    on_rim[rim.ravel()] = True
    links = sparse.diags((~on_rim).astype(float)) @ links + rim_links
    links = sparse.diags(1 / np.asarray(links.sum(axis=1)).ravel()) @ links
    for _ in range(RELAXATION_STEPS):
        normals = vertex_normals(vertices, triangles)
        steps = 0.6 * (links @ vertices - vertices)
        steps -= (steps * normals).sum(1, keepdims=True) * normals
        moved = vertices + steps
        moved = surface.carry_matrix(*surface.closest(moved, normals)) @ surface.vertices
        vertices = np.where(
            on_rim[:, None], vertices + _along_rim(vertices, rim_links, steps), moved
        )
    return vertices


def _along_rim(vertices: FloatArray, rim_links: sparse.csr_matrix, steps: FloatArray) -> FloatArray:
    """The part of the steps along the boundary loop: it must not shrink, loop after loop."""
    tangents = np.zeros_like(vertices)
    for vertex in np.flatnonzero(np.diff(rim_links.indptr) == 2):
        before, after = rim_links.indices[rim_links.indptr[vertex] : rim_links.indptr[vertex] + 2]
        tangents[vertex] = vertices[after] - vertices[before]
    tangents = unit(tangents)
    return (steps * tangents).sum(1, keepdims=True) * tangents


class _Editor:
    """Local edits of a triangle mesh: Python loops over edges, 2 s for all three at 14 k."""

    def __init__(self, vertices: FloatArray, triangles: IntArray, sizes: FloatArray) -> None:
        self.points = [np.array(p) for p in vertices]
        self.sizes = sizes.tolist()
        self.triangles: list[tuple[int, int, int] | None] = [tuple(t) for t in triangles.tolist()]
        self.around: list[set[int]] = [set() for _ in self.points]  # triangles of every vertex
        for index, triangle in enumerate(self.triangles):
            for vertex in triangle:
                self.around[vertex].add(index)
        self.on_rim = [False] * len(self.points)
        for vertex in boundary_edges(triangles).ravel().tolist():
            self.on_rim[vertex] = True

    def result(self) -> tuple[FloatArray, IntArray, FloatArray]:
        """Vertices, triangles and sizes without the dead ones."""
        triangles = np.array([t for t in self.triangles if t is not None], np.int32)
        used, renumbered = np.unique(triangles, return_inverse=True)
        triangles = renumbered.reshape(-1, 3).astype(np.int32)
        return np.array(self.points)[used], triangles, np.array(self.sizes)[used]

    def split_long_edges(self) -> None:
        for a, b in self._edges_by_length(longest_first=True):
            if self._relative_length(a, b) > SPLIT_ABOVE:
                self._split(a, b)

    def collapse_short_edges(self) -> None:
        for a, b in self._edges_by_length(longest_first=False):
            if self.around[a] & self.around[b] and self._relative_length(a, b) < COLLAPSE_BELOW:
                self._collapse(a, b)

    def flip_to_regular_valence(self) -> None:
        for a, b in self._edges_by_length(longest_first=True):
            shared = self.around[a] & self.around[b]
            if len(shared) == 2:
                self._flip(a, b, shared)

    def _edges_by_length(self, longest_first: bool) -> Iterable[tuple[int, int]]:
        edges = edges_of(np.array([t for t in self.triangles if t is not None]))
        points, sizes = np.array(self.points), np.array(self.sizes)
        lengths = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
        order = np.argsort(lengths / sizes[edges].mean(axis=1), kind="stable")
        return edges[order[::-1] if longest_first else order].tolist()

    def _relative_length(self, a: int, b: int) -> float:
        edge = self.points[a] - self.points[b]
        return float(np.sqrt(edge @ edge)) / (0.5 * (self.sizes[a] + self.sizes[b]))

    def _split(self, a: int, b: int) -> None:
        shared = self.around[a] & self.around[b]
        middle = len(self.points)
        self.points.append(0.5 * (self.points[a] + self.points[b]))
        self.sizes.append(0.5 * (self.sizes[a] + self.sizes[b]))
        self.around.append(set())
        self.on_rim.append(len(shared) == 1)
        for index in sorted(shared):
            triangle = self.triangles[index]
            self._replace(index, tuple(middle if v == b else v for v in triangle))
            self._add(tuple(middle if v == a else v for v in triangle))

    def _collapse(self, a: int, b: int) -> None:
        shared = self.around[a] & self.around[b]
        if self.on_rim[a] and self.on_rim[b] and len(shared) == 2:
            return  # joining two boundary vertices across the inside would pinch the loop
        if len(self._neighbours(a) & self._neighbours(b)) != len(shared):
            return  # link condition: the edge is part of a ring that would be closed
        if self.on_rim[b] and not self.on_rim[a]:
            a, b = b, a
        keeps_a = self.on_rim[a] and not self.on_rim[b]
        target = self.points[a] if keeps_a else 0.5 * (self.points[a] + self.points[b])
        kept = sorted((self.around[a] | self.around[b]) - shared)
        if not kept or not self._may_move(kept, a, b, target):
            return
        self.points[a] = target
        self.sizes[a] = 0.5 * (self.sizes[a] + self.sizes[b])
        for index in sorted(shared):
            self._remove(index)
        for index in sorted(self.around[b]):
            self._replace(index, tuple(a if v == b else v for v in self.triangles[index]))

    def _may_move(self, kept: list[int], a: int, b: int, target: FloatArray) -> bool:
        """Whether joining a and b in target neither folds a triangle nor makes a too long edge."""
        old = np.array([[self.points[v] for v in self.triangles[i]] for i in kept])
        corners = np.array([self.triangles[i] for i in kept])
        moves = (corners == a) | (corners == b)
        new = np.where(moves[..., None], target, old)
        lengths = np.linalg.norm(new[~moves] - target, axis=1)
        sizes = np.array([self.sizes[v] for v in corners[~moves]])
        limit = SPLIT_ABOVE * 0.5 * (sizes + 0.5 * (self.sizes[a] + self.sizes[b]))
        return bool((lengths <= limit).all()) and bool(
            (_cosines(old, new) > MIN_NORMAL_COSINE).all()
        )

    def _flip(self, a: int, b: int, shared: set[int]) -> None:
        first, second = sorted(shared)
        c = next(v for v in self.triangles[first] if v not in (a, b))
        d = next(v for v in self.triangles[second] if v not in (a, b))
        if c == d or self.around[c] & self.around[d]:
            return
        before = sum(self._irregularity(v, 0) for v in (a, b, c, d))
        after = sum(self._irregularity(v, -1) for v in (a, b))
        after += sum(self._irregularity(v, 1) for v in (c, d))
        if after >= before:
            return
        turned = self.triangles[first]
        if turned[(turned.index(a) + 1) % 3] != b:
            a, b = b, a  # now the first triangle runs a, b, c
        new = ((c, a, d), (d, b, c))
        if not self._is_smooth_flip((self.triangles[first], self.triangles[second]), new):
            return
        self._replace(first, new[0])
        self._replace(second, new[1])

    def _is_smooth_flip(self, old: tuple, new: tuple) -> bool:
        normals = triangle_normals(np.array([[self.points[v] for v in t] for t in (*old, *new)]))
        mean = normals[0] + normals[1]
        return bool((normals[2:] @ mean > MIN_NORMAL_COSINE * np.linalg.norm(mean)).all())

    def _irregularity(self, vertex: int, change: int) -> int:
        rim = self.on_rim[vertex]
        valence = len(self.around[vertex]) + int(rim) + change
        return (valence - (REGULAR_BOUNDARY_VALENCE if rim else REGULAR_VALENCE)) ** 2

    def _neighbours(self, vertex: int) -> set[int]:
        return {v for index in self.around[vertex] for v in self.triangles[index]} - {vertex}

    def _add(self, triangle: tuple[int, int, int]) -> None:
        for vertex in triangle:
            self.around[vertex].add(len(self.triangles))
        self.triangles.append(triangle)

    def _remove(self, index: int) -> None:
        for vertex in self.triangles[index]:
            self.around[vertex].discard(index)
        self.triangles[index] = None

    def _replace(self, index: int, triangle: tuple[int, int, int]) -> None:
        for vertex in self.triangles[index]:
            self.around[vertex].discard(index)
        for vertex in triangle:
            self.around[vertex].add(index)
        self.triangles[index] = triangle


def _cosines(old: FloatArray, new: FloatArray) -> FloatArray:
    return (triangle_normals(old) * triangle_normals(new)).sum(axis=1)
