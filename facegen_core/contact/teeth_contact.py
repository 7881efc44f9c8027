"""Skin of lips and cheeks against teeth and tongue: what lies in front of them stays in front.

Teeth are known by what is seen of them from outside: points on their surface that face away from
the middle of the mouth. Skin has gone through a tooth when it lies behind the tangent planes of
those points, blended as in contact.lip_contact. Upper teeth stand still, lower teeth and tongue go
with the jaw: positions are looked at in the frame of what they may run into.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from .forces import along
from .resolving import FREE_MM, Depths
from .zone import Zone

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Skin this far from the teeth has nothing to do with them, mm; nor has skin that is this deep
# behind them at rest: it is the floor or the roof of the mouth.
_REACH_MM, _BEHIND_MM = 5.0, 1.0
# Distances are kept on a grid this fine, read off the nearest points, blended over this distance.
_GRID_MM, _NUM_NEAREST, _BLEND_MM = 1.4, 6, 1.5
# Above, below and beside a tooth by more than this there is nothing to run into, mm.
_BESIDE_MM = 0.6
# Around the skin at rest the grid reaches this far, mm: as far as lips move against teeth.
_AROUND_MM = 8.0
# Points on the surface lie this far apart, mm, large triangles cut into so many steps; front is
# what faces outwards by at least this cosine.
_POINTS_MM, _MAX_STEPS, _FRONT = 0.7, 10, 0.35
# The lining of lips and cheeks is pressed against teeth: this deep it gives way unseen, mm. Lining
# is what faces the teeth at rest, cosine.
_LINING_MM, _LINING = 2.5, -0.3


@dataclass(frozen=True, eq=False)
class ToothShape:
    """How far in front of a row of teeth the space around it lies, on a grid.

    origin: (3,) mm of the first place; heights: (A, B, C) mm, below 0 behind the teeth; ways_out:
    (A, B, C, 3) unit vectors.
    """

    origin: FloatArray
    heights: FloatArray
    ways_out: FloatArray

    @classmethod
    def of(
        cls, vertices: FloatArray, triangles: IntArray, middle: FloatArray, skin: FloatArray
    ) -> ToothShape | None:
        """vertices: (P, 3) mm; triangles: (Q, 3). middle: (3,) of the mouth behind the teeth; skin:
        (C, 3) at rest, around which the shape is wanted.

        None where nothing of it faces outwards.
        """
        points, normals = _front(vertices, triangles, middle)
        if len(points) < _NUM_NEAREST:
            return None
        low = np.maximum(points.min(axis=0) - _REACH_MM, skin.min(axis=0) - _AROUND_MM)
        high = np.minimum(points.max(axis=0) + _REACH_MM, skin.max(axis=0) + _AROUND_MM)
        if (high <= low).any():
            return None
        shape = np.ceil((high - low) / _GRID_MM).astype(int) + 1
        places = low + _GRID_MM * np.stack(
            np.meshgrid(*(np.arange(count) for count in shape), indexing="ij"), axis=-1
        ).reshape(-1, 3)
        distances, nearest = cKDTree(points).query(places, _NUM_NEAREST)
        weights = np.exp(-0.5 * (distances**2 - distances[:, :1] ** 2) / _BLEND_MM**2)
        weights /= weights.sum(axis=1, keepdims=True)
        planes = normals[nearest]
        out = (weights[..., None] * planes).sum(axis=1)
        out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
        half_way = 0.5 * (planes + out[:, None])
        heights = ((places[:, None] - points[nearest]) * half_way).sum(axis=2)
        height = (weights * heights).sum(axis=1)
        beside = np.sqrt(np.maximum(distances[:, 0] ** 2 - height**2, 0.0))
        fading = np.clip((beside - _BESIDE_MM) / _BESIDE_MM, 0.0, 1.0)
        height = np.maximum(height, (_REACH_MM + 1.0) * fading - _REACH_MM)
        height = np.where(distances[:, 0] < _REACH_MM + 2.0 * _GRID_MM, height, -FREE_MM)
        return cls(low, height.reshape(shape), out.reshape(*shape, 3))

    def heights_of(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(...,) mm in front of the teeth and (..., 3) the way out, of (..., 3) points."""
        flat = ((points - self.origin) / _GRID_MM).reshape(-1, 3).T
        heights = map_coordinates(self.heights, flat, order=1, mode="constant", cval=-FREE_MM)
        places = np.clip(np.rint(flat).astype(int).T, 0, np.array(self.heights.shape) - 1)
        out = self.ways_out[tuple(places.T)]
        return heights.reshape(points.shape[:-1]), out.reshape(points.shape)


