"""Parts that ride on the skin: lashes, brows, tear shells, hair near the face.

Each vertex hangs on the nearest root of its part, each root on the skin under it. It takes the
displacement of that skin and turns with it, so lashes keep their shape through a blink.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from ..mesh import Mesh
from .alignment import Part
from .matching import TriangleSearch
from .surface import Surface

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]

# Vertices of a part this close to the skin, or this little farther than its closest, are roots.
_ROOT_DISTANCE_MM, _ROOT_SLACK_MM = 1.5, 0.5
# Skin around a root that decides how it turns.
_TURN_RADIUS_MM = 5.0
_MIN_TURN_NEIGHBOURS = 6
# Hair is carried whole up to the first distance from the skin and rests beyond the second.
_HAIR_FULL_MM, _HAIR_REST_MM = 5.0, 30.0


@dataclass(frozen=True, eq=False)
class Riding:
    """P riding vertices on A anchors; indices are those of welded vertices.

    vertex_indices: (P,). anchor_indices: (P,) into the anchors. weights: (P,) in [0, 1].
    anchor_rows: (A, W) sparse barycentrics of the anchors on the skin.
    neighbour_rows: (A, W) sparse averages of the skin around, rows sum to 1.
    """

    vertex_indices: IntArray
    anchor_indices: IntArray
    weights: FloatArray
    anchor_rows: sparse.csr_matrix
    neighbour_rows: sparse.csr_matrix

    def ride_in_place(self, moved: FloatArray, vertices: FloatArray) -> None:
        """Set the riding rows of the (W, T, 3) displacements from those of the skin.

        vertices: (W, 3) mm at rest.
        """
        if len(self.vertex_indices) == 0:
            return
        num_frames = moved.shape[1]
        flat = moved.reshape(len(moved), 3 * num_frames)
        shifts = (self.anchor_rows @ flat).reshape(-1, num_frames, 3)
        turns = self._turns(moved, vertices)  # (A, T, 3, 3), minus the identity
        arms = vertices[self.vertex_indices] - (self.anchor_rows @ vertices)[self.anchor_indices]
        ridden = shifts[self.anchor_indices]
        ridden = ridden + np.einsum("ptxy,py->ptx", turns[self.anchor_indices], arms)
        moved[self.vertex_indices] = self.weights[:, None, None] * ridden

    def _turns(self, moved: FloatArray, vertices: FloatArray) -> FloatArray:
        """(A, T, 3, 3) rotations of the skin around the anchors, minus the identity (Kabsch)."""
        num_vertices, num_frames, _ = moved.shape
        rows = self.neighbour_rows
        centre = rows @ vertices
        spread = (
            rows @ (vertices[:, :, None] * vertices[:, None, :]).reshape(num_vertices, 9)
        ).reshape(-1, 3, 3)
        spread = spread - centre[:, :, None] * centre[:, None, :]
        shift = (rows @ moved.reshape(num_vertices, -1)).reshape(-1, num_frames, 3)
        mixed = (moved[:, :, :, None] * vertices[:, None, None, :]).reshape(num_vertices, -1)
        change = (rows @ mixed).reshape(-1, num_frames, 3, 3) - shift[..., None] * centre[
            :, None, None, :
        ]
        left, _, right = np.linalg.svd(spread[:, None] + change)
        left[..., 2] *= np.sign(np.linalg.det(left @ right))[..., None]
        is_moving = (np.abs(change).max(axis=(2, 3)) > 0)[..., None, None]
        return (left @ right - np.eye(3)) * is_moving


def prepare_riding(surface: Surface, parts: tuple[Part, ...], is_skin: BoolArray) -> Riding:
    """Hang every vertex of the carried parts on the skin. is_skin: (W,)."""
    carried = [part for part in parts if part.motion == "carried"]
    skin_triangles = np.flatnonzero(is_skin[surface.triangles].all(axis=1))
    nothing = sparse.csr_matrix((0, surface.num_vertices))
    if not carried or len(skin_triangles) == 0:
        empty = np.empty(0, np.int64)
        return Riding(empty, empty, np.empty(0), nothing, nothing)
    mesh = Mesh.from_triangles(surface.vertices, surface.triangles)
    search = TriangleSearch(mesh, skin_triangles)
    vertices, roots, weights = [], [], []
    for part in carried:
        indices = np.unique(surface.welded_indices[part.vertex_indices])
        distances = _distances(search, surface.vertices[indices])
        is_root = distances <= max(_ROOT_DISTANCE_MM, distances.min() + _ROOT_SLACK_MM)
        nearest = cKDTree(surface.vertices[indices[is_root]]).query(surface.vertices[indices])[1]
        vertices.append(indices)
        roots.append(indices[is_root][nearest])
        weights.append(_weights(part, distances))
    unique_roots, anchor_indices = np.unique(np.concatenate(roots), return_inverse=True)
    anchor_rows = _anchor_rows(surface, search, surface.vertices[unique_roots])
    neighbour_rows = _neighbour_rows(surface, anchor_rows, is_skin)
    return Riding(
        np.concatenate(vertices),
        anchor_indices,
        np.concatenate(weights),
        anchor_rows,
        neighbour_rows,
    )


def _distances(search: TriangleSearch, points: FloatArray) -> FloatArray:
    return search.closest(points, np.zeros_like(points)).distances


def _weights(part: Part, distances: FloatArray) -> FloatArray:
    if part.kind != "hair":
        return np.ones(len(distances))
    ramp = np.clip((_HAIR_REST_MM - distances) / (_HAIR_REST_MM - _HAIR_FULL_MM), 0.0, 1.0)
    return ramp * ramp * (3.0 - 2.0 * ramp)


def _anchor_rows(surface: Surface, search: TriangleSearch, points: FloatArray) -> sparse.csr_matrix:
    matches = search.closest(points, np.zeros_like(points))
    columns = surface.triangles[matches.triangle_indices]
    rows = np.repeat(np.arange(len(points)), 3)
    shape = (len(points), surface.num_vertices)
    return sparse.csr_matrix((matches.barycentrics.ravel(), (rows, columns.ravel())), shape)


def _neighbour_rows(
    surface: Surface, anchor_rows: sparse.csr_matrix, is_skin: BoolArray
) -> sparse.csr_matrix:
    """Skin reached along the surface around each anchor, evenly weighted; a loop over anchors."""
    size = (surface.num_vertices, surface.num_vertices)
    ones = np.ones(len(surface.edges))
    step = sparse.csr_matrix((ones, tuple(surface.edges.T)), size)
    step = step + step.T
    skin = sparse.diags(is_skin.astype(np.float64))
    reach = (anchor_rows != 0).astype(np.float64)
    centres = anchor_rows @ surface.vertices
    for _ in range(3):
        wider = ((reach + reach @ step @ skin) > 0).astype(np.float64).tocoo()
        offsets = surface.vertices[wider.col] - centres[wider.row]
        is_near = np.linalg.norm(offsets, axis=1) < _TURN_RADIUS_MM
        near = sparse.csr_matrix((is_near * 1.0, (wider.row, wider.col)), wider.shape)
        is_small = np.asarray(reach.sum(axis=1)).ravel() < _MIN_TURN_NEIGHBOURS
        grown = sparse.diags(is_small * 1.0) @ wider + sparse.diags(~is_small * 1.0) @ near
        reach = ((reach + grown) > 0).astype(np.float64)
    return (sparse.diags(1.0 / np.asarray(reach.sum(axis=1)).ravel()) @ reach).tocsr()
