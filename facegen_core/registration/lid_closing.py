"""Lids close on the new face as far as on the old: wholly where wholly, half where half.

Turning and scaling a motion with its surroundings is right on average; a lid must arrive at the
other lid to half a millimetre. So the share of the eye that is still open is read off the template
at places along each slit, and the lids of the target are moved until theirs is the same. A lid
that all but closes is meant to close.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from ..template import Template
from ..topology import edges_of
from .lid_rims import LIDS, Rims, are_open, eye_size, find_rims
from .surface import Surface

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Of a correction, what the upper lid takes: it does most of the closing in people too.
_UPPER_SHARE = 0.75
# Along the slit and across the lid, how far a place's correction reaches, mm.
_ALONG_WIDTH_MM, _ACROSS_WIDTH_MM = 2.2, 6.0
# How exactly the places are met, against how smoothly the lid is moved.
_RIDGE = 0.02
# From this side on a vertex is wholly of a lid; at the corners sides fade to 0.
_FULL_SIDE = 0.3
# Eyes closed by the first share are on their way to closing, from the second on they are closed.
_CLOSING, _CLOSED = 0.75, 0.88
# An upper lid in front of the lower one is pulled back by no more than this, mm.
_OVERLAP_MM = 0.8


@dataclass(frozen=True, eq=False)
class LidClosing:
    """Pairs of rims on the template and at the same places on the target.

    lid_indices: (N,) vertices of the target's lids. spread: (N, K) share of each place's correction
    a vertex takes, upper lids above 0 and lower below. outward: (K, 3) away from the eye at each
    place, across slit and aperture.
    """

    template_rims: Rims
    target_rims: Rims
    lid_indices: IntArray
    spread: FloatArray
    outward: FloatArray

    def correct_in_place(self, moved: FloatArray, skin: FloatArray) -> None:
        """Let the target's lids, in (W, T, 3) mm, close as those of the template, (V, T, 3), do."""
        if len(self.target_rims.columns) == 0:
            return
        widening = self.template_rims.widening(self.template_rims.change(skin))
        closed = self._closed(widening)[..., None]  # (K, T, 1)
        apertures = self.target_rims.apertures[:, None]
        change = self.target_rims.change(moved)
        lengths = np.maximum(np.linalg.norm(apertures, axis=2, keepdims=True), 1e-9)
        along = apertures / lengths
        lengthwise = (change * along).sum(axis=2, keepdims=True) * along
        left = (1.0 + widening[..., None]) * apertures + self._across(change)
        arrows = widening[..., None] * apertures - lengthwise - closed * left
        self.move_in_place(moved, arrows)

    def _across(self, change: FloatArray) -> FloatArray:
        """(K, T, 3) how far lids that meet would miss one another across the eye's opening, mm.

        Along the slit they may slide, and an upper lid in front of the lower one has closed the
        eye, too: pulled back all the way it would go into the eyeball.
        """
        outward = self.outward[:, None]
        depths = (change * outward).sum(axis=2, keepdims=True)
        return np.minimum(depths, _OVERLAP_MM) * outward

    def move_in_place(self, moved: FloatArray, arrows: FloatArray) -> None:
        """Add (K, T, 3) mm to the apertures, both lids giving their share; (W, T, 3) displaced."""
        flat = self.spread @ arrows.reshape(len(arrows), -1)
        moved[self.lid_indices] += flat.reshape(len(flat), -1, 3)

    def _closed(self, widening: FloatArray) -> FloatArray:
        """(K, T) in [0, 1] how surely the eye of each place is meant to be closed."""
        result = np.zeros(widening.shape)
        lengths = np.linalg.norm(self.template_rims.apertures, axis=1)
        for column in np.unique(self.template_rims.columns):
            at = self.template_rims.columns == column
            whole = lengths[at] @ widening[at] / lengths[at].sum()
            ramp = np.clip((-whole - _CLOSING) / (_CLOSED - _CLOSING), 0.0, 1.0)
            result[at] = ramp * ramp * (3.0 - 2.0 * ramp)
        return result


