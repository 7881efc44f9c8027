"""`Variation`: the same head as another mesh, and the way back to points with known motion.

Placed vertices (a selection, a copy) keep their origin exactly; new ones (after decimation, a
remesh) lie at the nearest place of the original surface that faces as they do.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from facegen_core.mesh import Mesh, vertex_normals
from tests.benchmarks.heads.head_truth import HeadTruth
from tests.benchmarks.heads.warps import Warp
from training.template_building.surface import Surface

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]

# A new vertex farther than this from the original surface is not of it.
FARTHEST_MM = 4.0


@dataclass(frozen=True, eq=False)
class Variation:
    """One mesh made of a head; M vertices, P points of the truth.

    mesh: in its own coordinates and unit. origins: (M, P) barycentrics, empty rows where a vertex
    stands for nothing of the original. is_known: (M,) where the truth says how it moves.
    to_truth: (4, 4) affine, the mesh's coordinates → mm of the truth.
    warp: bends the truth to this shape. mirrored: (M,) copied from the other side of the face.
    is_same_face: whether the result may be compared with the truth in millimetres.
    wound_outwards: (F, 3) the triangles as they were before their winding was spoilt, else None.
    """

    name: str
    truth: HeadTruth
    mesh: Mesh
    origins: sparse.csr_matrix
    is_known: BoolArray
    to_truth: FloatArray = field(default_factory=lambda: np.eye(4))
    warp: Warp | None = None
    mirrored: BoolArray | None = None
    is_same_face: bool = True
    wound_outwards: IntArray | None = None

    @property
    def triangles(self) -> IntArray:
        """(F, 3) as the truth winds them, outwards, however the mesh does."""
        return self.mesh.triangles if self.wound_outwards is None else self.wound_outwards

    @cached_property
    def positions(self) -> FloatArray:
        """(M, 3) mm of the truth."""
        return self.mesh.vertices @ self.to_truth[:3, :3].T + self.to_truth[:3, 3]

    @cached_property
    def landmarks(self) -> FloatArray | None:
        """(68, 3) mm of the truth, where they are on this shape."""
        marks = self.truth.landmarks
        return marks if marks is None or self.warp is None else self.warp(marks)

    @cached_property
    def is_outer_face(self) -> BoolArray:
        """(M,) seen skin that an expression may move, where the truth knows how."""
        return self.is_known & (self.share(self.truth.is_outer_face) > 0.5)

    def share(self, points: BoolArray | FloatArray) -> FloatArray:
        """(M,) how much of each vertex comes from some of the P points."""
        return np.asarray(self.origins @ np.asarray(points, np.float64), np.float64)

    def group(self, name: str) -> IntArray:
        """Vertices that come from a group of the truth."""
        is_in = np.zeros(self.truth.mesh.num_vertices)
        is_in[self.truth.groups[name]] = 1.0
        return np.flatnonzero(self.share(is_in) > 0.5)

    def true_displacements(self) -> FloatArray:
        """(T, M, 3) mm of the truth."""
        frames = []
        for motion in self.truth.displacements:
            if self.warp is not None:
                rest = self.truth.mesh.vertices
                motion = self.warp(rest + motion) - self.warp(rest)
            moved = np.asarray(self.origins @ motion)
            if self.mirrored is not None:
                moved[self.mirrored, 0] *= -1.0
            frames.append(moved)
        return np.stack(frames)

    def in_mm(self, displacements: FloatArray) -> FloatArray:
        """(T, M, 3) mm of the truth, of displacements in the mesh's own coordinates."""
        return np.asarray(displacements, np.float64) @ self.to_truth[:3, :3].T

    def placed(self, name: str, matrix: FloatArray) -> Variation:
        """Moved by a (4, 4) affine: turned, scaled, in another unit."""
        vertices = self.mesh.vertices @ matrix[:3, :3].T + matrix[:3, 3]
        back = self.to_truth @ np.linalg.inv(matrix)
        return replace(self, name=name, mesh=self.mesh.with_vertices(vertices), to_truth=back)


