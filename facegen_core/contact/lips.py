"""Upper against lower lip: how deep each is in the other.

Signed distances are those from the moving tangent planes of the other lip, blended over its nearest
vertices (implicit moving least squares, Kolluri 2005).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..mesh import vertex_normals
from .yielding import Touches, Yielding

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Deeper than this two points of the lips have nothing to do with each other, mm.
_LIP_REACH_MM = 4.0
# Surfaces meet where their normals are opposed (cosine below) and one is over the other, not
# beside it (mm along the surface).
_FACING, _BESIDE_MM = -0.3, 1.0
# The other lip is read off its nearest vertices, blended over this distance, mm.
_NUM_NEAREST, _BLEND_MM = 4, 1.2
# Where touching is looked at: places along the middle of the slit, which is the part between these
# shares of the way between the inner corners of the mouth.
_NUM_PLACES, _MIDDLE = 10, (0.15, 0.85)


@dataclass(frozen=True, eq=False)
class Lips:
    """Upper against lower lip.

    rest_depths: (C,) how deep each vertex is at rest, mm. places: (C,) where along the middle of
    the slit each vertex is, -1 beyond it.
    """

    skin: Yielding
    rest_depths: FloatArray
    places: IntArray

    @classmethod
    def of(cls, skin: Yielding, neutral: FloatArray, corners: FloatArray) -> Lips:
        """Of a (V, 3) neutral whose inner mouth corners are at (2, 3)."""
        along = corners[1] - corners[0]
        shares = (neutral[skin.touching] - corners[0]) @ along / max(float(along @ along), 1e-9)
        shares = (shares - _MIDDLE[0]) / (_MIDDLE[1] - _MIDDLE[0])
        places = np.where((shares >= 0) & (shares < 1), shares * _NUM_PLACES, -1).astype(int)
        empty = cls(skin, np.zeros(len(skin.can_touch)), places)
        touches, points = empty._find(neutral)
        depths = np.zeros(len(skin.can_touch))
        depths[points] = touches.depths
        return cls(skin, depths, places)

    def touches(self, positions: FloatArray) -> Touches:
        """What is deeper in the other lip than at rest, in (V, 3) positions."""
        return self._find(positions)[0]

    def closed_share(self, positions: FloatArray, nearer_than: float) -> float:
        """Of the middle of the slit, the share along which the lips are that near, 0 to 1."""
        points = self._find(positions, nearer_than)[1]
        places = self.places[points]
        return len(np.unique(places[places >= 0])) / _NUM_PLACES

    def _find(self, positions: FloatArray, nearer_than: float = 0.0) -> tuple[Touches, IntArray]:
        """The touches and which of the C vertices each is about."""
        vertices = self.skin.touching
        normals = _normals_at(positions, self.skin.triangles, vertices)
        found, about = [], []
        for side in (1.0, -1.0):
            own, other = (
                np.flatnonzero(self.skin.sides == side),
                np.flatnonzero(self.skin.sides == -side),
            )
            if len(own) == 0 or len(other) < _NUM_NEAREST:
                continue
            touches, points = self._against(positions, normals, own, other, nearer_than)
            found.append(touches)
            about.append(points)
        if not found:
            return _nothing(1 + _NUM_NEAREST), np.zeros(0, np.int64)
        columns = zip(*(vars(touches).values() for touches in found), strict=True)
        return Touches(*(np.concatenate(c) for c in columns)), np.concatenate(about)

    def _against(
        self,
        positions: FloatArray,
        normals: FloatArray,
        own: IntArray,
        other: IntArray,
        nearer_than: float,
    ) -> tuple[Touches, IntArray]:
        vertices = self.skin.touching
        points, targets = positions[vertices[own]], positions[vertices[other]]
        distances, nearest = cKDTree(targets).query(
            points, _NUM_NEAREST, distance_upper_bound=3.0 * _LIP_REACH_MM
        )
        is_near = np.isfinite(distances).all(axis=1) & (distances[:, 0] < _LIP_REACH_MM)
        own, points, distances = own[is_near], points[is_near], distances[is_near]
        nearest = nearest[is_near]
        weights = np.exp(-0.5 * (distances**2 - distances[:, :1] ** 2) / _BLEND_MM**2)
        weights /= weights.sum(axis=1, keepdims=True)
        planes = normals[other[nearest]]  # (N, J, 3)
        heights = ((points[:, None] - targets[nearest]) * planes).sum(axis=2)
        blended = (weights[..., None] * planes).sum(axis=1)
        blended /= np.maximum(np.linalg.norm(blended, axis=1, keepdims=True), 1e-9)
        depths = -(weights * heights).sum(axis=1) - self.rest_depths[own]
        offsets = points - (weights[..., None] * targets[nearest]).sum(axis=1)
        over = (offsets * blended).sum(axis=1)
        beside = (offsets**2).sum(axis=1) - over**2
        is_facing = (blended * normals[own]).sum(axis=1) < _FACING
        is_met = is_facing & (beside < _BESIDE_MM**2) & (depths < _LIP_REACH_MM)
        deep = np.flatnonzero(is_met & (depths > -nearer_than))
        indices = np.concatenate(
            [vertices[own[deep], None], vertices[other[nearest[deep]]]], axis=1
        )
        levers = np.concatenate([np.ones((len(deep), 1)), -weights[deep]], axis=1)
        return Touches(indices, levers, blended[deep], depths[deep]), own[deep]


def _normals_at(positions: FloatArray, triangles: IntArray, vertices: IntArray) -> FloatArray:
    """(C, 3) normals of some vertices, from the triangles around them."""
    if len(vertices) == 0:
        return np.zeros((0, 3))
    used, local = np.unique(triangles, return_inverse=True)
    normals = vertex_normals(positions[used], local.reshape(-1, 3))
    return normals[np.searchsorted(used, vertices)]


def _nothing(num_points: int) -> Touches:
    empty = np.zeros((0, num_points))
    return Touches(empty.astype(np.int64), empty, np.zeros((0, 3)), np.zeros(0))