@dataclass(frozen=True, eq=False)
class TeethContact:
    """One row of teeth, or the tongue, and the zone of the mouth.

    allowed: (C,) mm in front that each point must stay, at most 0; -inf for what may go anywhere.
    give: (C,) mm that a point may be pressed in beyond that.
    turns, shifts: (T, 3, 3) and (T, 3) of the row over the frames that are looked at.
    """

    zone: Zone
    shape: ToothShape
    allowed: FloatArray
    give: FloatArray
    turns: FloatArray
    shifts: FloatArray

    @classmethod
    def of(cls, zone: Zone, shape: ToothShape) -> TeethContact:
        heights, out = shape.heights_of(zone.points @ zone.rest)
        allowed = np.where(heights > -_BEHIND_MM, np.minimum(heights, 0.0), -np.inf)
        is_lining = along(zone.normals_of(zone.rest[:, None])[:, 0], out) < _LINING
        give = np.where(is_lining, _LINING_MM, 0.0)
        return cls(zone, shape, allowed, give, np.eye(3)[None], np.zeros((1, 3)))

    def moved(self, turns: FloatArray, shifts: FloatArray) -> TeethContact:
        """With the row at x -> turns x + shifts, (T, 3, 3) and (T, 3)."""
        return replace(self, turns=turns, shifts=shifts)

    def encounter(self, positions: FloatArray) -> TeethContact:
        return self

    def chosen(self, frames: IntArray) -> TeethContact:
        if len(self.turns) == 1:
            return self
        return replace(self, turns=self.turns[frames], shifts=self.shifts[frames])

    def depths(self, positions: FloatArray) -> Depths:
        """As Encounter asks."""
        points = self.zone.points_of(positions)
        heights, out = self.shape.heights_of(_turned(points - self.shifts, self.turns))
        ways_out = _turned(out, self.turns.transpose(0, 2, 1))
        depths = (self.allowed - self.give)[:, None] - heights
        depths = np.where(depths < _REACH_MM, np.maximum(depths, FREE_MM), FREE_MM)
        return Depths(depths, ways_out, depths)


def _turned(vectors: FloatArray, turns: FloatArray) -> FloatArray:
    """(C, T, 3) vectors as rows, times (T, 3, 3), or (1, 3, 3) for all frames."""
    if len(turns) == 1:
        return vectors @ turns[0]
    return (vectors.transpose(1, 0, 2) @ turns).transpose(1, 0, 2)


def rigid_motion(rest: FloatArray, moved: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(T, 3, 3) turns and (T, 3) shifts of (P, 3) points displaced by (P, T, 3) (Kabsch 1976)."""
    centre, shift = rest.mean(axis=0), moved.mean(axis=0)  # (3,), (T, 3)
    arms = rest - centre
    covariances = np.einsum("px,pty->txy", arms, arms[:, None] + moved - shift)
    left, _, right = np.linalg.svd(covariances)
    signs = np.ones((len(shift), 3))
    signs[:, 2] = np.sign(np.linalg.det(left @ right))
    turns = np.einsum("tkx,tk,tyk->txy", right, signs, left)
    return turns, centre + shift - turns @ centre


def _front(
    vertices: FloatArray, triangles: IntArray, middle: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(N, 3) points on triangles that face away from the middle of the mouth, and their normals.

    Normals are turned outwards, however the triangles are wound.
    """
    corners = np.asarray(vertices, np.float64)[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    away = corners.mean(axis=1) - middle
    away[:, 1] = 0.0  # outwards is forwards and sideways, not up
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
    facing = (normals * away).sum(axis=1)
    is_wall = np.abs(facing) > _FRONT
    if not is_wall.any():
        return np.zeros((0, 3)), np.zeros((0, 3))
    is_front = facing * np.sign(np.median(facing[is_wall]) or 1.0) > _FRONT
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    steps = int(np.clip(np.percentile(longest[is_front], 90) / _POINTS_MM, 1, _MAX_STEPS))
    grid = [(i, j, steps - i - j) for i in range(steps + 1) for j in range(steps + 1 - i)]
    shares = np.array(grid) / steps
    points = np.einsum("wc,tcx->twx", shares, corners[is_front]).reshape(-1, 3)
    outward = np.repeat(np.sign(facing[is_front])[:, None] * normals[is_front], len(shares), axis=0)
    thinned = np.unique(np.round(points / _POINTS_MM).astype(np.int64), axis=0, return_index=True)[
        1
    ]
    return points[thinned], outward[thinned]