def as_made(truth: HeadTruth, name: str = "as is") -> Variation:
    """The head itself."""
    num_points = truth.mesh.num_vertices
    return Variation(
        name, truth, truth.mesh, sparse.identity(num_points, format="csr"), _known(num_points)
    )


def selected(
    before: Variation, name: str, polygons: BoolArray | list, vertices: FloatArray | None = None
) -> Variation:
    """Some polygons of a variation (a mask over them) with the vertices they use."""
    mesh = before.mesh
    kept = [p for p, keep in zip(polygons_of(mesh), polygons, strict=True) if keep]
    positions = mesh.vertices if vertices is None else vertices
    used, corners = np.unique(np.concatenate(kept), return_inverse=True)
    starts = np.concatenate([[0], np.cumsum([len(p) for p in kept])])
    return replace(
        before,
        name=name,
        mesh=Mesh(positions[used], corners, starts),
        origins=before.origins[used],
        is_known=before.is_known[used],
        mirrored=None if before.mirrored is None else before.mirrored[used],
    )


def remade(before: Variation, name: str, mesh: Mesh, known_beyond_mm: float = 0.0) -> Variation:
    """A variation as other vertices on the same surface; places are the nearest that face alike.

    known_beyond_mm: nearer than this to both lips, or both lids of an eye, a new surface may have
    joined them, and nobody knows how it moves.
    """
    old = before.mesh
    surface = Surface(old.vertices, old.triangles)
    places = surface.closest(mesh.vertices, vertex_normals(mesh.vertices, mesh.triangles))
    origins = (surface.carry_matrix(*places) @ before.origins).tocsr()
    changed = replace(before, name=name, mesh=mesh, origins=origins, mirrored=None)
    feet = (old.vertices[old.triangles[places[0]]] * places[1][..., None]).sum(axis=1)
    # What closes an opening stands for nothing of the original.
    is_known = np.linalg.norm(feet - mesh.vertices, axis=1) < FARTHEST_MM
    is_known &= ~_between_lips(changed, known_beyond_mm)
    return replace(changed, is_known=is_known)


def joined(name: str, pieces: list[Variation]) -> Variation:
    """Several as one mesh: their vertices one after the other."""
    bases = np.cumsum([0, *(piece.mesh.num_vertices for piece in pieces)])
    polygons = [
        polygon + base
        for piece, base in zip(pieces, bases[:-1], strict=True)
        for polygon in polygons_of(piece.mesh)
    ]
    vertices = np.concatenate([piece.mesh.vertices for piece in pieces])
    return replace(
        pieces[0],
        name=name,
        mesh=Mesh.from_polygons(vertices, polygons),
        origins=sparse.vstack([piece.origins for piece in pieces]).tocsr(),
        is_known=np.concatenate([piece.is_known for piece in pieces]),
    )


def polygons_of(mesh: Mesh) -> list[IntArray]:
    """Vertex indices of each polygon."""
    return np.split(mesh.polygon_vertices, mesh.polygon_starts[1:-1])


def polygons_within(variation: Variation, vertices: BoolArray) -> BoolArray:
    """(G,) polygons all of whose corners are among some (M,) vertices."""
    mesh = variation.mesh
    outside = np.add.reduceat(~vertices[mesh.polygon_vertices], mesh.polygon_starts[:-1])
    return outside == 0


def _known(count: int) -> BoolArray:
    return np.ones(count, bool)


def _between_lips(variation: Variation, reach_mm: float) -> BoolArray:
    """(M,) vertices near both sides of a slit."""
    from scipy.spatial import cKDTree

    result = np.zeros(variation.mesh.num_vertices, bool)
    if reach_mm <= 0.0:
        return result
    truth, regions = variation.truth, variation.truth.regions
    for upper, lower in (
        ("upper_lip", "lower_lip"),
        ("upper_lid_left", "lower_lid_left"),
        ("upper_lid_right", "lower_lid_right"),
    ):
        is_near = np.ones(len(result), bool)
        for side in (upper, lower):
            points = truth.mesh.vertices[regions[side] > 0.3]
            is_near &= cKDTree(points).query(variation.mesh.vertices)[0] < reach_mm
        result |= is_near
    return result
