"""Lids close on the new face as far as on the old: wholly where wholly, half where half.

Turning and scaling a motion with its surroundings is right on average; a lid must arrive at the
other lid to half a millimetre. So the share of the eye that is still open is read off the template
at places along each slit, and the lids of the target are moved until theirs is the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..template import Template

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Landmark chains of the lids from corner to corner, upper then lower, and their column of sides.
_LIDS = (
    ((42, 43, 44, 45), (42, 47, 46, 45), 1),
    ((36, 37, 38, 39), (36, 41, 40, 39), 2),
)
# Places along the slit, as shares of the way between the corners.
_PLACES = np.linspace(0.2, 0.8, 7)
# Rims are looked for this near a place along the slit, and this near altogether.
_ALONG_REACH_MM, _REACH_MM = 2.0, 14.0
# Of a correction, what the upper lid takes: it does most of the closing in people too.
_UPPER_SHARE = 0.75
# Along the slit and across the lid, how far a place's correction reaches.
_ALONG_WIDTH_MM, _ACROSS_WIDTH_MM = 3.0, 6.0
# Eyes that are nearly closed at rest have no aperture to read a share from.
_MIN_APERTURE_MM = 1.5
# From this side on a vertex is surely of a lid; at the corners sides fade to 0.
_LID_SIDE = 0.2


@dataclass(frozen=True, eq=False)
class Rims:
    """K pairs of vertices across the slits of one surface, and where on it they are.

    upper_indices, lower_indices: (K,). apertures: (K, 3) mm from the lower to the upper one.
    columns: (K,) column of the slit's sides.
    """

    upper_indices: IntArray
    lower_indices: IntArray
    apertures: FloatArray
    columns: IntArray

    def closing(self, displacements: FloatArray) -> FloatArray:
        """(K, T) change of the apertures as shares of the apertures at rest; (·, T, 3) mm in."""
        change = displacements[self.upper_indices] - displacements[self.lower_indices]
        squares = (self.apertures * self.apertures).sum(axis=1)
        return np.einsum("ktx,kx->kt", change, self.apertures) / squares[:, None]

    def chosen(self, is_kept: NDArray[np.bool_]) -> Rims:
        return Rims(*(values[is_kept] for values in vars(self).values()))


@dataclass(frozen=True, eq=False)
class LidClosing:
    """Pairs of rims on the template and at the same places on the target.

    lid_indices: (N,) vertices of the target's lids. spread: (N, K) signed share of each place's
    correction a vertex takes.
    """

    template_rims: Rims
    target_rims: Rims
    lid_indices: IntArray
    spread: FloatArray

    def correct_in_place(self, moved: FloatArray, skin: FloatArray) -> None:
        """Let the target's lids, in (W, T, 3) mm, close as those of the template, (V, T, 3), do."""
        missing = self.template_rims.closing(skin) - self.target_rims.closing(moved)  # (K, T)
        arrows = missing[..., None] * self.target_rims.apertures[:, None, :]  # (K, T, 3)
        moved[self.lid_indices] += np.einsum("nk,ktx->ntx", self.spread, arrows)


def prepare_lid_closing(
    template: Template,
    template_vertices: FloatArray,
    template_sides: FloatArray,
    target_vertices: FloatArray,
    target_sides: FloatArray,
    target_landmarks: FloatArray,
) -> LidClosing:
    """Find the rims. Sides: (V, 3) and (W, 3) as in `slits`; positions (W, 3), (68, 3) in mm.

    template_vertices: (V, 3) mm, the face in template topology that the motion is made for.
    """
    vertices = np.asarray(template_vertices, np.float64)
    landmarks = template.landmarks.positions(vertices, template.triangles)
    own = _find_rims(vertices, template_sides, landmarks)
    other = _find_rims(target_vertices, target_sides, target_landmarks)
    lengths = [np.linalg.norm(rims.apertures, axis=1) for rims in (own, other)]
    is_open = np.minimum(*lengths) > _MIN_APERTURE_MM
    own, other = own.chosen(is_open), other.chosen(is_open)
    upper = _reach(target_vertices, target_sides, other.upper_indices, other.columns, 1.0)
    lower = _reach(target_vertices, target_sides, other.lower_indices, other.columns, -1.0)
    spread = _UPPER_SHARE * upper - (1.0 - _UPPER_SHARE) * lower
    lids = np.flatnonzero(spread.any(axis=1))
    return LidClosing(own, other, lids, spread[lids])


