"""Around mouth and eyes no triangle turns over.

There two lips that move apart are one again within a millimetre, and artists put their smallest
triangles: a motion that is right to a tenth of a millimetre can still fold them. A triangle that
comes to face against the skin around it is given back a little of its area, seen from the front of
that skin: its corners slide along the skin, as little as will do (position-based dynamics, Müller
et al. 2007, eqs. 6-9). What touches keeps touching, as nothing moves off the skin or into it; and
as the way is as long as what is missing, it comes and goes without a jump from frame to frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from ..mesh import Mesh
from ..motion import is_moving
from .surface import Surface

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]

# Landmarks of eyes and mouth, and the skin around them, mm: nowhere else do triangles turn over.
_LANDMARKS, _RADIUS_MM = slice(36, 68), 8.0
# Larger triangles than this, by their longest edge, are not folded by a tenth of a millimetre.
_LARGEST_MM = 2.5
# The share of its area at rest that a triangle keeps, seen from the front.
_LEAST_SHARE = 0.05
# Rounds, and how much farther than its own triangle asks a corner goes in each: others pull too.
_MAX_ROUNDS, _BEYOND = 24, 1.3
# All triangles are looked at in as many frames as stay within the cache of a processor.
_BYTES_AT_ONCE = 4_000_000
# Vertices so many edges from a folded triangle may give way to it.
_RINGS = 3


@dataclass(frozen=True, eq=False)
class Unfolding:
    """Z vertices, F triangles of them and N normals that say which way the skin faces.

    vertices: (Z,) of the surface, rest: (Z, 3) mm. triangles: (F, 3). normals: (F, 3) which one is
    at each corner; sums: (N, F) sparse, of which triangles. least: (F,) mm², twice the area they
    keep, -inf of those not looked at. shares: (Z,) in [0, 1], how readily a vertex slides.
    """

    vertices: IntArray
    rest: FloatArray
    triangles: IntArray
    normals: IntArray
    sums: sparse.csr_matrix
    least: FloatArray
    shares: FloatArray

    def unfold_in_place(self, moved: FloatArray) -> None:
        """Change those of the (W, T, 3) displacements, mm, that fold a triangle."""
        moved[self.vertices] += self.correction(moved[self.vertices])

    def correction(self, moved: FloatArray, mask: FloatArray | None = None) -> FloatArray:
        """(Z, T, 3) mm to add to such displacements; exactly 0 where nothing is folded.

        mask: (Z,) in [0, 1], how much of the motion each vertex takes, None for all of it.
        """
        result = np.zeros(moved.shape)
        frames = np.flatnonzero(is_moving(moved))
        if len(frames) == 0 or len(self.triangles) == 0:
            return result
        positions = self.rest[:, None] + moved[:, frames]
        is_folded = self._folded(positions)
        is_concerned = is_folded.any(axis=0)
        if not is_concerned.any():
            return result
        frames, positions = frames[is_concerned], positions[:, is_concerned]
        may_slide = self._surroundings(is_folded[:, is_concerned])
        part, rows = self._part(may_slide.any(axis=1))
        slides = may_slide[rows] * part.shares[:, None]
        if mask is not None:
            slides = slides * mask[rows, None]
        result[np.ix_(rows, frames)] = part._slid(positions[rows], slides)
        return result

    def _folded(self, positions: FloatArray) -> BoolArray:
        """(F, T) which triangles keep less than they should at (Z, T, 3) positions.

        In single precision, a few µm²: what misses less than that goes no way worth its name.
        """
        result = np.empty((len(self.triangles), positions.shape[1]), bool)
        step = max(_BYTES_AT_ONCE // (24 * len(self.triangles)), 1)
        sums, least = self._single
        for start in range(0, positions.shape[1], step):
            frames = slice(start, start + step)
            # A row for every coordinate: products then run along rows instead of triples.
            given = positions[:, frames].transpose(2, 0, 1).astype(np.float32)
            a, b, c = (np.take(given, self.triangles[:, k], axis=1) for k in range(3))
            b -= a
            c -= a
            areas = [b[i] * c[j] - b[j] * c[i] for i, j in ((1, 2), (2, 0), (0, 1))]
            around = _unit_rows([sums @ area for area in areas])
            one, two, three = self.normals.T
            facing = _unit_rows([n[one] + n[two] + n[three] for n in around])
            seen = areas[0] * facing[0] + areas[1] * facing[1] + areas[2] * facing[2]
            result[:, frames] = seen < least
        return result

    @cached_property
    def _single(self) -> tuple[sparse.csr_matrix, NDArray[np.float32]]:
        """`sums`, and `least` as (F, 1), in single precision."""
        return self.sums.astype(np.float32), self.least[:, None].astype(np.float32)

    def _slid(self, positions: FloatArray, slides: FloatArray) -> FloatArray:
        """(Z, T, 3) the way of (Z, T, 3) positions, each as readily as (Z, T) tells."""
        start, positions = positions, positions.copy()
        for _ in range(_MAX_ROUNDS):
            seen, facing = self._seen(positions)
            missing = np.maximum(self.least[:, None] - seen, 0.0)
            at = np.flatnonzero(missing.any(axis=1))
            if len(at) == 0:
                break
            positions += self._step(positions, at, missing[at], facing[at], slides)
        return positions - start

    def _step(
        self,
        positions: FloatArray,
        at: IntArray,
        missing: FloatArray,
        facing: FloatArray,
        slides: FloatArray,
    ) -> FloatArray:
        """(Z, T, 3) towards what G triangles miss, (G, T) mm², seen along (G, T, 3).

        Where several pull at one corner, it goes by their mean, each heard as much as it misses.
        """
        corners = self.triangles[at]
        a, b, c = (positions[corners[:, k]] for k in range(3))
        gradients = [_cross(edge, facing) for edge in (b - c, c - a, a - b)]
        readiness = [slides[corners[:, k]] for k in range(3)]
        give = sum(
            r * np.einsum("gtx,gtx->gt", g, g) for r, g in zip(readiness, gradients, strict=True)
        )
        weights = missing / self.least[at, None]
        # A triangle pulled to a point has no way back that could be seen: it is left to others.
        pulls = _BEYOND * weights * missing / (give + self.least[at, None])
        count = len(self.rest)
        columns = np.arange(3 * len(at))
        gather = sparse.csr_matrix(
            (np.ones(len(columns)), (corners.T.ravel(), columns)), (count, len(columns))
        )
        ways = np.concatenate(
            [(pulls * r)[..., None] * g for r, g in zip(readiness, gradients, strict=True)]
        )
        heard = gather @ np.tile(weights, (3, 1))
        step = (gather @ ways.reshape(len(ways), -1)).reshape(positions.shape)
        return np.asarray(step / np.maximum(heard, 1e-12)[..., None])

    def _seen(self, positions: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(F, T) mm², twice the areas seen from the front of the skin around each triangle, below
        0 from behind; and (F, T, 3) where the front is."""
        a, b, c = (positions[self.triangles[:, k]] for k in range(3))
        areas = _cross(b - a, c - a)
        num_frames = positions.shape[1]
        sums = self.sums @ areas.reshape(len(areas), 3 * num_frames)
        around = _unit(sums.reshape(len(sums), num_frames, 3))
        facing = _unit(around[self.normals].sum(axis=1))
        return np.einsum("ftx,ftx->ft", areas, facing), facing

    def _surroundings(self, is_folded: BoolArray) -> BoolArray:
        """(Z, T) vertices around (F, T) triangles, some edges wide."""
        count = len(self.triangles)
        columns = np.repeat(np.arange(count), 3)
        touches = sparse.csr_matrix(
            (np.ones(3 * count, np.float32), (self.triangles.ravel(), columns)),
            (len(self.rest), count),
        )
        reached = touches @ is_folded.astype(np.float32)
        for _ in range(_RINGS):
            reached = touches @ ((touches.T @ reached) > 0).astype(np.float32)
        return np.asarray(reached > 0)

    def _part(self, is_sliding: BoolArray) -> tuple[Unfolding, IntArray]:
        """What depends on some (Z,) vertices, and its rows (Z',) here."""
        is_judged = is_sliding[self.triangles].any(axis=1)
        is_normal = np.zeros(self.sums.shape[0], bool)
        is_normal[self.normals[is_judged]] = True
        kept = np.flatnonzero(is_normal[self.normals].any(axis=1))
        rows, triangles = np.unique(self.triangles[kept], return_inverse=True)
        numbers, normals = np.unique(self.normals[kept], return_inverse=True)
        part = replace(
            self,
            vertices=self.vertices[rows],
            rest=self.rest[rows],
            triangles=triangles.reshape(-1, 3),
            normals=normals.reshape(-1, 3),
            sums=self.sums[numbers][:, kept],
            least=np.where(is_judged, self.least, -np.inf)[kept],
            shares=self.shares[rows],
        )
        return part, rows


