"""T frames -> K blendshapes and weights in [0, 1], with the error it costs.

Weights outside [0, 1] are clamped by several importers and engines, so a signed basis such as
PCA is of no use here. Shapes are poses of the clip, chosen greedily where the error is largest,
then polished by alternating least squares (semi-nonnegative factorisation: Ding, Li & Jordan,
PAMI 2010, with an upper bound of 1 on the weights).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import TopologyMismatchError
from .progress import Progress, no_progress

FloatArray = NDArray[np.floating]

# Alternations per number of shapes: each costs two thin products; more gains under 2 % error.
_POLISH_ROUNDS = 12
_WEIGHT_SWEEPS = 120
# Takes of more frames than this are fitted to so many of them first; frames that miss the tolerance
# join them, so many at a time. To some frames shapes are fitted tighter, by this factor, since they
# stand for their neighbours too.
_FRAMES_AT_ONCE, _JOINING, _TIGHTER = 256, 48, 0.9
# Weights below this move nothing visible and would only keep a shape key awake in the viewport.
_SMALLEST_WEIGHT = 1e-5


@dataclass(frozen=True, eq=False)
class BlendshapeSet:
    """A clip as relative blendshapes.

    shapes: (K, M, 3) float32 displacements from the neutral, in the unit of the clip.
    weights: (T, K) float32 in [0, 1]; every column peaks at 1.
    pose_frames: (K,) int32, the frame of the clip each shape is (closest to) a pose of.
    max_error: largest distance of a vertex from the clip over all frames, in the clip's unit.
    """

    shapes: FloatArray
    weights: FloatArray
    pose_frames: NDArray[np.int32]
    max_error: float

    @property
    def num_shapes(self) -> int:
        return len(self.shapes)

    def rebuild(self) -> FloatArray:
        """(T, M, 3) the clip as the blendshapes play it."""
        return np.tensordot(self.weights, self.shapes, axes=1)


def one_shape_per_frame(displacements: FloatArray) -> BlendshapeSet:
    """Every frame of (T, M, 3) that moves becomes its own shape: exact."""
    _check(displacements)
    moving = np.flatnonzero(np.abs(displacements).max(axis=(1, 2)) > 0)
    weights = np.zeros((len(displacements), len(moving)), np.float32)
    weights[moving, np.arange(len(moving))] = 1.0
    shapes = displacements[moving].astype(np.float32)
    return BlendshapeSet(shapes, weights, moving.astype(np.int32), 0.0)


def compress(
    displacements: FloatArray,
    max_error: float,
    max_shapes: int | None = None,
    progress: Progress = no_progress,
) -> BlendshapeSet:
    """The fewest shapes found that rebuild (T, M, 3) displacements within `max_error`.

    max_error: in the unit of the displacements. When `max_shapes` do not suffice, the set with
    `max_shapes` is returned and its max_error says so; without a limit the result always keeps
    to `max_error`, at worst with one shape per frame.
    """
    _check(displacements)
    moving = np.abs(displacements).max(axis=(0, 2)) > 0  # (M,)
    frames = displacements[:, moving].reshape(len(displacements), -1).astype(np.float32)
    limit = min(max_shapes or len(frames), len(frames))
    if len(frames) > _FRAMES_AT_ONCE:
        poses, result = _of_long_take(frames, limit, max_error, progress)
    else:
        nothing = np.zeros((0, frames.shape[1]), np.float32)
        start = _Fit(nothing, np.zeros((len(frames), 0)), _frame_errors(frames))
        poses, result = _greedy(frames, start, [], limit, max_error, progress)
    if result.errors.max(initial=0.0) > max_error and max_shapes is None:
        return one_shape_per_frame(displacements)
    shapes = np.zeros((len(poses), *displacements.shape[1:]), np.float32)
    shapes[:, moving] = result.shapes.reshape(len(poses), int(moving.sum()), 3)
    return BlendshapeSet(
        shapes,
        result.weights.astype(np.float32),
        np.array(poses, np.int32),
        float(result.errors.max(initial=0.0)),
    )


@dataclass(frozen=True, eq=False)
class _Fit:
    shapes: FloatArray  # (K, 3 * moving vertices)
    weights: FloatArray  # (T, K)
    errors: FloatArray  # (T,) largest vertex error per frame


def _greedy(
    frames: FloatArray,
    result: _Fit,
    poses: list[int],
    limit: int,
    max_error: float,
    progress: Progress,
) -> tuple[list[int], _Fit]:
    """Add the frame that is rebuilt worst as a shape, until all are within `max_error`.

    result: the fit of (T, N) frames by the K shapes there are. poses: rows of frames taken already.
    Returns the rows taken, those before first.
    """
    poses = list(poses)
    while result.errors.max(initial=0.0) > max_error and len(result.shapes) < limit:
        progress(len(result.shapes) / limit, f"Choosing shape {len(result.shapes) + 1}")
        poses.append(_next_pose(result.errors, poses))
        result = _fit(frames, frames[poses[-1:]], result, max_error)
    return poses, result


def _of_long_take(
    frames: FloatArray, limit: int, max_error: float, progress: Progress
) -> tuple[list[int], _Fit]:
    """The same for many frames: shapes are fitted to some of them, and all are looked at after.

    Frames that miss the tolerance then join those that are fitted to: neighbours are so alike that
    few must. A minute at 30 frames a second costs hardly more than its liveliest ten seconds.
    """
    rows = np.unique(np.linspace(0, len(frames) - 1, _FRAMES_AT_ONCE).astype(np.int64))
    poses: list[int] = []
    whole = _Fit(
        np.zeros((0, frames.shape[1]), np.float32),
        np.zeros((len(frames), 0)),
        _frame_errors(frames),
    )
    while whole.errors.max(initial=0.0) > max_error and len(poses) < limit:
        some = frames[rows]
        start = _Fit(whole.shapes, whole.weights[rows], whole.errors[rows])
        taken = list(np.searchsorted(rows, poses))
        taken, fitted = _greedy(some, start, taken, limit, _TIGHTER * max_error, progress)
        poses = [int(rows[row]) for row in taken]
        weights = np.zeros((len(frames), len(fitted.shapes)))
        weights[:, : whole.weights.shape[1]] = whole.weights
        weights[rows] = fitted.weights
        whole = _solved(frames, fitted.shapes, weights)
        missed = np.argsort(-whole.errors, kind="stable")[:_JOINING]
        rows = np.union1d(rows, missed[whole.errors[missed] > _TIGHTER * max_error])
    return poses, whole


def _fit(frames: FloatArray, pose: FloatArray, previous: _Fit, max_error: float) -> _Fit:
    """Weights for the shapes there are and (1, N) one more; if that misses, polish both."""
    shapes = np.concatenate([previous.shapes, pose])
    weights = np.pad(previous.weights, ((0, 0), (0, 1)))
    best = _solved(frames, shapes, weights)
    importance = np.ones(len(frames))
    current = best
    for _ in range(_POLISH_ROUNDS):
        if best.errors.max() <= max_error:
            break
        # Frames with large errors count more: the promise is about the largest, not the mean.
        importance = importance * (0.2 + current.errors / max(current.errors.max(), 1e-30))
        importance /= importance.max()
        shapes = _best_shapes(frames, current.weights, importance)
        current = _solved(frames, shapes, current.weights)
        if current.errors.max() < best.errors.max():
            best = current
    return best


def _solved(frames: FloatArray, shapes: FloatArray, start: FloatArray) -> _Fit:
    shapes, weights = _peaks_at_one(shapes, _bounded_weights(frames, shapes, start))
    played = weights.astype(np.float32)
    errors = [
        _frame_errors(frames[start : start + _FRAMES_AT_ONCE] - rows @ shapes)
        for start, rows in (
            (start, played[start : start + _FRAMES_AT_ONCE])
            for start in range(0, len(frames), _FRAMES_AT_ONCE)
        )
    ]
    return _Fit(shapes, weights, np.concatenate(errors))


def _bounded_weights(frames: FloatArray, shapes: FloatArray, start: FloatArray) -> FloatArray:
    """(T, K) least squares weights within [0, 1], by coordinate descent over the Gram matrix."""
    gram = (shapes @ shapes.T).astype(np.float64)  # (K, K)
    products = (frames @ shapes.T).astype(np.float64)  # (T, K)
    weights = np.clip(start, 0.0, 1.0)
    diagonal = np.maximum(np.diag(gram), 1e-30)
    for _ in range(_WEIGHT_SWEEPS):
        before = weights.copy()
        for k in range(len(gram)):
            step = (products[:, k] - weights @ gram[:, k]) / diagonal[k]
            weights[:, k] = np.clip(weights[:, k] + step, 0.0, 1.0)
        if np.abs(weights - before).max(initial=0.0) < 1e-7:
            break
    weights[weights < _SMALLEST_WEIGHT] = 0.0
    weights[~frames.any(axis=1)] = 0.0  # a frame at rest is exactly at rest
    return weights


def _best_shapes(frames: FloatArray, weights: FloatArray, importance: FloatArray) -> FloatArray:
    """(K, N) shapes that best rebuild (T, N) frames from (T, K) weights, by (T,) importance."""
    root = np.sqrt(importance)[:, None]
    solution = np.linalg.pinv(root * weights, rcond=1e-6) * root.T  # (K, T)
    return (solution.astype(np.float32) @ frames).astype(np.float32)


def _peaks_at_one(shapes: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Rescale so that every shape is used fully once: its slider at 1 is a pose of the clip."""
    peaks = weights.max(axis=0)
    peaks = np.where(peaks > 0, peaks, 1.0)
    return (shapes * peaks[:, None]).astype(np.float32), weights / peaks


def _frame_errors(residuals: FloatArray) -> FloatArray:
    """(T,) largest vertex length of (T, 3 N) residuals."""
    vectors = residuals.reshape(len(residuals), -1, 3)
    if vectors.shape[1] == 0:
        return np.zeros(len(residuals))
    return np.sqrt(np.einsum("tnx,tnx->tn", vectors, vectors).max(axis=1).astype(np.float64))


def _next_pose(errors: FloatArray, taken: list[int]) -> int:
    """The frame rebuilt worst that is not yet a shape."""
    order = np.argsort(-errors, kind="stable")
    return int(next(t for t in order if t not in taken))


def _check(displacements: FloatArray) -> None:
    if displacements.ndim != 3 or displacements.shape[2] != 3:
        raise TopologyMismatchError(
            f"displacements: expected (T, M, 3), got {displacements.shape}."
        )
    if not np.isfinite(displacements).all():
        frame = np.flatnonzero(~np.isfinite(displacements).all(axis=(1, 2)))[0]
        raise TopologyMismatchError(f"Frame {frame} of the clip has vertices that are not finite.")
