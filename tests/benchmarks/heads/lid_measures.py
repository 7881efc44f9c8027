"""Lids on the target's own mesh: how much of the eye stays open, and how deep they cut into it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facegen_core.mesh import Mesh
from tests.benchmarks.heads.sheet_distance import Sheet
from tests.benchmarks.heads.variation import Variation, as_made, polygons_within, selected
from training.figures.rasteriser import rasterise
from training.template_inner_parts import LEFT_EYEBALL_GROUP, RIGHT_EYEBALL_GROUP

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# The view from the middle of the eye: tangents up to this on all sides, so many rays across.
_WIDEST_TANGENT, _NUM_RAYS = 1.4, 240
_SIDES = {"left": LEFT_EYEBALL_GROUP, "right": RIGHT_EYEBALL_GROUP}


@dataclass(frozen=True, eq=False)
class Eye:
    """One eye of a mesh. ball: outer shell with the cornea, in mm of the truth; centre: (3,).

    triangles: (F, 3) skin around it. lids: (N,) its vertices on the outer lids.
    """

    ball: Sheet
    centre: FloatArray
    triangles: IntArray
    lids: IntArray

    @classmethod
    def of(cls, variation: Variation, side: str) -> Eye:
        ball = _ball(variation, side)
        points = ball.vertices[np.unique(ball.triangles)]
        centre = _sphere_centre(points)
        regions = variation.truth.regions
        lids = regions[f"upper_lid_{side}"] + regions[f"lower_lid_{side}"]
        near = np.linalg.norm(variation.positions - centre, axis=1) < 32.0
        is_skin = variation.share(variation.truth.is_skin) > 0.5
        triangles = variation.mesh.triangles
        around = (near & is_skin)[triangles].all(axis=1)
        known = variation.is_known & (variation.share(lids) > 0.3)
        return cls(ball, centre, triangles[around], np.flatnonzero(known))

    def openness(self, positions: FloatArray) -> float:
        """Solid angle, in rays, that no skin covers as the eye looks out of its middle."""
        offsets = positions - self.centre
        depths = offsets[:, 2]
        ahead = (depths[self.triangles] > 2.0).all(axis=1)
        triangles = self.triangles[ahead]
        pixels_per_tangent = 0.5 * _NUM_RAYS / _WIDEST_TANGENT
        safe = np.where(depths > 2.0, depths, 2.0)[:, None]
        screen = (offsets[:, :2] / safe) * pixels_per_tangent * [1.0, -1.0] + 0.5 * _NUM_RAYS
        both_sides = np.concatenate([triangles, triangles[:, ::-1]])
        seen = rasterise(screen, -depths, both_sides, _NUM_RAYS, _NUM_RAYS)
        is_open = np.ones(_NUM_RAYS * _NUM_RAYS, bool)
        is_open[seen.pixels] = False
        return float(_only_about_middle(is_open.reshape(_NUM_RAYS, _NUM_RAYS)).sum())

    def depths(self, positions: FloatArray) -> FloatArray:
        """(N,) mm that the lids are inside the eyeball, below 0 outside."""
        return -self.ball.measure(positions[self.lids]).signed


@dataclass(frozen=True)
class LidResult:
    """Share of the open eye that stays open, and mm inside the eyeball beyond rest."""

    open_share: float
    true_open_share: float
    inside: float
    true_inside: float


def measure_lids(
    variation: Variation, truth: FloatArray, result: FloatArray, blink: int
) -> list[LidResult]:
    """Both eyes at full closure; how deep lids get is the worst of all T frames."""
    results = []
    for side in _SIDES:
        eye = Eye.of(variation, side)
        rest = variation.positions
        open_at_rest = eye.openness(rest)
        if open_at_rest == 0.0 or len(eye.lids) == 0:
            continue
        allowed = np.maximum(eye.depths(rest), 0.0)

        def deepest(motion: FloatArray, eye: Eye = eye, allowed: FloatArray = allowed) -> float:
            depths = [eye.depths(variation.positions + frame) - allowed for frame in motion]
            return float(np.max(depths, initial=0.0))

        results.append(
            LidResult(
                eye.openness(rest + result[blink]) / open_at_rest,
                eye.openness(rest + truth[blink]) / open_at_rest,
                deepest(result),
                deepest(truth),
            )
        )
    return results


def _ball(variation: Variation, side: str) -> Sheet:
    """The truth's own eyeball, on the shape of this variation."""
    truth = variation.truth
    is_ball = np.zeros(truth.mesh.num_vertices, bool)
    group = truth.groups.get(f"eyeball_{side}")
    is_ball[slice(*_SIDES[side]) if "gums_and_tongue" in truth.groups else group] = True
    whole = as_made(truth)
    mesh: Mesh = selected(whole, "", polygons_within(whole, is_ball)).mesh
    vertices = mesh.vertices if variation.warp is None else variation.warp(mesh.vertices)
    return Sheet(vertices, mesh.triangles)


def _sphere_centre(points: FloatArray) -> FloatArray:
    rows = np.concatenate([2.0 * points, np.ones((len(points), 1))], axis=1)
    return np.linalg.lstsq(rows, (points**2).sum(axis=1), rcond=None)[0][:3]


def _only_about_middle(is_open: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of open rays, those in the patches that begin within a third of the way from the middle."""
    from scipy.ndimage import label

    patches, _ = label(is_open)
    size = len(is_open)
    middle = patches[size // 3 : 2 * size // 3, size // 3 : 2 * size // 3]
    return is_open & np.isin(patches, np.unique(middle[middle > 0]))
