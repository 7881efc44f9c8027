"""Lids against an eyeball: how near each is to its surface, the cornea included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .yielding import Touches, Yielding

FloatArray = NDArray[np.floating]

# Lids are lifted to this clearance from the eyeball, unless they are nearer at rest, mm.
_LID_CLEARANCE_MM = 0.3
# Lids farther in than this are not at the eyeball, mm.
_LID_REACH_MM = 5.0
# The eyeball's radius in a direction is read off its nearest vertices.
_EYE_NEAREST = 4


@dataclass(frozen=True, eq=False)
class Eyeball:
    """One eyeball, seen from its centre (3,), and the lids around it.

    directions: cKDTree of (P, 3) unit vectors; radii: (P,) mm, the cornea bulging out.
    least: (C,) clearance from it that each vertex of the lids must keep, mm.
    """

    skin: Yielding
    centre: FloatArray
    directions: cKDTree
    radii: FloatArray
    least: FloatArray

    @classmethod
    def of(cls, skin: Yielding, neutral: FloatArray, eyeball: FloatArray) -> Eyeball:
        """eyeball: (P, 3) vertices of this face's own, mm."""
        centre = sphere_centre(np.asarray(eyeball, np.float64))
        radii = np.linalg.norm(eyeball - centre, axis=1)
        directions = cKDTree((eyeball - centre) / radii[:, None])
        free = cls(skin, centre, directions, radii, np.full(len(skin.can_touch), -np.inf))
        at_rest = free._clearances(neutral)[0]
        return cls(skin, centre, directions, radii, np.minimum(at_rest, _LID_CLEARANCE_MM))

    def touches(self, positions: FloatArray) -> Touches:
        """Lids nearer to the eyeball than allowed, in (V, 3) positions."""
        clearances, normals = self._clearances(positions)
        depths = self.least - clearances
        deep = np.flatnonzero((depths > 0) & (clearances > -_LID_REACH_MM))
        indices = self.skin.touching[deep, None]
        return Touches(indices, np.ones((len(deep), 1)), normals[deep], depths[deep])

    def _clearances(self, positions: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(C,) mm from the eyeball's surface, negative within, and (C, 3) the way out."""
        offsets = positions[self.skin.touching] - self.centre
        lengths = np.maximum(np.linalg.norm(offsets, axis=1), 1e-9)
        outward = offsets / lengths[:, None]
        distances, nearest = self.directions.query(outward, _EYE_NEAREST)
        weights = 1.0 / np.maximum(distances, 1e-6)
        radii = (weights * self.radii[nearest]).sum(axis=1) / weights.sum(axis=1)
        return lengths - radii, outward


def sphere_centre(points: FloatArray) -> FloatArray:
    """(3,) centre of the sphere through (P, 3) points, least squares."""
    rows = np.concatenate([2.0 * points, np.ones((len(points), 1))], axis=1)
    return np.linalg.lstsq(rows, (points**2).sum(axis=1), rcond=None)[0][:3]
