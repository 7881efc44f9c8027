"""Teeth, gums and tongue that are loose parts of the target."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .scene import Scene

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

MOUTH_PROXIES = ("upper_teeth", "lower_teeth", "tongue")

# Teeth, gums and tongues lie this close to the fitted ones, after these have been moved onto them.
_MOUTH_SHARE, _MOUTH_REACH_MM, _MOUTH_DISTANCE_MM = 0.7, 16.0, 9.0
_PURE_SHARE, _CLEAR_RATIO = 0.85, 0.6
_SHIFT_ROUNDS, _KEPT_PERCENT = 5, 80
# Parts wider than one tooth, and how far a row of teeth stays from its own centre.
_ROW_WIDTH_MM, _ROW_HOLLOW_MM = 25.0, 6.0
# How surely a part that spans both jaws is called what it is.
_MIXED_CONFIDENCE = 0.7
# A single tooth is no wider than this, and compared with so many of the nearest vertices of a row.
_TOOTH_WIDTH_MM, _ROW_NEIGHBOURS = 20.0, 32
# A cube or another regular solid: corners as far from its middle, and spread as wide in every
# direction, within these shares.
_REGULAR_RADIUS, _REGULAR_SPREAD = 0.05, 0.1


def mouth_parts(
    scene: Scene, members: dict[int, IntArray]
) -> tuple[dict[int, tuple[str, float]], FloatArray]:
    """Teeth, gums and tongues by the closest of the fitted ones, moved onto what is found.

    members: {number of a loose part: its welded vertices}. Gives {number: (kind, confidence)} and
    the (3,) mm by which the fitted ones were moved.
    """
    proxies = [scene.fit.inner[name] for name in MOUTH_PROXIES]
    together = np.concatenate(proxies)
    near = cKDTree(together)
    low, high = together.min(axis=0) - _MOUTH_REACH_MM, together.max(axis=0) + _MOUTH_REACH_MM
    candidates = {}
    for number, indices in members.items():
        points = scene.surface.vertices[indices]
        is_boxed = ((points > low) & (points < high)).all(axis=1)
        if is_boxed.mean() < _MOUTH_SHARE or (scene.is_marker[number] and _is_regular(points)):
            continue
        if (near.query(points)[0] < _MOUTH_REACH_MM).mean() >= _MOUTH_SHARE:
            candidates[number] = indices
    if not candidates:
        return {}, np.zeros(3)
    found = scene.surface.vertices[np.concatenate(list(candidates.values()))]
    shift = shift_onto(together, found)
    trees = [cKDTree(points + shift) for points in proxies]
    kinds, clouds = {}, {}
    for number, indices in candidates.items():
        points = scene.surface.vertices[indices]
        distances = np.stack([tree.query(points)[0] for tree in trees])
        if np.median(distances.min(axis=0)) > _MOUTH_DISTANCE_MM:
            continue
        kinds[number], clouds[number] = mouth_kind(points, distances), points
    fitted = {name: points + shift for name, points in zip(MOUTH_PROXIES, proxies, strict=True)}
    return kinds | _teeth_by_row(kinds, clouds, fitted), shift


def _is_regular(points: FloatArray) -> bool:
    """Whether (P, 3) corners are those of a cube or the like: a marker, and no light tooth."""
    offsets = points - points.mean(axis=0)
    radii = np.linalg.norm(offsets, axis=1)
    spreads = np.linalg.svd(offsets, compute_uv=False)
    is_even = spreads[-1] > (1.0 - _REGULAR_SPREAD) * spreads[0]
    return bool(is_even and np.ptp(radii) < _REGULAR_RADIUS * radii.mean())


def _teeth_by_row(
    kinds: dict[int, tuple[str, float]],
    clouds: dict[int, FloatArray],
    fitted: dict[str, FloatArray],
) -> dict[int, tuple[str, float]]:
    """Kinds of single teeth that seemed to span both jaws: that of the row they stand in.

    clouds: (P, 3) points of every loose part; fitted: those of the fitted parts. A tooth that bites
    deep, or is longer than the fitted ones, is close to both, as is a shard that a cut left; its
    neighbours in the row are not, and stand as high as it does.
    """
    rows = {}
    for name in ("upper_teeth", "lower_teeth"):
        found = [clouds[number] for number, (kind, _) in kinds.items() if kind == name]
        rows[name] = np.concatenate(found) if found else fitted[name]
    told = {}
    for number, (kind, confidence) in kinds.items():
        points = clouds[number]
        is_single = np.ptp(points[:, [0, 2]], axis=0).max() < _TOOTH_WIDTH_MM
        if kind == "mouth_interior" and is_single:
            misfits = {name: _misfit(points, row) for name, row in rows.items()}
            told[number] = (min(misfits, key=lambda name: misfits[name]), confidence)
    return told


def _misfit(points: FloatArray, row: FloatArray) -> tuple[float, float]:
    """mm that (P, 3) points are over and under the row at their place on average, and mm between
    the mean heights: a shard of a tooth stands within its row, if not as high."""
    middle = points.mean(axis=0)
    from_middle = np.linalg.norm((row - middle)[:, [0, 2]], axis=1)
    heights = row[np.argsort(from_middle, kind="stable")[:_ROW_NEIGHBOURS], 1]
    outside = points[:, 1] - np.clip(points[:, 1], heights.min(), heights.max())
    return float(np.abs(outside).mean()), abs(float(heights.mean() - middle[1]))


def mouth_kind(points: FloatArray, distances: FloatArray) -> tuple[str, float]:
    """Kind of (P, 3) points by their (3, P) distances to upper teeth, lower teeth and tongue.

    Only vertices clearly closer to one jaw count: where the teeth bite together, both are close.
    Parts with a clear share in both jaws are "mouth_interior".
    """
    to_upper, to_lower = distances[0], distances[1:].min(axis=0)
    num_upper = np.count_nonzero(to_upper < _CLEAR_RATIO * to_lower)
    num_lower = np.count_nonzero(to_lower < _CLEAR_RATIO * to_upper)
    upper_share = num_upper / max(num_upper + num_lower, 1)
    closeness = _closeness(distances.min(axis=0))
    if 1.0 - _PURE_SHARE < upper_share < _PURE_SHARE:
        return "mouth_interior", _MIXED_CONFIDENCE * closeness
    if upper_share > 0.5:
        return "upper_teeth", upper_share * closeness
    is_tongue = np.median(distances[2]) < np.median(distances[1])
    if np.ptp(points[:, 0]) > _ROW_WIDTH_MM:
        # A row of teeth is a horseshoe: nothing of it lies over or under its centre.
        from_centre = np.linalg.norm((points - points.mean(axis=0))[:, [0, 2]], axis=1)
        is_tongue = from_centre.min() < _ROW_HOLLOW_MM
    return ("tongue" if is_tongue else "lower_teeth"), (1.0 - upper_share) * closeness


def _closeness(distances: FloatArray) -> float:
    """1 where the fitted parts lie on what was found, falling to 0.5 at the edge of belief."""
    return 1.0 - 0.5 * min(float(np.median(distances)) / _MOUTH_DISTANCE_MM, 1.0)


def shift_onto(points: FloatArray, found: FloatArray) -> FloatArray:
    """(3,) translation that brings points close to what was found: trimmed closest points.

    Started in place and from the common centre, because rows of teeth look alike.
    """
    starts = (np.zeros(3), found.mean(axis=0) - points.mean(axis=0))
    results = [_closest_shift(points, found, start) for start in starts]
    return min(results, key=lambda result: result[1])[0]


def _closest_shift(
    points: FloatArray, found: FloatArray, shift: FloatArray
) -> tuple[FloatArray, float]:
    """(3,) refined translation and the mean distance it leaves, mm."""
    tree = cKDTree(points)
    for _ in range(_SHIFT_ROUNDS):
        distances, closest = tree.query(found - shift)
        is_kept = distances <= np.percentile(distances, _KEPT_PERCENT)
        shift = (found[is_kept] - points[closest[is_kept]]).mean(axis=0)
    return shift, float(tree.query(found - shift)[0].mean())