def _find_rims(vertices: FloatArray, sides: FloatArray, landmarks: FloatArray) -> Rims:
    """One pair per place: the vertices of each lid there that are closest to the other lid.

    Where a lid is not found the pair is one vertex twice, an eye that is not open.
    """
    pairs, columns = [], []
    for upper_chain, lower_chain, column in _LIDS:
        upper, lower = (np.flatnonzero(s * sides[:, column] > _LID_SIDE) for s in (1.0, -1.0))
        across = 0.5 * (_along(landmarks[list(upper_chain)]) + _along(landmarks[list(lower_chain)]))
        slit = landmarks[upper_chain[-1]] - landmarks[upper_chain[0]]
        slit = slit / max(float(np.linalg.norm(slit)), 1e-9)
        for place in across:
            ends = [_near_place(vertices, lid, place, slit) for lid in (upper, lower)]
            pairs.append(_closest_pair(vertices, *ends))
            columns.append(column)
    upper_indices, lower_indices = np.array(pairs, np.int64).T
    apertures = vertices[upper_indices] - vertices[lower_indices]
    return Rims(upper_indices, lower_indices, apertures, np.array(columns))


def _along(chain: FloatArray) -> FloatArray:
    """(P, 3) points at the places along a (N, 3) chain of points."""
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(chain, axis=0), axis=1))])
    where = _PLACES * lengths[-1]
    return np.stack([np.interp(where, lengths, chain[:, k]) for k in range(3)], axis=1)


def _near_place(
    vertices: FloatArray, lid: IntArray, place: FloatArray, slit: FloatArray
) -> IntArray:
    offsets = vertices[lid] - place
    is_near = np.abs(offsets @ slit) < _ALONG_REACH_MM
    return lid[is_near & (np.linalg.norm(offsets, axis=1) < _REACH_MM)]


def _closest_pair(vertices: FloatArray, upper: IntArray, lower: IntArray) -> tuple[int, int]:
    if len(upper) == 0 or len(lower) == 0:
        return 0, 0
    distances, nearest = cKDTree(vertices[lower]).query(vertices[upper])
    best = int(distances.argmin())
    return int(upper[best]), int(lower[nearest[best]])


def _reach(
    vertices: FloatArray, sides: FloatArray, rim: IntArray, columns: IntArray, sign: float
) -> FloatArray:
    """(W, K) how far each vertex of the lid goes with each place of its rim; near 1 at the rim."""
    result = np.zeros((len(vertices), len(rim)))
    for column in np.unique(columns):
        own = np.flatnonzero(columns == column)
        lid = np.clip(sign * sides[:, column], 0.0, 1.0)
        at_lid = np.flatnonzero(lid > 0.0)
        distances = np.linalg.norm(vertices[at_lid, None] - vertices[rim[own]], axis=2)
        nearest = distances.min(axis=1, keepdims=True)
        weights = np.exp(-0.5 * (distances**2 - nearest**2) / _ALONG_WIDTH_MM**2)
        weights /= weights.sum(axis=1, keepdims=True)
        fade = lid[at_lid, None] * np.exp(-0.5 * (nearest / _ACROSS_WIDTH_MM) ** 2)
        fade *= nearest < 3.0 * _ACROSS_WIDTH_MM
        result[np.ix_(at_lid, own)] = weights * fade
    return result
