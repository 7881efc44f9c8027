"""Lids on the target's own mesh: how much of the eye stays open, and how deep they cut into it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facegen_core.mesh import Mesh
from tests.benchmarks.heads.eye_opening import EyeOpening, sphere_centre
from tests.benchmarks.heads.sheet_distance import Sheet
from tests.benchmarks.heads.variation import Variation, as_made, polygons_within, selected
from training.template_building.template_inner_parts import LEFT_EYEBALL_GROUP, RIGHT_EYEBALL_GROUP

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Skin this near to the middle of an eye is around it, mm.
_AROUND_MM = 32.0
_SIDES = {"left": LEFT_EYEBALL_GROUP, "right": RIGHT_EYEBALL_GROUP}


@dataclass(frozen=True, eq=False)
class Eye:
    """One eye of a mesh. ball: outer shell with the cornea, in mm of the truth.

    opening: between its lids. lids: (N,) vertices of the skin on the outer lids.
    """

    ball: Sheet
    opening: EyeOpening
    lids: IntArray

    @classmethod
    def of(cls, variation: Variation, side: str) -> Eye:
        ball = _ball(variation, side)
        points = ball.vertices[np.unique(ball.triangles)]
        centre = sphere_centre(points)
        regions = variation.truth.regions
        lids = regions[f"upper_lid_{side}"] + regions[f"lower_lid_{side}"]
        near = np.linalg.norm(variation.positions - centre, axis=1) < _AROUND_MM
        is_skin = variation.share(variation.truth.is_skin) > 0.5
        triangles = variation.triangles
        around = (near & is_skin)[triangles].all(axis=1)
        known = variation.is_known & (variation.share(lids) > 0.3)
        return cls(ball, EyeOpening(centre, triangles[around]), np.flatnonzero(known))

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
        open_at_rest = eye.opening.openness(rest)
        if open_at_rest == 0.0 or len(eye.lids) == 0:
            continue
        allowed = np.maximum(eye.depths(rest), 0.0)

        def deepest(motion: FloatArray, eye: Eye = eye, allowed: FloatArray = allowed) -> float:
            depths = [eye.depths(variation.positions + frame) - allowed for frame in motion]
            return float(np.max(depths, initial=0.0))

        results.append(
            LidResult(
                eye.opening.openness(rest + result[blink]) / open_at_rest,
                eye.opening.openness(rest + truth[blink]) / open_at_rest,
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