def prepare_unfolding(
    surface: Surface,
    landmarks: FloatArray,
    may_move: BoolArray,
    is_seen: BoolArray | None = None,
    mesh: Mesh | None = None,
) -> Unfolding:
    """landmarks: (68, 3) mm. may_move: (W,) skin that is not held where it is.

    is_seen: (W,) skin outside of mouth and sockets, None for all: what is folded inside nobody
    sees. mesh: before it was welded. Where its vertices are doubled, each side has normals of its
    own, and may not fold against these either; and whoever draws it may cut its polygons otherwise.
    """
    is_seen = np.ones(surface.num_vertices, bool) if is_seen is None else is_seen
    away = cKDTree(landmarks[_LANDMARKS]).query(surface.vertices)[0]
    is_near = (away < _RADIUS_MM) & may_move
    seen = surface.triangles[is_seen[surface.triangles].any(axis=1)]
    is_around = np.zeros(surface.num_vertices, bool)
    is_around[seen[is_near[seen].any(axis=1)]] = True
    seen = seen[is_around[seen].any(axis=1)]
    vertices, local = np.unique(seen, return_inverse=True)
    triangles = normals = local.reshape(-1, 3)
    num_normals = len(vertices)
    rest, shares = surface.vertices[vertices], is_near[vertices].astype(np.float64)
    if mesh is not None:
        is_in = np.zeros(surface.num_vertices, bool)
        is_in[vertices] = True
        split = _split(surface, mesh.triangles, is_in)
        other = _other_cut(surface, mesh, is_in)
        for own, corners in ((split, surface.welded_indices[split]), (other, other)):
            numbers, rows = np.unique(own, return_inverse=True)
            normals = np.concatenate([normals, num_normals + rows.reshape(-1, 3)])
            triangles = np.concatenate([triangles, np.searchsorted(vertices, corners)])
            num_normals += len(numbers)
    count = len(triangles)
    entries = normals.ravel(), np.repeat(np.arange(count), 3)
    sums = sparse.csr_matrix((np.ones(3 * count), entries), (num_normals, count))
    result = Unfolding(vertices, rest, triangles, normals, sums, np.full(count, -np.inf), shares)
    at_rest = result._seen(rest[:, None])[0][:, 0]
    corners = rest[triangles]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1, initial=0.0)
    is_judged = (shares[triangles] > 0).any(axis=1) & (at_rest > 0) & (longest < _LARGEST_MM)
    return replace(result, least=np.where(is_judged, _LEAST_SHARE * at_rest, -np.inf))


