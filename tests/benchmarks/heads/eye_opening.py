"""How open an eye is: what the eyeball would see of the world if it looked out of its middle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from facegen_core.rasteriser import rasterise

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]

# The view from the middle of the eye: tangents up to this on all sides, so many rays across.
_WIDEST_TANGENT, _NUM_RAYS = 1.4, 240
# Skin nearer to the plane of the eye's middle than this covers nothing of the view, mm.
_AHEAD_MM = 2.0


@dataclass(frozen=True, eq=False)
class EyeOpening:
    """centre: (3,) mm of the eyeball; triangles: (F, 3) of the skin around it, wound anyhow."""

    centre: FloatArray
    triangles: IntArray

    def openness(self, positions: FloatArray) -> float:
        """Rays of the view that no skin stops; (M, 3) positions in mm, the face towards +Z."""
        offsets = positions - self.centre
        depths = offsets[:, 2]
        triangles = self.triangles[(depths[self.triangles] > _AHEAD_MM).all(axis=1)]
        rays_per_tangent = 0.5 * _NUM_RAYS / _WIDEST_TANGENT
        tangents = offsets[:, :2] / np.maximum(depths, _AHEAD_MM)[:, None]
        screen = tangents * rays_per_tangent * [1.0, -1.0] + 0.5 * _NUM_RAYS
        seen = rasterise(screen, -depths, triangles, _NUM_RAYS, _NUM_RAYS, both_sides=True)
        is_open = np.ones(_NUM_RAYS * _NUM_RAYS, bool)
        is_open[seen.pixels] = False
        return float(_around_middle(is_open.reshape(_NUM_RAYS, _NUM_RAYS)).sum())


def sphere_centre(points: FloatArray) -> FloatArray:
    """(3,) centre of the sphere through (P, 3) points, least squares."""
    rows = np.concatenate([2.0 * points, np.ones((len(points), 1))], axis=1)
    return np.linalg.lstsq(rows, (points**2).sum(axis=1), rcond=None)[0][:3]


def _around_middle(is_open: BoolArray) -> BoolArray:
    """Of open rays, those in patches that reach the middle third of the view.

    Past the border of the skin around the eye rays are free as well: they say nothing.
    """
    patches, _ = label(is_open)
    third = slice(len(is_open) // 3, 2 * len(is_open) // 3)
    middle = patches[third, third]
    return is_open & np.isin(patches, np.unique(middle[middle > 0]))