def prepare_lid_closing(
    template: Template,
    template_vertices: FloatArray,
    template_sides: FloatArray,
    target: Surface,
    target_sides: FloatArray,
    target_landmarks: FloatArray,
) -> LidClosing:
    """Find the rims. Sides: (V, 3) and (W, 3) as in `slits`; landmarks (68, 3) in mm.

    template_vertices: (V, 3) mm, the face in template topology that the motion is made for.
    """
    vertices = np.asarray(template_vertices, np.float64)
    landmarks = template.landmarks.positions(vertices, template.triangles)
    own = find_rims(vertices, edges_of(template.triangles), template_sides, landmarks)
    other = find_rims(target.vertices, target.edges, target_sides, target_landmarks)
    is_open = are_open(own) & are_open(other)
    own, other = own.chosen(is_open), other.chosen(is_open)
    upper = _reach(target.vertices, target_sides, other, other.upper_rows, target_landmarks, 1.0)
    lower = _reach(target.vertices, target_sides, other, other.lower_rows, target_landmarks, -1.0)
    spread: FloatArray = _UPPER_SHARE * upper - (1.0 - _UPPER_SHARE) * lower
    lids = np.flatnonzero(spread.any(axis=1))
    # What the spread does to the places themselves, undone, so that they arrive.
    across = (other.upper_rows - other.lower_rows) @ spread
    across = np.asarray(across)
    answer = across.T @ np.linalg.inv(across @ across.T + _RIDGE * np.eye(len(across)))
    outward = _outward(other, target.vertices)
    return LidClosing(own, other, lids, spread[lids] @ answer, outward)


def _outward(rims: Rims, vertices: FloatArray) -> FloatArray:
    """(K, 3) unit vectors across slit and aperture at each place, away from the eye."""
    middles = 0.5 * np.asarray((rims.upper_rows + rims.lower_rows) @ vertices)
    result = np.zeros(middles.shape)
    for column in np.unique(rims.columns):
        at = np.flatnonzero(rims.columns == column)
        ends = middles[at[[0, -1]]]
        result[at] = np.cross(ends[1] - ends[0], rims.apertures[at])
    result *= np.where(result[:, 2:] < 0.0, -1.0, 1.0)
    return result / np.maximum(np.linalg.norm(result, axis=1, keepdims=True), 1e-9)


def _reach(
    vertices: FloatArray,
    sides: FloatArray,
    rims: Rims,
    rows: sparse.csr_matrix,
    landmarks: FloatArray,
    sign: float,
) -> FloatArray:
    """(W, K) how far each vertex of the lid goes with each place of its rim; near 1 at the rim."""
    result = np.zeros((len(vertices), rows.shape[0]))
    points = np.asarray(rows @ vertices)
    for upper_chain, _, column in LIDS:
        own = np.flatnonzero(rims.columns == column)
        if len(own) == 0:
            continue
        size = eye_size(landmarks[[upper_chain[0], upper_chain[-1]]])
        lid = np.clip(sign * sides[:, column] / _FULL_SIDE, 0.0, 1.0)
        at_lid = np.flatnonzero(lid > 0.0)
        nearest = cKDTree(points[own]).query(vertices[at_lid])[0]
        is_near = nearest < 3.0 * _ACROSS_WIDTH_MM * size
        at_lid, nearest = at_lid[is_near], nearest[is_near, None]
        distances = np.linalg.norm(vertices[at_lid, None] - points[own], axis=2)
        widths = _ALONG_WIDTH_MM * size, _ACROSS_WIDTH_MM * size
        weights = np.exp(-0.5 * (distances**2 - nearest**2) / widths[0] ** 2)
        weights /= weights.sum(axis=1, keepdims=True)
        fade = lid[at_lid, None] * np.exp(-0.5 * (nearest / widths[1]) ** 2)
        result[np.ix_(at_lid, own)] = weights * fade
    return result
