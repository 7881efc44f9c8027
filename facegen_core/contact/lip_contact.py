"""Upper against lower lip on any head: how deep points of each are in the other.

Signed distances are those from the moving surface of the other lip, blended over nearest points
(implicit moving least squares, Kolluri 2005), as in contact.lips; here for many frames at once, to
second order, and without any threshold at which a push would start or end all of a sudden.

Flat triangles of coarse lips pass through each other where the round lips they stand for only meet,
and pushing all of them apart would leave a slit: points inside triangles may be as deep as these
are flat, vertices may not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..mesh import phong_bulges, vertex_normals
from .forces import along
from .resolving import FREE_MM, Depths
from .zone import Zone

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Farther apart, or deeper, than this two points have nothing to do with each other, mm.
_REACH_MM = 4.5
# Surfaces meet where their normals are opposed: wholly at the first cosine, not at the second;
# and where one is over the other, not beside it: mm along the surface.
_FACING, _BESIDE_MM = (-0.45, -0.1), (1.0, 1.8)
# The other lip is read off its nearest points, blended over this distance, mm.
_NUM_NEAREST, _BLEND_MM = 4, 1.2
# Planes that differ by less than the first cosine are of one smooth surface, beyond the second they
# meet in an edge; negative, as facing is.
_SMOOTH = (-0.8, -0.3)
# Flat triangles are off the round lip by about this share of the bulge that the normals at their
# corners ask for.
_FLATNESS_SHARE = 0.5
# Both lips give way, so each takes half; a little more, for places where only one of them can.
_OWN_SHARE = 0.65


@dataclass(frozen=True, eq=False)
class LipContact:
    """Both lips of a zone. allowed: (C,) mm, how deep each point may be, at least 0: as at rest, or
    as flat as its triangle is."""

    zone: Zone
    size: float
    allowed: FloatArray

    @classmethod
    def of(cls, zone: Zone, size: float) -> LipContact:
        """size: how large the mouth is beside an ordinary one."""
        empty = cls(zone, size, np.zeros(len(zone.sides)))
        rest = zone.rest[:, None]
        deep = np.maximum(empty.encounter(rest).depths(rest).beyond_rest[:, 0], 0.0)
        normals = vertex_normals(zone.rest, zone.triangles)
        flat = _FLATNESS_SHARE * phong_bulges(zone.points, zone.rest, normals)
        return cls(zone, size, np.maximum(deep, flat))

    def encounter(self, positions: FloatArray) -> LipEncounter:
        """Which points are near which of the other lip, in (Z, T, 3) positions."""
        points = self.zone.points_of(positions)
        upper, lower = (np.flatnonzero(self.zone.sides == side) for side in (1.0, -1.0))
        count = min(_NUM_NEAREST, len(upper), len(lower))
        reach = _REACH_MM * self.size
        found: list[tuple[IntArray, IntArray, IntArray]] = []
        for frame in range(points.shape[1] if count > 0 else 0):
            for own, other in ((upper, lower), (lower, upper)):
                tree, mine = cKDTree(points[other, frame]), points[own, frame]
                # Most are far from the other lip in most frames, which is quick to see.
                close = np.flatnonzero(tree.query(mine, distance_upper_bound=reach)[0] < reach)
                distances, nearest = tree.query(
                    mine[close], count, distance_upper_bound=3.0 * reach
                )
                is_near = np.isfinite(distances.reshape(len(close), count)).all(axis=1)
                near = nearest.reshape(len(close), count)[is_near]
                found.append((own[close[is_near]], np.full(len(near), frame), other[near]))
        if not found:
            none = np.zeros(0, np.int64)
            return LipEncounter(self, none, none, np.zeros((0, 1), np.int64))
        return LipEncounter(self, *(np.concatenate(column) for column in zip(*found, strict=True)))


@dataclass(frozen=True, eq=False)
class LipEncounter:
    """N times a point comes near the other lip: (N,) points, (N,) frames, (N, K) nearest points."""

    contact: LipContact
    points: IntArray
    frames: IntArray
    nearest: IntArray

    def chosen(self, frames: IntArray) -> LipEncounter:
        """Of some frames only, which are counted anew."""
        number = np.full(max(int(self.frames.max(initial=0)), int(frames.max(initial=0))) + 1, -1)
        number[frames] = np.arange(len(frames))
        kept = np.flatnonzero(number[self.frames] >= 0)
        return LipEncounter(
            self.contact, self.points[kept], number[self.frames[kept]], self.nearest[kept]
        )

    def depths(self, positions: FloatArray) -> Depths:
        """For (Z, T, 3) positions near those it was found for; as Obstacle asks."""
        zone, size = self.contact.zone, self.contact.size
        places, normals = zone.points_of(positions), zone.normals_of(positions)
        shape = places.shape[:2]
        beyond, ways_out = np.full(shape, FREE_MM), np.zeros((*shape, 3))
        if len(self.points) == 0:
            return Depths(beyond, ways_out, beyond)
        own, frames = (self.points, self.frames), self.frames[:, None]
        planes, targets = normals[self.nearest, frames], places[self.nearest, frames]  # (N, K, 3)
        offsets = places[own][:, None] - targets
        squares = along(offsets, offsets)
        nearer = squares - squares.min(axis=1, keepdims=True)
        weights = np.exp(-0.5 * nearer / (_BLEND_MM * size) ** 2)
        weights /= weights.sum(axis=1, keepdims=True)
        normal = np.einsum("nk,nkx->nx", weights, planes)
        normal /= np.maximum(np.sqrt(along(normal, normal)), 1e-9)[:, None]
        # Half-way between the normals there and here: exact on a sphere, where planes bulge.
        heights = along(offsets, 0.5 * (planes + normal[:, None]))
        depth = -np.einsum("nk,nk->n", weights, heights)
        # Where flat triangles meet in an edge, what is inside lies behind all their planes.
        edge = 1.0 - _ramp(-along(planes, normal[:, None]).min(axis=1), *_SMOOTH)
        depth -= edge * (heights.max(axis=1) + depth)
        offset = np.einsum("nk,nkx->nx", weights, offsets)
        beside = np.sqrt(np.maximum(along(offset, offset) - along(offset, normal) ** 2, 0.0))
        share = _ramp(along(normal, normals[own]), *_FACING)
        share *= _ramp(beside / size, *_BESIDE_MM)
        # What hardly meets is never deep, so that a point comes to meet without a jump.
        most = -0.5 + share * (_REACH_MM * size + 0.5)
        beyond[own] = np.minimum(depth - self.contact.allowed[self.points], most)
        ways_out[own] = normal
        return Depths(_OWN_SHARE * beyond, ways_out, beyond)


def _ramp(values: FloatArray, full: float, none: float) -> FloatArray:
    """1 up to `full`, falling smoothly to 0 at `none`."""
    share = np.clip((none - values) / (none - full), 0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)
