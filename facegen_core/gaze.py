"""Eyeballs of any head turn about their middle, rigidly: loose ones and ones welded to the skin.

Eyes turn about axes across the line of sight, never around it (Listing's law).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from .contact.eyeball import sphere_centre
from .registration.alignment import Alignment, Part, vertices_of

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Beside parts known to be the eyeball's: what lies wholly within so many radii, such as an iris.
_WITHIN_RADII = 1.12
_NESTED_KINDS = ("unknown", "helper")
# Spheres through four points are tried so many times; points farther than this share of the radius
# from the best do not say where its middle is.
_TRIES, _OFF_SPHERE, _ROUNDS = 100, 0.06, 3
_MIN_POINTS = 8


@dataclass(frozen=True, eq=False)
class EyeballOf:
    """An eye of the target: its (P,) vertices; centre (3,) and radius, template mm."""

    vertices: IntArray
    centre: FloatArray
    radius: float


_known: WeakKeyDictionary[Alignment, dict[str, EyeballOf]] = WeakKeyDictionary()


def eyeballs_of(alignment: Alignment) -> dict[str, EyeballOf]:
    """{"left", "right": eyeball} of those a head has, found once as long as the alignment lives."""
    if alignment not in _known:
        found = {side: find_eyeball(alignment, side) for side in ("left", "right")}
        _known[alignment] = {side: ball for side, ball in found.items() if ball is not None}
    return _known[alignment]


def find_eyeball(alignment: Alignment, side: str) -> EyeballOf | None:
    """The eyeball on a side, "left" or "right", with cornea and iris; None where there is none."""
    kinds = f"eyeball_{side}", f"cornea_{side}"
    own = [part for part in alignment.parts if part.kind in kinds]
    balls = [part for part in own if part.kind == kinds[0]] or own
    points = _points(alignment, balls)
    if len(points) < _MIN_POINTS:
        return None
    centre, radius = fit_ball(points)
    nested = [
        part
        for part in alignment.parts
        if part.kind in _NESTED_KINDS
        and not part.is_welded
        and _lies_within(_points(alignment, [part]), centre, _WITHIN_RADII * radius)
    ]
    return EyeballOf(np.unique(vertices_of([*own, *nested])), centre, radius)


def fit_ball(points: FloatArray) -> tuple[FloatArray, float]:
    """(3,) middle and radius of the sphere most of (P, 3) points lie on: sclera, not iris.

    Least median of squares (Rousseeuw 1984), then least squares of what lies on that sphere.
    """
    points = np.asarray(points, np.float64)
    size = float(np.linalg.norm(np.ptp(points, axis=0)))
    draw = np.random.Generator(np.random.PCG64(0))
    best, least = sphere_centre(points), np.inf
    for _ in range(_TRIES):
        chosen = points[(draw.random(4) * len(points)).astype(np.int64)]
        centre = sphere_centre(chosen)
        distances = np.linalg.norm(points - centre, axis=1)
        radius = float(np.linalg.norm(chosen[0] - centre))
        off = float(np.median(np.abs(distances - radius)))
        if off < least and radius < size:
            best, least = centre, off
    radii = np.linalg.norm(points - best, axis=1)
    radius = float(np.median(radii))
    for _ in range(_ROUNDS):
        kept = points[np.abs(radii - radius) < _OFF_SPHERE * radius]
        if len(kept) < _MIN_POINTS:
            break
        best = sphere_centre(kept)
        radii = np.linalg.norm(points - best, axis=1)
        radius = float(np.median(np.linalg.norm(kept - best, axis=1)))
    return best, radius


def rotations(gaze: FloatArray) -> FloatArray:
    """(T, 3, 3) turns of straight ahead, +Z, to (T, 2) radians to the subject's left and up."""
    yaw, pitch = np.asarray(gaze, np.float64).T
    ahead = np.stack(
        [np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)], axis=1
    )
    axes = np.stack([-ahead[:, 1], ahead[:, 0], np.zeros(len(ahead))], axis=1)
    sines = np.linalg.norm(axes, axis=1)
    angles = np.arctan2(sines, ahead[:, 2])
    scale = np.where(sines > 0.0, angles / np.maximum(sines, 1e-12), 1.0)
    return np.asarray(Rotation.from_rotvec(axes * scale[:, None]).as_matrix())


def turn_eyeballs(
    displacements: FloatArray,
    alignment: Alignment,
    gaze: FloatArray,
    mask: FloatArray | None = None,
    sides: Sequence[str] = ("left", "right"),
) -> int:
    """Turn eyeballs in (T, M, 3) displacements of the target, in place; how many it has.

    gaze: (T, 2) radians as in `EyeMotion`. mask: (M,) in [0, 1]; an eye turns by the share that its
    vertices take in the mean. Frames that look straight ahead are left to the last bit.
    """
    frames = np.flatnonzero(np.any(gaze, axis=1))
    eyeballs = [ball for side, ball in eyeballs_of(alignment).items() if side in sides]
    for eyeball in eyeballs:
        share = 1.0 if mask is None else float(np.mean(mask[eyeball.vertices]))
        if share == 0.0 or len(frames) == 0:
            continue
        similarity = alignment.fit.similarity
        arms = similarity.apply(alignment.target.vertices[eyeball.vertices]) - eyeball.centre
        turns = rotations(share * gaze[frames]) - np.eye(3)
        turned = similarity.inverse_vectors(np.einsum("txy,py->tpx", turns, arms))
        displacements[np.ix_(frames, eyeball.vertices)] = turned.astype(np.float32)
    return len(eyeballs)


def _points(alignment: Alignment, parts: Sequence[Part]) -> FloatArray:
    """(P, 3) template mm of the vertices of parts."""
    vertices = alignment.target.vertices[vertices_of(parts)]
    return np.asarray(alignment.fit.similarity.apply(vertices))


def _lies_within(points: FloatArray, centre: FloatArray, radius: float) -> bool:
    return bool((np.linalg.norm(points - centre, axis=1) < radius).all())
