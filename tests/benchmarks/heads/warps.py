"""Smooth warps of space that make a realistic head a stylised or an asymmetric one.

A warp bends everything: the mesh, its landmarks, and where points go when the face moves. The
warped motion is what a naive artist would expect of it, not a truth to the millimetre.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
# (..., 3) points → (..., 3) points, mm.
Warp = Callable[[FloatArray], FloatArray]


def big_eyes(landmarks: FloatArray) -> Warp:
    """Eyes half as big again, with all that is around them."""
    right, left = landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)
    return _in_turn(_swollen(right, 1.5, 24.0), _swollen(left, 1.5, 24.0))


def small_nose(landmarks: FloatArray) -> Warp:
    """A nose of a third of its size, drawn back into the face."""
    root, base = landmarks[27], landmarks[[31, 35]].mean(axis=0)
    middle = 0.4 * root + 0.6 * base
    depth = landmarks[30, 2] - base[2]
    shrink = _swollen(middle, 0.55, 20.0)

    def warp(points: FloatArray) -> FloatArray:
        back = 0.35 * depth * _near(points - landmarks[30], 14.0)
        return shrink(points) - back[..., None] * [0.0, 0.0, 1.0]

    return warp


def no_nose(landmarks: FloatArray) -> Warp:
    """What stands out of the face between eyes and mouth is all but pressed flat."""
    base = landmarks[[31, 35]].mean(axis=0)
    middle = landmarks[27:36].mean(axis=0)
    floor = min(base[2], landmarks[[39, 42]].mean(axis=0)[2])

    def warp(points: FloatArray) -> FloatArray:
        near = _near((points - middle) * [1.0, 0.8, 0.35], 20.0)
        over = np.maximum(points[..., 2] - floor, 0.0)
        moved = np.array(points, np.float64)
        moved[..., 2] -= 0.8 * np.minimum(1.6 * near, 1.0) * over
        return moved

    return warp


def wide_mouth(landmarks: FloatArray) -> Warp:
    """A mouth half as wide again."""
    return _swollen(landmarks[48:68].mean(axis=0), 1.5, 26.0, (1.0, 0.15, 0.0))


def long_face(landmarks: FloatArray) -> Warp:
    """A third longer from the root of the nose down."""
    return _stretched_below(landmarks[27, 1], 1.35)


def big_cranium(landmarks: FloatArray) -> Warp:
    """A skull that grows above the brows, as a child's or an alien's."""
    brows, middle = landmarks[17:27, 1].mean(), landmarks[[0, 16]].mean(axis=0)

    def warp(points: FloatArray) -> FloatArray:
        above = np.maximum(points[..., 1] - brows, 0.0)
        size = 1.0 + 0.4 * above / (above + 60.0)
        return middle + (points - middle) * size[..., None]

    return warp


def toon(landmarks: FloatArray) -> Warp:
    """All of a cartoon at once: big eyes and cranium, a button nose, a wide mouth."""
    makers = (big_eyes, small_nose, wide_mouth, big_cranium)

    def warp(points: FloatArray) -> FloatArray:
        marks = landmarks
        for maker in makers:
            step = maker(marks)
            points, marks = step(points), step(marks)
        return points

    return warp


def asymmetric(landmarks: FloatArray) -> Warp:
    """One eye lower, one cheek fuller, the mouth drawn to a side and the chin turned."""
    eye, cheek = landmarks[42:48].mean(axis=0), landmarks[[3, 31]].mean(axis=0)
    mouth, chin = landmarks[48:68].mean(axis=0), landmarks[8]
    pushes = (
        (eye, 22.0, (0.0, -5.0, 0.0)),
        (cheek, 26.0, (-6.0, 0.0, 3.0)),
        (mouth, 22.0, (5.0, 2.0, 0.0)),
        (chin, 40.0, (7.0, 0.0, 0.0)),
    )

    def warp(points: FloatArray) -> FloatArray:
        moved = np.array(points, np.float64)
        for centre, reach, push in pushes:
            moved += _near(points - centre, reach)[..., None] * np.array(push)
        return moved

    return warp


def _in_turn(*warps: Warp) -> Warp:
    def warp(points: FloatArray) -> FloatArray:
        for one in warps:
            points = one(points)
        return points

    return warp


def _swollen(
    centre: FloatArray,
    factor: float,
    reach: float,
    axes: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> Warp:
    """Scaled by `factor` at the centre, along axes by their share, fading over `reach` mm."""

    def warp(points: FloatArray) -> FloatArray:
        arms = points - centre
        return points + (factor - 1.0) * _near(arms, reach)[..., None] * arms * np.array(axes)

    return warp


def _stretched_below(height: float, factor: float) -> Warp:
    def warp(points: FloatArray) -> FloatArray:
        moved = np.array(points, np.float64)
        below = np.maximum(height - points[..., 1], 0.0)
        # Quadratic at first, so that no crease is left where it begins.
        moved[..., 1] -= (factor - 1.0) * below**2 / (below + 15.0)
        return moved

    return warp


def _near(arms: FloatArray, reach: float) -> FloatArray:
    """(...,) 1 at arms of length 0, half at `reach` mm, smooth."""
    return np.exp2(-np.sum(arms**2, axis=-1) / reach**2)
