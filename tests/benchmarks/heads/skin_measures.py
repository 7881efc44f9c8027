"""Skin on the target's own mesh: triangles turned over, edges torn, motion where none belongs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facegen_core.mesh import vertex_normals
from facegen_core.motion import fit_pose, pose_points
from facegen_core.topology import edges_of
from tests.benchmarks.heads.variation import Variation

FloatArray = NDArray[np.floating]

# The forehead: so far above the brows, mm.
_ABOVE_BROWS_MM = 12.0
# Edges shorter than this share of the median are slivers of a file, whose ratio says nothing.
_SLIVER = 0.1


def num_inverted(variation: Variation, truth: FloatArray, result: FloatArray) -> int:
    """Triangles of the seen face that face against the skin around them, summed over T frames.

    Those that do so at rest or in the truth are not counted: lips that roll in fold by themselves.
    """
    triangles = _face_triangles(variation)
    rest = variation.positions
    at_rest = _is_folded(rest, triangles)
    count = 0
    for found, true in zip(result, truth, strict=True):
        is_over = _is_folded(rest + found, triangles) & ~at_rest
        count += int((is_over & ~_is_folded(rest + true, triangles)).sum())
    return count


def edge_stretch(variation: Variation, motion: FloatArray) -> float:
    """99th percentile of how many times longer an edge of the seen face gets, all frames."""
    edges = edges_of(_face_triangles(variation))
    rest = variation.positions

    def lengths(positions: FloatArray) -> FloatArray:
        return np.linalg.norm(positions[edges[:, 0]] - positions[edges[:, 1]], axis=1)

    before = lengths(rest)
    fine = before > _SLIVER * np.median(before)
    ratios = [lengths(rest + frame)[fine] / before[fine] for frame in motion]
    return float(np.percentile(ratios, 99))


def forehead_leak(variation: Variation, truth: FloatArray, result: FloatArray) -> float:
    """mm, the most a vertex of the forehead moves in a motion of the lower face, beyond the truth.

    truth, result: (M, 3) of that one frame. NaN where nobody knows where the brows are.
    """
    if variation.landmarks is None:
        return float("nan")
    above = variation.landmarks[17:27, 1].max() + _ABOVE_BROWS_MM
    at = (
        variation.is_known
        & (variation.share(variation.truth.is_skin) > 0.5)
        & (variation.positions[:, 1] > above)
    )
    excess = np.linalg.norm(result[at], axis=1) - np.linalg.norm(truth[at], axis=1)
    return float(np.max(excess, initial=0.0))


def teeth(variation: Variation, result: FloatArray) -> tuple[float, float] | None:
    """mm: how far the lower teeth are from moving rigidly, and how far the upper ones move."""
    if "lower_teeth" not in variation.truth.groups:
        return None
    lower, upper = variation.group("lower_teeth"), variation.group("upper_teeth")
    if len(lower) < 4 or len(upper) < 4:
        return None
    rest, origin = variation.positions[lower], np.zeros(3)
    worst = 0.0
    for frame in result[:, lower]:
        pose = fit_pose(rest, rest + frame, origin)
        rigid = pose_points(rest, origin, pose[None])[0]
        worst = max(worst, float(np.linalg.norm(rigid - rest - frame, axis=1).max()))
    return worst, float(np.linalg.norm(result[:, upper], axis=2).max())


def _face_triangles(variation: Variation) -> NDArray[np.integer]:
    triangles = variation.triangles
    return triangles[variation.is_outer_face[triangles].all(axis=1)]


def _is_folded(positions: FloatArray, triangles: NDArray[np.integer]) -> NDArray[np.bool_]:
    """(F,) whether a triangle's normal is against the mean of its corners' normals."""
    a, b, c = (positions[triangles[:, k]] for k in range(3))
    around = vertex_normals(positions, triangles)[triangles].sum(axis=1)
    return np.sum(np.cross(b - a, c - a) * around, axis=1) < 0
