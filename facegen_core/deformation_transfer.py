"""Making the expression shapes of one face fit another: deformation transfer.

Sumner & Popović, "Deformation transfer for triangle meshes", SIGGRAPH 2004, in the gradient-domain
form of Botsch, Sumner, Pauly & Gross, "Deformation transfer for detail-preserving surface editing",
VMV 2006: the displacement whose gradient is nearest to (S - I) on every triangle, S being how the
source's triangle is stretched and turned. One sparse factorisation per face, all shapes at once.

Deviation: gradients fix a motion only up to where it starts, and their small errors add up over the
face; a weak pull towards the source's own displacement stands in for that (screened Poisson), and
vertices that no shape moves are held still.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Errors of the gradient fade over this distance; much more than any feature of a face.
SCREENING_LENGTH_MM = 120.0
# Vertices that no source shape moves more than this are held still.
STILL_MM = 0.02
# A shape acts fully where it moves its source this much, and nowhere where it leaves it alone: a
# blink must not reach the lips. A shape of a basis is weighted manyfold: there little is much.
FULL_SUPPORT_MM, BASIS_SUPPORT_MM = 0.2, 0.005
# A source triangle in the fold of a mouth corner may stretch without bound; others never do.
MAX_STRETCH = 12.0


@dataclass(frozen=True, eq=False)
class SourceShapes:
    """The shapes to transfer: displacements (K, V, 3) of a neutral (V, 3) with triangles (F, 3)."""

    neutral: FloatArray
    triangles: IntArray
    displacements: FloatArray
    still_mm: float = STILL_MM
    support_mm: float = FULL_SUPPORT_MM

    @classmethod
    def basis(cls, neutral: FloatArray, triangles: IntArray, shapes: FloatArray) -> SourceShapes:
        """The shapes of a basis, RMS 1 mm per vertex, whose small parts are motion too."""
        return cls(neutral, triangles, shapes, 0.1 * BASIS_SUPPORT_MM, BASIS_SUPPORT_MM)

    @cached_property
    def stretches(self) -> NDArray[np.float32]:
        """(F, 3, 3K): (S - I)ᵀ of every triangle, side by side for all shapes.

        S is how a shape stretches and turns the space around the triangle.
        """
        inverse = np.linalg.inv(_frames(self.neutral, self.triangles))  # (F, 3, 3)
        stretches = np.empty((len(self.triangles), 3, len(self.displacements), 3), np.float32)
        for k, displacement in enumerate(self.displacements):
            stretch = _frames(self.neutral + displacement, self.triangles) @ inverse - np.eye(3)
            sizes = np.linalg.norm(stretch, axis=(1, 2), keepdims=True)
            stretch *= np.minimum(1.0, MAX_STRETCH / np.maximum(sizes, 1e-12))
            stretches[:, :, k] = stretch.transpose(0, 2, 1)
        return stretches.reshape(len(self.triangles), 3, -1)

    @cached_property
    def is_still(self) -> NDArray[np.bool_]:
        """(V,) vertices that no shape moves."""
        return np.linalg.norm(self.displacements, axis=2).max(axis=0) < self.still_mm

    @cached_property
    def supports(self) -> NDArray[np.float32]:
        """(K, V) how much each shape may move each vertex, 0 to 1."""
        share = np.linalg.norm(self.displacements, axis=2) / self.support_mm
        share = np.clip(share, 0.0, 1.0)
        return (share * share * (3 - 2 * share)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class FaceEquations:
    """The screened Poisson equations of one (V, 3) neutral, factorised once for all its shapes.

    weighted: (3F, V) gradient times area; in_plane: (F, 3, 3) gradient of the neutral itself;
    pull: (V,) weight of the screening; free: (N,) vertices that may move.
    """

    weighted: sparse.csr_matrix
    in_plane: NDArray[np.float32]
    pull: FloatArray
    free: IntArray
    factors: SuperLU

    @classmethod
    def of(cls, source: SourceShapes, neutral: FloatArray) -> FaceEquations:
        """Takes about 0.1 s for 14 k vertices."""
        neutral = np.asarray(neutral, np.float64)
        gradient, areas = _gradient(neutral, source.triangles)  # (3F, V), (F,)
        weighted = sparse.diags(np.repeat(areas, 3)) @ gradient
        corners = source.triangles.ravel()
        masses = np.bincount(corners, np.repeat(areas / 3, 3), minlength=len(neutral))
        pull = masses / SCREENING_LENGTH_MM**2
        system = gradient.T @ weighted + sparse.diags(pull)
        free = np.flatnonzero(~source.is_still)
        # COLAMD makes 50 % more entries than a symmetric order, but SuperLU solves faster.
        factors = splu(system[free][:, free].tocsc(), permc_spec="COLAMD")
        in_plane = (gradient @ neutral).reshape(-1, 3, 3).astype(np.float32)
        return cls(weighted.astype(np.float32).tocsr(), in_plane, pull, free, factors)

    def solve(self, gradients: FloatArray, targets: FloatArray) -> NDArray[np.float32]:
        """(V, C) functions with the (3F, C) gradients, pulled towards the (V, C) targets."""
        right = self.weighted.T @ gradients + self.pull[:, None] * targets
        result = np.zeros(targets.shape, np.float32)
        result[self.free] = self.factors.solve(np.asarray(right, np.float64)[self.free])
        return result


def transfer_shapes(
    source: SourceShapes, neutral: FloatArray, equations: FaceEquations | None = None
) -> NDArray[np.float32]:
    """(K, V, 3) the displacements as another (V, 3) neutral of the same topology would show them.

    The source's own neutral gives the source's own displacements back, but for the clamped
    triangles. Takes about half a second for 53 shapes of 14 k vertices.
    """
    K, V, _ = source.displacements.shape  # noqa: N806
    equations = equations or FaceEquations.of(source, neutral)
    gradients = (equations.in_plane @ source.stretches).reshape(-1, 3 * K)
    targets = source.displacements.transpose(1, 0, 2).reshape(V, 3 * K)
    result = equations.solve(gradients, targets).reshape(V, K, 3).transpose(1, 0, 2)
    return result * source.supports[..., None]


class ShapeTransfer:
    """(K, V, 3) shapes, carried from the neutral they were made for to others of its topology.

    Only the difference of two transfers is added to the shapes: their own neutral gets them back
    exactly, clamped triangles of folds included.
    """

    def __init__(self, source: SourceShapes) -> None:
        self.source = source
        self._error = transfer_shapes(source, source.neutral) - source.displacements

    def to(self, neutral: FloatArray) -> NDArray[np.float32]:
        """(K, V, 3) float32 mm, the shapes as another neutral shows them; half a second at 14 k."""
        return transfer_shapes(self.source, neutral) - self._error


class BasisTransfer(ShapeTransfer):
    """The (K, V, 3) shapes of a basis, whose small parts are motion too."""

    def __init__(self, neutral: FloatArray, triangles: IntArray, basis: FloatArray) -> None:
        self.basis = np.asarray(basis, np.float32)
        super().__init__(SourceShapes.basis(np.asarray(neutral, np.float64), triangles, self.basis))


def _frames(vertices: FloatArray, triangles: IntArray) -> FloatArray:
    """(F, 3, 3) columns: two edges and the normal scaled like an edge (Sumner & Popović, eq. 2)."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    normal = cross / np.sqrt(np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-12))
    return np.stack([b - a, c - a, normal], axis=-1)


def _gradient(vertices: FloatArray, triangles: IntArray) -> tuple[sparse.csr_matrix, FloatArray]:
    """(3F, V) gradient of a function linear on each triangle, rows (x, y, z) by triangle; areas."""
    corners = vertices[triangles]  # (F, 3, 3)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    double_areas = np.maximum(np.linalg.norm(cross, axis=1), 1e-12)
    normals = cross / double_areas[:, None]
    opposite = np.roll(corners, -2, axis=1) - np.roll(
        corners, -1, axis=1
    )  # edge facing each corner
    hats = np.cross(normals[:, None], opposite) / double_areas[:, None, None]  # (F, corner, xyz)
    F = len(triangles)  # noqa: N806
    rows = np.repeat(np.arange(3 * F).reshape(F, 3), 3, axis=1).ravel()  # f, xyz, corner
    columns = np.tile(triangles[:, None, :], (1, 3, 1)).ravel()
    values = hats.transpose(0, 2, 1).ravel()
    return sparse.csr_matrix((values, (rows, columns)), (3 * F, len(vertices))), double_areas / 2
