"""Parts that ride on the skin: lashes, brows, tear shells, hair near the face.

The roots of a part, where it touches the skin, take the displacement of the skin under them and
turn with it, so lashes keep their shape through a blink. Between and beyond the roots both blend
along the part, so a tear shell between two lids follows both.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import SuperLU, splu

from ..mesh import Mesh
from .alignment import Part
from .matching import Matches, TriangleSearch
from .surface import Surface

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]

# Vertices of a part this close to the skin, or this little farther than its closest, are roots.
_ROOT_DISTANCE_MM, _ROOT_SLACK_MM = 1.2, 0.5
# Skin around a root that decides how it turns: a lid margin turns more than the lid behind it.
_TURN_RADIUS_MM = 3.0
_MIN_TURN_NEIGHBOURS = 6
_TURN_STEPS = 3
# Hair is carried whole up to the first distance from the skin and rests beyond the second.
_HAIR_FULL_MM, _HAIR_REST_MM = 5.0, 30.0
# When this share of the lid under a lash is the upper one, all of the lash hangs on it; so do a
# moustache on the upper lip and a goatee on the lower.
_SIDE_MAJORITY = 0.65
_ONE_SIDED = ("lashes", "beard")
_REGULARISATION = 1e-9
# Pieces of at most so many free vertices are solved once for all motions.
_SOLVED_SIZE = 300


@dataclass(frozen=True, eq=False)
class Riding:
    """P riding vertices, A of them roots; indices are those of the W welded vertices.

    vertex_indices: (P,). weights: (P,) in [0, 1], how much of the motion is taken.
    root_indices: (A,) and free_indices: (P - A,) into vertex_indices.
    anchor_rows: (A, W) sparse barycentrics of the skin under the roots.
    neighbour_rows: (A, W) sparse averages of the skin around the roots, rows sum to 1.
    free_rows: (P - A, A) sparse, how the free ones follow the roots; empty for those of large
    pieces: large, (S,) rows, are left to the solver with its coupling (S, A), None without any.
    """

    vertex_indices: IntArray
    weights: FloatArray
    root_indices: IntArray
    free_indices: IntArray
    anchor_rows: sparse.csr_matrix
    neighbour_rows: sparse.csr_matrix
    free_rows: sparse.csr_matrix
    large: IntArray
    coupling: sparse.csr_matrix
    solver: SuperLU | None

    def along_part(self, at_roots: FloatArray) -> FloatArray:
        """(P, N) values of the riding vertices, (A, N) at the roots and blended along the parts."""
        values = np.empty((len(self.vertex_indices), at_roots.shape[1]))
        values[self.root_indices] = at_roots
        blended = self.free_rows @ at_roots
        if self.solver is not None:
            blended[self.large] = self.solver.solve(-(self.coupling @ at_roots))
        values[self.free_indices] = blended
        return values

    def ride_in_place(self, moved: FloatArray, vertices: FloatArray) -> None:
        """Set the riding rows of the (W, T, 3) displacements from those of the skin.

        vertices: (W, 3) mm at rest.
        """
        if len(self.vertex_indices) == 0:
            return
        num_vertices, num_frames, _ = moved.shape
        shifts = (self.anchor_rows @ moved.reshape(num_vertices, -1)).reshape(-1, num_frames, 3)
        turns = self._turns(moved, vertices)  # (A, T, 3, 3), minus the identity
        anchors = self.anchor_rows @ vertices
        shifts = shifts - np.einsum("atxy,ay->atx", turns, anchors)
        known = np.concatenate([turns, shifts[..., None]], axis=3)
        affine = self.along_part(known.reshape(len(known), -1)).reshape(-1, num_frames, 3, 4)
        points = vertices[self.vertex_indices]
        ridden = np.einsum("ptxy,py->ptx", affine[..., :3], points) + affine[..., 3]
        moved[self.vertex_indices] = self.weights[:, None, None] * ridden

    def _turns(self, moved: FloatArray, vertices: FloatArray) -> FloatArray:
        """(A, T, 3, 3) rotations of the skin around the roots, minus the identity (Kabsch 1976)."""
        num_frames = moved.shape[1]
        columns = np.unique(self.neighbour_rows.indices)
        rows, points, shifts = self.neighbour_rows[:, columns], vertices[columns], moved[columns]
        count = len(columns)
        centre = rows @ points
        spread = rows @ (points[:, :, None] * points[:, None, :]).reshape(count, 9)
        spread = spread.reshape(-1, 3, 3) - centre[:, :, None] * centre[:, None, :]
        shift = (rows @ shifts.reshape(count, -1)).reshape(-1, num_frames, 3)
        mixed = (shifts[..., None] * points[:, None, None, :]).reshape(count, -1)
        change = (rows @ mixed).reshape(-1, num_frames, 3, 3)
        change = change - shift[..., None] * centre[:, None, None, :]
        left, _, right = np.linalg.svd(spread[:, None] + change)
        left[..., 2] *= np.sign(np.linalg.det(left @ right))[..., None]
        is_moving = (np.abs(change).max(axis=(2, 3)) > 0)[..., None, None]
        return (left @ right - np.eye(3)) * is_moving


def prepare_riding(
    surface: Surface, parts: tuple[Part, ...], is_skin: BoolArray, slit_sides: FloatArray
) -> Riding:
    """Hang every vertex of the carried parts on the skin.

    is_skin: (W,) skin that may move.
    slit_sides: (W,) +1 on upper lids and lip, -1 on lower, 0 elsewhere.
    """
    carried = [part for part in parts if part.motion == "carried"]
    skin_triangles = np.flatnonzero(is_skin[surface.triangles].all(axis=1))
    if not carried or len(skin_triangles) == 0:
        return _nothing(surface)
    skin = _Skin(surface, skin_triangles, slit_sides)
    hangings = [_hang(skin, part) for part in carried]
    vertices = np.concatenate([h.vertex_indices for h in hangings])
    is_root = np.concatenate([h.is_root for h in hangings])
    anchor_rows = sparse.vstack([h.anchor_rows for h in hangings]).tocsr()
    free, roots = np.flatnonzero(~is_root), np.flatnonzero(is_root)
    laplacian = surface.laplacian[vertices[free]][:, vertices]
    system = (laplacian[:, free] + _REGULARISATION * sparse.identity(len(free))).tocsr()
    free_rows, large = _solved(system, laplacian[:, roots].tocsr())
    return Riding(
        vertices,
        np.concatenate([h.weights for h in hangings]),
        roots,
        free,
        anchor_rows,
        _neighbour_rows(surface, anchor_rows, is_skin),
        free_rows,
        large,
        laplacian[large][:, roots].tocsr(),
        splu(system[large][:, large].tocsc()) if len(large) else None,
    )


def _solved(
    system: sparse.csr_matrix, coupling: sparse.csr_matrix
) -> tuple[sparse.csr_matrix, IntArray]:
    """-system⁻¹ coupling as sparse rows, piece by piece, and the rows of pieces too large for it.

    Lashes and brows are many small pieces: products with these rows take a tenth of the time of
    solving in every frame.
    """
    count, labels = connected_components(system, directed=False)
    order = np.argsort(labels, kind="stable")
    pieces = np.split(order, np.cumsum(np.bincount(labels, minlength=count))[:-1]) if count else []
    rows, columns, values, large = [], [], [], [np.empty(0, np.int64)]
    for piece in pieces:
        if len(piece) > _SOLVED_SIZE:
            large.append(piece)
            continue
        asked = coupling[piece]
        at = np.unique(asked.indices)
        block = np.linalg.solve(system[piece][:, piece].toarray(), -asked[:, at].toarray())
        rows.append(np.repeat(piece, len(at)))
        columns.append(np.tile(at, len(piece)))
        values.append(block.ravel())
    if not rows:
        return sparse.csr_matrix(coupling.shape), np.sort(np.concatenate(large))
    places = (np.concatenate(rows), np.concatenate(columns))
    solved = sparse.csr_matrix((np.concatenate(values), places), coupling.shape)
    return solved, np.sort(np.concatenate(large))


@dataclass(frozen=True, eq=False)
class _Hanging:
    """One carried part: its (P,) welded vertices, which are roots, and where these hang."""

    vertex_indices: IntArray
    is_root: BoolArray
    weights: FloatArray
    anchor_rows: sparse.csr_matrix


def _nothing(surface: Surface) -> Riding:
    none, rows = np.empty(0, np.int64), sparse.csr_matrix((0, surface.num_vertices))
    empty = sparse.csr_matrix((0, 0))
    return Riding(none, np.empty(0), none, none, rows, rows, empty, none, empty, None)


class _Skin:
    """The skin that parts hang on, searched whole or without the lids and lip of one side."""

    def __init__(self, surface: Surface, triangles: IntArray, slit_sides: FloatArray) -> None:
        self.surface = surface
        self.triangle_sides = slit_sides[surface.triangles].mean(axis=1)
        self._triangles = triangles
        self._mesh = Mesh.from_triangles(surface.vertices, surface.triangles)
        self._searches: dict[int, TriangleSearch] = {}

    def closest(self, points: FloatArray, side: int = 0) -> Matches:
        """The closest skin; side +1 leaves out lower lids and lip, -1 the upper ones."""
        if side not in self._searches:
            is_open = self.triangle_sides[self._triangles] * side >= 0
            self._searches[side] = TriangleSearch(self._mesh, self._triangles[is_open])
        return self._searches[side].closest(points, np.zeros_like(points))


def _hang(skin: _Skin, part: Part) -> _Hanging:
    indices = np.unique(skin.surface.welded_indices[part.vertex_indices])
    points = skin.surface.vertices[indices]
    matches = skin.closest(points)
    if part.kind in _ONE_SIDED:
        found = np.sign(skin.triangle_sides[matches.triangle_indices])
        majority = found.sum() / max(np.count_nonzero(found), 1)
        if abs(majority) > 2.0 * _SIDE_MAJORITY - 1.0:
            matches = skin.closest(points, int(np.sign(majority)))
    distances = matches.distances
    is_root = distances <= max(_ROOT_DISTANCE_MM, distances.min() + _ROOT_SLACK_MM)
    rows = np.repeat(np.arange(is_root.sum()), 3)
    columns = skin.surface.triangles[matches.triangle_indices[is_root]].ravel()
    values = matches.barycentrics[is_root].ravel()
    shape = (int(is_root.sum()), skin.surface.num_vertices)
    anchor_rows = sparse.csr_matrix((values, (rows, columns)), shape)
    return _Hanging(indices, is_root, _weights(part, distances), anchor_rows)


def _weights(part: Part, distances: FloatArray) -> FloatArray:
    if part.kind != "hair":
        return np.ones(len(distances))
    ramp = np.clip((_HAIR_REST_MM - distances) / (_HAIR_REST_MM - _HAIR_FULL_MM), 0.0, 1.0)
    return ramp * ramp * (3.0 - 2.0 * ramp)


def _neighbour_rows(
    surface: Surface, anchor_rows: sparse.csr_matrix, is_skin: BoolArray
) -> sparse.csr_matrix:
    """(A, W) skin reached along the surface around each anchor, evenly weighted."""
    size = (surface.num_vertices, surface.num_vertices)
    step = sparse.csr_matrix((np.ones(len(surface.edges)), tuple(surface.edges.T)), size)
    step = (step + step.T) @ sparse.diags(is_skin.astype(np.float64))
    reach = (anchor_rows != 0).astype(np.float64)
    centres = anchor_rows @ surface.vertices
    for _ in range(_TURN_STEPS):
        wider = (reach + reach @ step).tocoo()
        offsets = np.linalg.norm(surface.vertices[wider.col] - centres[wider.row], axis=1)
        is_poor = np.asarray((reach > 0).sum(axis=1)).ravel() < _MIN_TURN_NEIGHBOURS
        is_kept = (offsets < _TURN_RADIUS_MM) | is_poor[wider.row]
        kept = (is_kept * 1.0, (wider.row, wider.col))
        reach = ((reach + sparse.csr_matrix(kept, wider.shape)) > 0).astype(np.float64)
    return (sparse.diags(1.0 / np.asarray(reach.sum(axis=1)).ravel()) @ reach).tocsr()
