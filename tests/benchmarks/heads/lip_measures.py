"""Lips on the target's own mesh: how wide the slit is, and how deep one lip is in the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facegen_core.mesh import vertex_normals
from tests.benchmarks.heads.sheet_distance import Sheet
from tests.benchmarks.heads.variation import Variation

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]

# Stations along the slit, as shares of the way from corner to corner; its ends always touch.
STATIONS = np.linspace(0.2, 0.8, 9)
_HALF_STATION = 0.05
# Places on each triangle that are looked at, so that coarse lips have an edge as fine ones do.
_STEPS = 5
_GRID = np.array(
    [[i, j, _STEPS - i - j] for i in range(_STEPS + 1) for j in range(_STEPS + 1 - i)]
) / _STEPS  # fmt: skip
# Deeper than this a vertex is on another side of the mouth, not in a lip, mm.
_DEEPEST_MM = 6.0
_INNER_CORNERS = (60, 64)


@dataclass(frozen=True, eq=False)
class Mouth:
    """Both lips of one mesh with the bag behind each; positions in mm of the truth.

    triangles: (F, 3) of the skin, wound outwards. upper, lower: (M,) which vertices are which.
    along: (M,) place along the slit, 0 at the right corner and 1 at the left one.
    """

    triangles: IntArray
    upper: BoolArray
    lower: BoolArray
    along: FloatArray

    @classmethod
    def of(cls, variation: Variation) -> Mouth | None:
        """None where there are no two lips to speak of: sealed, or too coarse."""
        regions = variation.truth.regions
        bag_lower = variation.share(regions["mouth_bag_lower"])
        bag_upper = variation.share(regions["mouth_bag"]) - bag_lower
        upper = variation.share(regions["upper_lip"])
        lower = variation.share(regions["lower_lip"])
        is_skin = variation.share(variation.truth.is_skin) > 0.5
        triangles = variation.triangles[is_skin[variation.triangles].all(axis=1)]
        marks = variation.landmarks
        if marks is None or (bag_upper + bag_lower > 0.5).sum() < 20:
            return None
        right, left = marks[list(_INNER_CORNERS)]
        across = left - right
        along = (variation.positions - right) @ across / (across @ across)
        near = variation.is_known & (np.maximum(upper, lower) + bag_upper + bag_lower > 0.3)
        is_upper = near & (upper + bag_upper > lower + bag_lower)
        return cls(triangles, is_upper, near & ~is_upper, along)

    def sheet(self, positions: FloatArray, side: BoolArray) -> Sheet:
        """One lip's triangles."""
        return Sheet(positions, self.triangles[side[self.triangles].all(axis=1)])

    def gaps(self, positions: FloatArray) -> FloatArray:
        """(S,) mm at the stations: the shortest way from lip to lip, below 0 where they overlap."""
        gaps = np.full((2, len(STATIONS)), np.inf)
        for row, (own, other) in enumerate(((self.upper, self.lower), (self.lower, self.upper))):
            sheet = self.sheet(positions, other)
            corners = self.sheet(positions, own).triangles
            along = (self.along[corners] @ _GRID.T).ravel()
            points = np.einsum("gk,tkx->tgx", _GRID, positions[corners]).reshape(-1, 3)
            for column, station in enumerate(STATIONS):
                at = np.abs(along - station) < _HALF_STATION
                if at.any():
                    found = sheet.measure(points[at])
                    signed = np.where(found.at_rim, np.abs(found.signed), found.signed)
                    # What is so deep is not in the lip but behind it: its distance counts.
                    signed = np.where(signed < -_DEEPEST_MM, -signed, signed)
                    gaps[row, column] = signed.min()
        return gaps.min(axis=0)

    def penetrations(self, positions: FloatArray) -> FloatArray:
        """(M,) mm that each vertex of a lip is behind the other lip's surface, 0 where it is not.

        A vertex is in the other lip when it faces it and has crossed its surface.
        """
        normals = vertex_normals(positions, self.triangles)
        depths = np.zeros(len(positions))
        middle = (self.along > 0.05) & (self.along < 0.95)
        for own, other in ((self.upper, self.lower), (self.lower, self.upper)):
            at = np.flatnonzero(own & middle)
            found = self.sheet(positions, other).measure(positions[at])
            facing = np.sum(found.normals * normals[at], axis=1) < -0.3
            is_in = (found.signed < 0) & ~found.at_rim & facing & (found.signed > -_DEEPEST_MM)
            depths[at[is_in]] = -found.signed[is_in]
        return depths


@dataclass(frozen=True)
class LipResult:
    """mm: mean gap at rest, in the truth and in the result; deepest overlap beyond rest of both."""

    rest_gap: float
    true_gap: float
    gap: float
    true_penetration: float
    penetration: float

    @property
    def gap_change(self) -> float:
        """Lips that overlap have no gap: how deep they do is told by the penetration."""
        return abs(max(self.gap, 0.0) - max(self.true_gap, 0.0))


def measure_lips(
    variation: Variation, truth: FloatArray, result: FloatArray, frames: list[int]
) -> list[LipResult]:
    """Of (T, M, 3) true and found displacements, at the frames in which the lips meet."""
    mouth = Mouth.of(variation)
    if mouth is None:
        return []
    rest = variation.positions
    rest_gap, rest_depths = float(mouth.gaps(rest).mean()), mouth.penetrations(rest)

    def deepest(positions: FloatArray) -> float:
        return float(np.max(mouth.penetrations(positions) - rest_depths, initial=0.0))

    return [
        LipResult(
            rest_gap,
            float(mouth.gaps(rest + truth[k]).mean()),
            float(mouth.gaps(rest + result[k]).mean()),
            deepest(rest + truth[k]),
            deepest(rest + result[k]),
        )
        for k in frames
    ]
