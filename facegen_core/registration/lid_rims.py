"""The rims of the lids: pairs of points across the slits of the eyes, at places along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Landmark chains of the lids from corner to corner, upper then lower, and their column of sides.
LIDS = (
    ((42, 43, 44, 45), (42, 47, 46, 45), 1),
    ((36, 37, 38, 39), (36, 41, 40, 39), 2),
)
# Places along the slit, as shares of the way between the corners.
_PLACES = np.linspace(0.05, 0.95, 19)
# Rims are looked for this near a place along the slit and this near altogether, on edges cut into
# pieces of the last length; lengths here are for eyes of this width, mm.
_ALONG_REACH_MM, _REACH_MM, _PIECE_MM = 1.2, 14.0, 0.6
_EYE_WIDTH_MM, _SMALLEST, _LARGEST = 30.0, 0.7, 3.0
_MAX_PIECES = 24
# Lid margins have a thickness, and it is their outer edges that meet: of all pairs of points hardly
# farther apart than the closest, by this share and mm, the one that lies foremost is taken.
_MARGIN_SHARE, _MARGIN_MM = 0.1, 0.5
# Eyes that are nearly closed at rest, in the middle, have no aperture to read a share from, mm.
# Towards the corners the share of the whole eye replaces that of such a place.
_MIN_APERTURE_MM, _SURE_APERTURE_MM = 1.5, 1.5
# Lids this much farther apart than their landmarks are not the rims: few vertices end elsewhere.
_APERTURE_RATIO, _APERTURE_SLACK_MM = 1.5, 2.0
# From this side on a vertex is of a lid.
_LID_SIDE = 0.08


@dataclass(frozen=True, eq=False)
class Rims:
    """K pairs of points across the slits of one surface of V vertices.

    upper_rows, lower_rows: (K, V) sparse barycentrics of the points. apertures: (K, 3) mm from the
    lower to the upper one. columns: (K,) column of the slit's sides.
    """

    upper_rows: sparse.csr_matrix
    lower_rows: sparse.csr_matrix
    apertures: FloatArray
    columns: IntArray

    def change(self, displacements: FloatArray) -> FloatArray:
        """(K, T, 3) mm change of the apertures for (V, T, 3) mm displacements."""
        rows = (self.upper_rows - self.lower_rows).tocsr()
        flat = np.asarray(displacements, np.float64).reshape(len(displacements), -1)
        used = np.unique(rows.indices)
        return np.asarray(rows[:, used] @ flat[used]).reshape(rows.shape[0], -1, 3)

    def widening(self, change: FloatArray) -> FloatArray:
        """(K, T) change of openness as a share of that at rest, never below -1, which is closed.

        Exactly 0 where the (K, T, 3) change of the apertures is.
        """
        squares = np.maximum((self.apertures**2).sum(axis=1), 1e-9)[:, None]
        own = np.einsum("ktx,kx->kt", change, self.apertures) / squares
        lengths = np.sqrt(squares)
        for column in np.unique(self.columns):
            at = self.columns == column
            whole = (lengths[at] * own[at]).sum(axis=0) / lengths[at].sum()
            trust = squares[at] / (squares[at] + _SURE_APERTURE_MM**2)
            own[at] = trust * own[at] + (1.0 - trust) * whole
        return np.maximum(own, -1.0)

    def chosen(self, is_kept: NDArray[np.bool_] | IntArray) -> Rims:
        return Rims(*(values[is_kept] for values in vars(self).values()))


def are_open(rims: Rims) -> NDArray[np.bool_]:
    """(K,) places where a pair was found, of eyes that are open at rest."""
    lengths = np.linalg.norm(rims.apertures, axis=1)
    result = lengths > 0
    for column in np.unique(rims.columns):
        at = rims.columns == column
        result[at] &= lengths[at].max() > _MIN_APERTURE_MM
    return result


def find_rims(
    vertices: FloatArray, edges: IntArray, sides: FloatArray, landmarks: FloatArray
) -> Rims:
    """One pair per place: points of each lid there that are closest to the other, outer edges.

    Where a lid is not found the pair is one vertex twice, an eye that is not open.
    """
    uppers, lowers, columns = [], [], []
    for upper_chain, lower_chain, column in LIDS:
        chains = [_along(landmarks[list(chain)]) for chain in (upper_chain, lower_chain)]
        line, gaps = 0.5 * (chains[0] + chains[1]), np.linalg.norm(chains[0] - chains[1], axis=1)
        corners = landmarks[[upper_chain[0], upper_chain[-1]]]
        size = eye_size(corners)
        slit = (corners[1] - corners[0]) / max(float(np.linalg.norm(corners[1] - corners[0])), 1e-9)
        lids = [
            _Lid.of(vertices, edges, sign * sides[:, column], corners.mean(axis=0), size)
            for sign in (1.0, -1.0)
        ]
        for place, gap in zip(line, gaps, strict=True):
            farthest = _APERTURE_RATIO * gap + _APERTURE_SLACK_MM * size
            above, below = (lid.near_place(place, slit, size) for lid in lids)
            upper, lower = _closest_pair(above, below, farthest, size)
            uppers.append(upper)
            lowers.append(lower)
            columns.append(column)
    upper_rows, lower_rows = (_rows(points, len(vertices)) for points in (uppers, lowers))
    apertures = np.asarray(upper_rows @ vertices - lower_rows @ vertices)
    return Rims(upper_rows, lower_rows, apertures, np.array(columns))


@dataclass(frozen=True, eq=False)
class _Lid:
    """N points on the edges of one lid: (N, 3); between vertices (N, 2), at (N,) shares."""

    points: FloatArray
    ends: IntArray
    shares: FloatArray

    @classmethod
    def of(
        cls,
        vertices: FloatArray,
        edges: IntArray,
        sides: FloatArray,
        middle: FloatArray,
        size: float,
    ) -> _Lid:
        """sides: (V,) above 0 on this lid. middle: (3,) of the slit, size: see _EYE_WIDTH_MM."""
        is_near = np.linalg.norm(vertices - middle, axis=1) < (_REACH_MM + _EYE_WIDTH_MM / 2) * size
        is_lid = is_near & (sides > _LID_SIDE)
        own = edges[is_lid[edges].all(axis=1)]
        lengths = np.linalg.norm(vertices[own[:, 0]] - vertices[own[:, 1]], axis=1)
        pieces = np.clip(np.ceil(lengths / (_PIECE_MM * size)), 1, _MAX_PIECES).astype(int)
        ends = np.repeat(own, pieces + 1, axis=0)
        starts = np.cumsum(pieces + 1) - (pieces + 1)
        within = np.arange(len(ends)) - np.repeat(starts, pieces + 1)
        shares = within / np.repeat(pieces, pieces + 1)
        points = (1.0 - shares)[:, None] * vertices[ends[:, 0]] + shares[:, None] * vertices[
            ends[:, 1]
        ]
        return cls(points, ends, shares)

    def near_place(self, place: FloatArray, slit: FloatArray, size: float) -> _Lid:
        """Those in a slab across the slit, none of them far."""
        offsets = self.points - place
        is_near = np.abs(offsets @ slit) < _ALONG_REACH_MM * size
        is_near &= np.linalg.norm(offsets, axis=1) < _REACH_MM * size
        return _Lid(self.points[is_near], self.ends[is_near], self.shares[is_near])

    def point(self, index: int) -> tuple[int, int, float]:
        return int(self.ends[index, 0]), int(self.ends[index, 1]), float(self.shares[index])


_Point = tuple[int, int, float]


def _closest_pair(upper: _Lid, lower: _Lid, farthest: float, size: float) -> tuple[_Point, _Point]:
    """Foremost points of both lids all but nearest to one another, if by less than this, mm."""
    if len(upper.points) == 0 or len(lower.points) == 0:
        return (0, 0, 0.0), (0, 0, 0.0)
    distances, nearest = cKDTree(lower.points).query(upper.points)
    closest = distances.min()
    if closest > farthest:
        return (0, 0, 0.0), (0, 0, 0.0)
    reached = (1.0 + _MARGIN_SHARE) * closest + _MARGIN_MM * size
    rims = np.flatnonzero(distances <= reached)
    foremost = (upper.points[rims] + lower.points[nearest[rims]])[:, 2]
    best = int(rims[foremost.argmax()])
    return upper.point(best), lower.point(int(nearest[best]))


def _rows(points: list[_Point], num_vertices: int) -> sparse.csr_matrix:
    """(K, V) barycentrics of points on edges."""
    first, second, shares = (np.array(values) for values in zip(*points, strict=True))
    rows = np.tile(np.arange(len(points)), 2)
    values = np.concatenate([1.0 - shares, shares])
    shape = (len(points), num_vertices)
    return sparse.csr_matrix((values, (rows, np.concatenate([first, second]))), shape)


def eye_size(corners: FloatArray) -> float:
    """How large an eye is beside an ordinary one."""
    width = float(np.linalg.norm(corners[1] - corners[0]))
    return float(np.clip(width / _EYE_WIDTH_MM, _SMALLEST, _LARGEST))


def _along(chain: FloatArray) -> FloatArray:
    """(P, 3) points at the places along a (N, 3) chain of points."""
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(chain, axis=0), axis=1))])
    where = _PLACES * lengths[-1]
    return np.stack([np.interp(where, lengths, chain[:, k]) for k in range(3)], axis=1)
