"""Skin without a correspondence: filled in smoothly from the skin around it, at rest far away.

The filled displacements minimise bending (the squared Laplacian; Botsch & Kobbelt 2004, An
intuitive framework for real-time freeform modeling) between confident skin and skin at rest, so
no crease shows where one meets the other. Teeth, tongue and eyeballs that are welded into the skin
hold it where they are, rigid with the jaw or still, and the skin of the mouth between them and the
lips bends. Hints pull on it: half-trusted correspondences, the jaw inside a mouth that is welded to
the skin, and rest inside eye sockets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu

from .correspondence import CONFIDENT
from .surface import Surface

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]

# Along the surface, this far from the last confident vertex the skin is at rest.
REST_DISTANCE_MM = 25.0
# Lengths over which a hint wins against smoothness.
_HALF_TRUST_LENGTH_MM = 5.0
_JAW_LENGTH_MM = 8.0
_SOCKET_LENGTH_MM = 6.0
# Inside the mouth, skin this near to welded teeth or tongue along the surface is never taken at
# its word: between what is rigid and what smiles it has to bend.
_BENDING_MM = 6.0
_SOCKETS = ("eye_socket_left", "eye_socket_right")


@dataclass(frozen=True, eq=False)
class Filling:
    """Solved once for a head, then applied to any number of frames.

    free_indices: (I,) skin vertices to fill. rest_indices: vertices that never move.
    coupling: (I, W) sparse, what the fixed vertices around ask for.
    hint_strengths, jaw_strengths: (I,) pull of half-trusted correspondences and of the jaw.
    solver: the factorised system, None when nothing is free.
    """

    free_indices: IntArray
    rest_indices: IntArray
    coupling: sparse.csr_matrix
    hint_strengths: FloatArray
    jaw_strengths: FloatArray
    solver: SuperLU | None

    def fill_in_place(
        self, moved: FloatArray, jaw_indices: IntArray, jaw_displacements: FloatArray
    ) -> None:
        """Fill the (W, N) displacements: confident rows are read, hints replaced, rest zeroed.

        Rows of what is rigid with the jaw are read too, so they must be set before.

        jaw_displacements: (P, N) weighted motion of the jaw at the vertices jaw_indices.
        """
        if self.solver is not None:
            asked = self.hint_strengths[:, None] * moved[self.free_indices]
            _, rows, sources = np.intersect1d(
                self.free_indices, jaw_indices, assume_unique=True, return_indices=True
            )
            asked[rows] += self.jaw_strengths[rows, None] * jaw_displacements[sources]
            moved[self.free_indices] = 0.0
            moved[self.rest_indices] = 0.0
            moved[self.free_indices] = self.solver.solve(asked - self.coupling @ moved)
        moved[self.rest_indices] = 0.0


def prepare_filling(
    surface: Surface,
    is_skin: BoolArray,
    confidences: FloatArray,
    regions: dict[str, FloatArray],
    is_rigid: BoolArray | None = None,
) -> Filling:
    """Decide what is fixed, filled and at rest, and factorise the system.

    is_skin: (W,); confidences: (W,) of the correspondence; regions: {name: (W,)} as in Alignment.
    is_rigid: (W,) what follows the jaw rigidly, None where nothing does.
    """
    is_rigid = np.zeros(len(is_skin), bool) if is_rigid is None else is_rigid
    is_fixed = is_skin & (confidences > CONFIDENT) & ~_must_bend(surface, is_skin, regions)
    is_inner = np.max([regions[n] for n in ("mouth_bag", *_SOCKETS)], axis=0) > 0.5
    distances = surface.distances_along(np.flatnonzero(is_fixed), REST_DISTANCE_MM)
    is_reached = np.isfinite(distances) | (is_inner & _touches(surface, is_fixed))
    is_free = is_skin & ~is_fixed & is_reached
    free = np.flatnonzero(is_free)
    rest = np.flatnonzero(~is_fixed & ~is_free & ~is_rigid)
    areas = surface.vertex_areas
    hints = areas * confidences / _HALF_TRUST_LENGTH_MM**4
    jaw = areas * regions["mouth_bag"] / _JAW_LENGTH_MM**4
    sockets = areas * np.max([regions[n] for n in _SOCKETS], axis=0) / _SOCKET_LENGTH_MM**4
    rows = _bending_rows(surface, free)
    pull = hints[free] + jaw[free] + sockets[free]
    system = rows[:, free] + sparse.diags(pull + 1e-9 * areas[free])
    solver = splu(system.tocsc()) if len(free) else None
    return Filling(free, rest, rows, hints[free], jaw[free], solver)


def _must_bend(surface: Surface, is_skin: BoolArray, regions: dict[str, FloatArray]) -> BoolArray:
    """(W,) skin inside the mouth beside teeth or tongue that are welded to it."""
    is_welded = ~is_skin & _touches(surface, is_skin)
    if not is_welded.any():
        return is_welded
    distances = surface.distances_along(np.flatnonzero(is_welded), _BENDING_MM)
    return np.isfinite(distances) & is_skin & (regions["mouth_bag"] > 0.5)


def _bending_rows(surface: Surface, free: IntArray) -> sparse.csr_matrix:
    """(I, W) the free rows of the squared Laplacian."""
    laplacian = surface.laplacian
    return (laplacian[free] @ sparse.diags(1.0 / surface.vertex_areas) @ laplacian).tocsr()


def _touches(surface: Surface, is_fixed: BoolArray) -> BoolArray:
    """(W,) whether a vertex lies on a part of the surface with any fixed vertex."""
    has_fixed = np.zeros(surface.parts.max() + 1, bool)
    has_fixed[surface.parts[is_fixed]] = True
    return has_fixed[surface.parts]
