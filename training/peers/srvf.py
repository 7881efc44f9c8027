"""Square-root velocity functions: the shape of a curve's path, without its length and its speed.

Srivastava et al., "Shape analysis of elastic curves in Euclidean spaces", PAMI 2011, as used for
landmark motion by Motion3DGAN (Otberdout et al., CVPR 2022). A curve is resampled to points of
equal arc length, divided by its length, and described by q = α' / sqrt|α'|, whose L2 norm is 1:
paths are points of a sphere, on which means and differences are taken along great circles.

All arrays of q here are rows times the square root of their trapezoid weights, so that the L2 norm
of the function is the Euclidean norm of the array, and the sphere is the usual one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]

# Points a path is described by, as in the original.
NUM_POINTS = 30
# Below this length a curve has no direction to speak of, in its own unit.
_SHORTEST = 1e-9
_MEAN_STEPS = 30


def path_length(curve: FloatArray) -> float:
    """Length of the polyline through (T, D) points."""
    return float(np.linalg.norm(np.diff(curve, axis=0), axis=1).sum())


def resample_by_length(curve: FloatArray, num_points: int = NUM_POINTS) -> FloatArray:
    """(N, D) points at equal steps of arc length along (T, D), the ends included."""
    steps = np.linalg.norm(np.diff(curve, axis=0), axis=1)
    places = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0.0, places[-1], num_points)
    return np.stack([np.interp(wanted, places, column) for column in curve.T], axis=1)


def to_srvf(curve: FloatArray, num_points: int = NUM_POINTS) -> FloatArray:
    """(N, D) of norm 1: the path of a curve (T, D), however fast it is run through.

    Raises ValueError where the curve does not move.
    """
    length = path_length(curve)
    if not length > _SHORTEST:
        raise ValueError("a curve that does not move has no square-root velocity")
    velocity = np.gradient(resample_by_length(curve, num_points) / length, axis=0)
    velocity *= num_points - 1
    speed = np.linalg.norm(velocity, axis=1, keepdims=True)
    q = velocity / np.sqrt(np.maximum(speed, _SHORTEST)) * _root_weights(num_points)
    return q / np.linalg.norm(q)


def from_srvf(q: FloatArray, length: float = 1.0) -> FloatArray:
    """(..., N, D) points of equal arc length of the paths q (..., N, D), which start at 0.

    α(t) = length · ∫ |q| q ds by the trapezoid rule (Motion3DGAN calls the length intensity).
    """
    num_points = q.shape[-2]
    values = q / _root_weights(num_points)
    velocity = np.linalg.norm(values, axis=-1, keepdims=True) * values
    steps = 0.5 * (velocity[..., 1:, :] + velocity[..., :-1, :]) / (num_points - 1)
    start = np.zeros_like(steps[..., :1, :])
    return length * np.concatenate([start, np.cumsum(steps, axis=-2)], axis=-2)


def angle(first: FloatArray, second: FloatArray) -> FloatArray:
    """(...) radians between (..., n) points of the sphere: their geodesic distance.

    By the chord, which stays exact where arccos does not; nothing has to be clipped.
    """
    chord = np.linalg.norm(first - second, axis=-1)
    return 2.0 * np.arcsin(np.clip(0.5 * chord, 0.0, 1.0))


def log_map(q: FloatArray, reference: FloatArray) -> FloatArray:
    """(..., n) tangent vectors at `reference` (n,) that point to q (..., n), as long as the way."""
    cosine = (q * reference).sum(axis=-1, keepdims=True)
    across = q - cosine * reference
    sine = np.linalg.norm(across, axis=-1, keepdims=True)
    return across * np.arctan2(sine, cosine) / np.maximum(sine, _SHORTEST)


def exp_map(tangent: FloatArray, reference: FloatArray) -> FloatArray:
    """(..., n) points of the sphere that `log_map` describes by `tangent`."""
    way = np.linalg.norm(tangent, axis=-1, keepdims=True)
    return np.cos(way) * reference + np.sinc(way / np.pi) * tangent


def karcher_mean(points: FloatArray) -> FloatArray:
    """(n,) the point of the sphere from which the (M, n) points point away equally.

    Deviation from the original, which takes one training sequence as the reference: at the mean,
    tangent vectors are shortest and distort least.
    """
    mean = points.mean(axis=0)
    if np.linalg.norm(mean) < _SHORTEST:
        return points[0].copy()
    mean /= np.linalg.norm(mean)
    for _ in range(_MEAN_STEPS):
        step = log_map(points, mean).mean(axis=0)
        mean = exp_map(step, mean)
        mean /= np.linalg.norm(mean)
        if np.linalg.norm(step) < 1e-10:
            break
    return mean


def _root_weights(num_points: int) -> FloatArray:
    """(N, 1) square roots of the trapezoid weights of N points on [0, 1]."""
    weights = np.full(num_points, 1.0 / (num_points - 1))
    weights[[0, -1]] *= 0.5
    return np.sqrt(weights)[:, None]