def _split(surface: Surface, mesh_triangles: IntArray, is_in: BoolArray) -> IntArray:
    """(N', 3) those of the mesh within (W,) welded vertices, with a vertex that is a double."""
    welded = surface.welded_indices
    is_double = np.bincount(welded, minlength=surface.num_vertices)[welded] > 1
    is_kept = is_double[mesh_triangles].any(axis=1) & is_in[welded[mesh_triangles]].all(axis=1)
    return np.asarray(mesh_triangles[is_kept])


def _other_cut(surface: Surface, mesh: Mesh, is_in: BoolArray) -> IntArray:
    """(N', 3) welded triangles within (W,) vertices if polygons are cut around their second ones,
    wound as the surface is; none where all are triangles."""
    if (np.diff(mesh.polygon_starts) <= 3).all():
        return np.empty((0, 3), np.int32)
    triangles = surface.welded_indices[mesh.other_triangles]
    kept = is_in[triangles].all(axis=1)
    triangles, polygons = triangles[kept], mesh.triangle_polygons[kept]
    a, b, c = (surface.vertices[triangles[:, k]] for k in range(3))
    outwards = np.einsum("nx,nx->n", _cross(b - a, c - a), surface.normals[triangles].sum(axis=1))
    is_turned = np.bincount(polygons, outwards, minlength=mesh.num_polygons)[polygons] < 0
    return np.where(is_turned[:, None], triangles[:, ::-1], triangles)


def _cross(u: FloatArray, v: FloatArray) -> FloatArray:
    result: FloatArray = (
        u[..., [1, 2, 0]] * v[..., [2, 0, 1]] - u[..., [2, 0, 1]] * v[..., [1, 2, 0]]
    )
    return result


def _unit_rows(vectors: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    """Unit vectors, given and returned as three arrays of coordinates."""
    x, y, z = vectors
    lengths = np.sqrt(x * x + y * y + z * z)
    inverse = np.float32(1.0) / np.maximum(lengths, np.float32(1e-12))
    return [v * inverse for v in vectors]


def _unit(vectors: FloatArray) -> FloatArray:
    lengths = np.sqrt(np.einsum("...x,...x->...", vectors, vectors))
    result: FloatArray = vectors / np.maximum(lengths, 1e-12)[..., None]
    return result
