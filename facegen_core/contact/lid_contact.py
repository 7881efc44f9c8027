"""Lids of any head against its own eyeball, the outermost surface seen from its centre."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from .eyeball import sphere_centre
from .forces import along
from .resolving import FREE_MM, Depths
from .zone import Zone

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Lids are kept this far from the eyeball, unless they are nearer at rest, mm.
_CLEARANCE_MM = 0.3
# A lid that cuts into the eyeball a little at rest, where the artist hid it, comes out of it on its
# way over the eyeball: to this clearance once it has gone so far, by no more than the last, mm.
_MOVED_CLEARANCE_MM, _MOVED_MM, _EMERGING_MM = 0.1, 5.0, 0.6
# A flat triangle hangs into a ball that its corners lie on. So much of it is made up for, mm; the
# lids of a mesh of few vertices would else be lifted by millimetres in every motion.
_LIFTED_SAG_MM = 0.8
# Skin deeper in than this share of the radius is not at the eyeball.
_REACH_SHARE = 0.45
# The radius is kept on a grid of this many places, from straight ahead to this angle behind.
_GRID_SIZE, _FARTHEST = 161, np.deg2rad(150.0)
# A cornea bulges from the eyeball to less than this many radii.
_CORNEA_RADII = 1.35
# Points on the eyeball's triangles, as steps along an edge; neighbours a radius is read from.
_STEPS, _NUM_NEAREST = 6, 3


@dataclass(frozen=True, eq=False)
class EyeShape:
    """How far out an eyeball reaches in every direction from its centre, (3,) mm.

    radii: (N, N) mm on Lambert's azimuthal equal-area grid around straight ahead (+Z).
    """

    centre: FloatArray
    radii: FloatArray

    @classmethod
    def of(cls, vertices: FloatArray, triangles: IntArray) -> EyeShape:
        """vertices: (P, 3) mm; triangles: (Q, 3) of eyeball and cornea together."""
        used = np.unique(triangles)
        centre = sphere_centre(np.asarray(vertices[used], np.float64))
        offsets = _points_on(vertices, triangles) - centre
        radii = np.linalg.norm(offsets, axis=1)
        tree = cKDTree(offsets / radii[:, None])
        line = np.linspace(-1.0, 1.0, _GRID_SIZE) * 2.0 * np.sin(0.5 * _FARTHEST)
        x, y = np.meshgrid(line, line, indexing="ij")
        squares = np.minimum(x * x + y * y, 4.0)
        side = np.sqrt(1.0 - 0.25 * squares)
        directions = np.stack([side * x, side * y, 1.0 - 0.5 * squares], axis=-1).reshape(-1, 3)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        distances, nearest = tree.query(directions, _NUM_NEAREST)
        # Shells lie over one another: what is outermost nearby is what a lid meets.
        closeness = 1.0 / (distances - distances[:, :1] + 0.01)
        closeness *= radii[nearest] > radii[nearest].max(axis=1, keepdims=True) - 0.5
        values = (closeness * radii[nearest]).sum(axis=1) / closeness.sum(axis=1)
        return cls(centre, values.reshape(_GRID_SIZE, _GRID_SIZE))

    def clearances(
        self, points: FloatArray, turns: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """(...,) mm from the eyeball, below 0 within, and (..., 3) the way out, for (..., 3).

        turns: (T, 3, 3) of the eyeball from rest, where points are (C, T, 3); None is at rest.
        """
        offsets = points - self.centre
        lengths = np.maximum(np.sqrt(along(offsets, offsets)), 1e-9)
        outward = offsets / lengths[..., None]
        seen = outward if turns is None else np.einsum("ctx,txy->cty", outward, turns)
        # Lambert: (x, y) sqrt(2 / (1 + z)), which is 2 sin(angle / 2) from the middle.
        scale = np.sqrt(2.0 / np.maximum(1.0 + seen[..., 2], 1e-6))
        half = 0.5 * (_GRID_SIZE - 1)
        places = seen[..., :2] * scale[..., None] * half / (2.0 * np.sin(0.5 * _FARTHEST)) + half
        flat = places.reshape(-1, 2).T
        radii = map_coordinates(self.radii, flat, order=1, mode="nearest").reshape(lengths.shape)
        return lengths - radii, outward


@dataclass(frozen=True, eq=False)
class LidContact:
    """One eyeball and the zone of its lids.

    at_rest: (C,) clearance of each point at rest, mm; (C, 3) rest_points. sags: (C,) mm, how far a
    flat triangle hangs below its corners when those lie on the eyeball, beyond what is made up for.
    is_own: the eyeball is the head's own, not one that came with the template.
    turns: (T, 3, 3) of the eyeball in the frames that are looked at, None where it rests.
    """

    zone: Zone
    eye: EyeShape
    at_rest: FloatArray
    rest_points: FloatArray
    sags: FloatArray
    is_own: bool
    turns: FloatArray | None = None

    @classmethod
    def of(cls, zone: Zone, eye: EyeShape, is_own: bool) -> LidContact:
        points = zone.points @ zone.rest
        # The chord through points of a sphere, at weights w: (Σ w |x|² - |Σ w x|²) / 2R below it.
        squares = zone.points @ along(zone.rest, zone.rest) - along(points, points)
        sags = squares / (2.0 * float(np.median(eye.radii)))
        sags = np.maximum(sags - _LIFTED_SAG_MM, 0.0)
        return cls(zone, eye, eye.clearances(points)[0], points, sags, is_own)

    def turned(self, turns: FloatArray) -> LidContact:
        """With the eyeball turned by (T, 3, 3) about its middle."""
        return replace(self, turns=turns)

    def encounter(self, positions: FloatArray) -> LidEncounter:
        """Where the points came from, in (Z, T, 3) positions before any push."""
        points = self.zone.points_of(positions)
        moved = points - self.rest_points[:, None]
        return LidEncounter(self, points, np.sqrt(along(moved, moved)), self.turns)


@dataclass(frozen=True, eq=False)
class LidEncounter:
    """Points before any push, (C, T, 3) mm, and how far they have moved from rest, (C, T) mm.

    turns: (T, 3, 3) of the eyeball, None where it rests.
    """

    contact: LidContact
    points: FloatArray
    lengths: FloatArray
    turns: FloatArray | None = None

    def chosen(self, frames: IntArray) -> LidEncounter:
        turns = None if self.turns is None else self.turns[frames]
        return LidEncounter(self.contact, self.points[:, frames], self.lengths[:, frames], turns)

    def depths(self, positions: FloatArray) -> Depths:
        """How much nearer to the eyeball than allowed; as Encounter asks.

        Nothing can be deeper than rest by more than the way it has moved: where it looks so, the
        eyeball has folds or edges there, and skin is not to be thrown over those.
        """
        contact, eye = self.contact, self.contact.eye
        points, at_rest = contact.zone.points_of(positions), contact.at_rest[:, None]
        clearances, outward = eye.clearances(points, self.turns)
        least = allowed = np.minimum(at_rest, _CLEARANCE_MM)
        if contact.is_own:
            moved = points - contact.rest_points[:, None]
            share = np.clip(np.sqrt(along(moved, moved)) / _MOVED_MM, 0.0, 1.0)
            share *= share * (3.0 - 2.0 * share)
            least = least + share * np.clip(_MOVED_CLEARANCE_MM - least, 0.0, _EMERGING_MM)
        reach = _REACH_SHARE * float(np.median(eye.radii))
        is_at_eye = (at_rest > -0.5 * reach) & (clearances > -reach)
        deepest = self.lengths - along(points - self.points, outward)
        beyond_allowed = least - np.maximum(clearances, allowed - deepest)
        beyond_allowed = np.where(is_at_eye, beyond_allowed - contact.sags[:, None], FREE_MM)
        beyond_rest = np.minimum(np.minimum(at_rest, 0.0) - clearances, deepest)
        return Depths(beyond_allowed, outward, np.where(is_at_eye, beyond_rest, FREE_MM))


def lies_on_ball(points: FloatArray, ball: FloatArray) -> bool:
    """Whether (N, 3) points can be the cornea on an eyeball of (P, 3) points; lashes stand off."""
    centre = sphere_centre(ball)
    radius = float(np.median(np.linalg.norm(ball - centre, axis=1)))
    return bool(np.linalg.norm(points - centre, axis=1).max() < _CORNEA_RADII * radius)


def _points_on(vertices: FloatArray, triangles: IntArray) -> FloatArray:
    """(N, 3) points spread over the triangles."""
    grid = [(i, j, _STEPS - i - j) for i in range(_STEPS + 1) for j in range(_STEPS + 1 - i)]
    shares = np.array(grid) / _STEPS
    points = np.einsum("wc,tcx->twx", shares, np.asarray(vertices[triangles], np.float64))
    return points.reshape(-1, 3)
