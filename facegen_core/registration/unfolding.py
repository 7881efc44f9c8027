"""At the corners of mouth and eyes no triangle turns over.

There two lips that move apart are one again within a millimetre, and artists put their smallest
triangles: a motion that is right to a tenth of a millimetre can still fold them. Where a triangle
comes to face against the skin around it, its corners take the mean motion of their surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from .surface import Surface

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]

# Inner corners of the mouth, corners of the eyes; the skin around them, mm.
_CORNERS = (60, 64, 36, 39, 42, 45)
_RADIUS_MM = 6.0
# Larger triangles than this, by their longest edge, are not folded by a tenth of a millimetre, mm.
_LARGEST_MM = 2.5
_MAX_ROUNDS = 20


@dataclass(frozen=True, eq=False)
class Unfolding:
    """vertices: (Z,) around the corners, rest: (Z, 3) mm. triangles: (F, 3) of them.

    gather: (Z, F) which triangles are around a vertex. means: (Z, Z) sparse averages over a vertex
    and its neighbours, rows sum to 1. is_ignored: (F,) what is folded at rest, or large.
    may_move: (Z,) vertices whose motion may be changed.
    """

    vertices: IntArray
    rest: FloatArray
    triangles: IntArray
    gather: sparse.csr_matrix
    means: sparse.csr_matrix
    is_ignored: BoolArray
    may_move: BoolArray

    def unfold_in_place(self, moved: FloatArray) -> None:
        """Change those of the (W, T, 3) displacements, mm, that fold a triangle."""
        if len(self.triangles) == 0:
            return
        motion = moved[self.vertices]
        frames = np.arange(motion.shape[1])
        for _ in range(_MAX_ROUNDS):
            is_new = self._folded(self.rest[:, None] + motion[:, frames])
            is_new &= ~self.is_ignored[:, None]
            going_on = is_new.any(axis=0)
            frames, is_new = frames[going_on], is_new[:, going_on]
            if len(frames) == 0:
                break
            is_corner = (self.gather @ is_new.astype(np.float64) > 0) & self.may_move[:, None]
            old = motion[:, frames]
            mean = (self.means @ old.reshape(len(old), -1)).reshape(old.shape)
            motion[:, frames] = np.where(is_corner[..., None], mean, old)
        moved[self.vertices] = motion

    def _folded(self, positions: FloatArray) -> BoolArray:
        """(F, T) triangles that face against the mean of the skin around their corners."""
        a, b, c = (positions[self.triangles[:, k]] for k in range(3))
        u, v = b - a, c - a
        crosses = u[..., [1, 2, 0]] * v[..., [2, 0, 1]] - u[..., [2, 0, 1]] * v[..., [1, 2, 0]]
        sums = (self.gather @ crosses.reshape(len(crosses), 3 * positions.shape[1])).reshape(
            positions.shape
        )
        sums /= np.maximum(np.linalg.norm(sums, axis=2, keepdims=True), 1e-12)
        around = sums[self.triangles].sum(axis=1)
        folded: BoolArray = np.einsum("ftx,ftx->ft", crosses, around) < 0
        return folded


def prepare_unfolding(surface: Surface, landmarks: FloatArray, may_move: BoolArray) -> Unfolding:
    """landmarks: (68, 3) mm. may_move: (W,) skin that is not held where it is."""
    away = cKDTree(landmarks[list(_CORNERS)]).query(surface.vertices)[0]
    is_near = away < _RADIUS_MM
    chosen = surface.triangles[(is_near & may_move)[surface.triangles].any(axis=1)]
    points = surface.vertices[chosen]
    longest = np.linalg.norm(points - np.roll(points, 1, axis=1), axis=2).max(axis=1, initial=0.0)
    vertices, local = np.unique(chosen, return_inverse=True)
    triangles = local.reshape(-1, 3)
    count, num_triangles = len(vertices), len(triangles)
    ones = np.ones(3 * num_triangles)
    faces = np.repeat(np.arange(num_triangles), 3)
    gather = sparse.csr_matrix((ones, (triangles.ravel(), faces)), (count, num_triangles))
    adjacent = ((gather @ gather.T) > 0).astype(np.float64)  # each vertex is its own neighbour
    sums = np.maximum(np.asarray(adjacent.sum(axis=1)).ravel(), 1.0)
    means = (sparse.diags(1.0 / sums) @ adjacent).tocsr()
    result = Unfolding(
        vertices,
        surface.vertices[vertices],
        triangles,
        gather,
        means,
        np.zeros(num_triangles, bool),
        (is_near & may_move)[vertices],
    )
    result.is_ignored[:] = result._folded(result.rest[:, None])[:, 0] | (longest > _LARGEST_MM)
    return result
