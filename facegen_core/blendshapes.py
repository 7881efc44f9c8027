"""T frames -> K blendshapes and weights in [0, 1], with the error it costs.

Weights outside [0, 1] are clamped by several importers and engines, so a signed basis such as
PCA is of no use here. Shapes are poses of the clip, chosen greedily where the error is largest,
then polished by alternating least squares (semi-nonnegative factorisation: Ding, Li & Jordan,
PAMI 2010, with an upper bound of 1 on the weights).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .errors import TopologyMismatchError
from .numeric import size
from .progress import Progress, no_progress
from .shape_fitting import Frames, bounded_weights, greedy, peaks_of, played_errors

FloatArray = NDArray[np.floating]

# Takes of more frames than this are fitted to so many of them first; frames that miss the tolerance
# join them, so many at a time. To some frames shapes are fitted tighter, by this factor, since they
# stand for their neighbours too.
_FRAMES_AT_ONCE, _JOINING, _TIGHTER = 256, 48, 0.9
# Squares of larger displacements, summed over a head, leave single precision.
_LARGEST = 1e12


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
    largest = float(np.abs(displacements).max())
    if largest > _LARGEST:
        factor = 2.0 ** np.floor(np.log2(largest))  # of two, so that nothing is rounded
        made = compress(displacements / factor, max_error / factor, max_shapes, progress)
        shapes = (made.shapes * factor).astype(np.float32)
        return replace(made, shapes=shapes, max_error=made.max_error * factor)
    moving = np.abs(displacements).max(axis=(0, 2)) > 0  # (M,)
    frames = displacements[:, moving].reshape(len(displacements), -1).astype(np.float32)
    limit = min(max_shapes or len(frames), len(frames))
    if len(frames) > _FRAMES_AT_ONCE:
        poses, result = _of_long_take(frames, limit, max_error, progress)
    else:
        fitted = Frames(frames)
        poses, fit = greedy(fitted, fitted.at_rest(), [], limit, max_error, progress)
        result = _played(frames, fitted.shapes(fit), fit.weights)
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
class _Result:
    """shapes: (K, 3 M); weights: (T, K); errors: (T,) of the largest vertex error per frame."""

    shapes: FloatArray
    weights: FloatArray
    errors: FloatArray


def _of_long_take(
    frames: FloatArray, limit: int, max_error: float, progress: Progress
) -> tuple[list[int], _Result]:
    """The same for many frames: shapes are fitted to some of them, and all are looked at after.

    Frames that miss the tolerance then join those that are fitted to: neighbours are so alike that
    few must. A minute at 30 frames a second costs hardly more than its liveliest ten seconds.
    """
    rows = np.unique(np.linspace(0, len(frames) - 1, _FRAMES_AT_ONCE).astype(np.int64))
    fitted = Frames(frames[rows])
    fit, poses = fitted.at_rest(), list[int]()
    nothing = np.zeros((0, frames.shape[1]), np.float32)
    whole = _played(frames, nothing, np.zeros((len(frames), 0)))
    is_resting, tolerance = ~frames.any(axis=1), _TIGHTER * max_error
    while whole.errors.max(initial=0.0) > max_error and len(poses) < limit:
        taken = list(np.searchsorted(rows, poses))
        taken, fit = greedy(fitted, fit, taken, limit, tolerance, progress)
        poses = [int(rows[row]) for row in taken]
        shapes = fitted.shapes(fit)
        weights = np.zeros((len(frames), len(shapes)))
        weights[:, : whole.weights.shape[1]] = whole.weights
        weights[rows] = fit.weights
        gram, products = (shapes @ shapes.T).astype(np.float64), (frames @ shapes.T)
        weights = bounded_weights(gram, products.astype(np.float64), weights, is_resting)
        peaks = peaks_of(weights)
        shapes, weights = (shapes * peaks[:, None]).astype(np.float32), weights / peaks
        whole = _played(frames, shapes, weights)
        missed = np.argsort(-whole.errors, kind="stable")[:_JOINING]
        more = np.union1d(rows, missed[whole.errors[missed] > _TIGHTER * max_error])
        if len(more) == len(rows):
            tolerance *= _TIGHTER
        else:
            mixtures = np.zeros((len(shapes), len(more)))
            mixtures[:, np.searchsorted(more, rows)] = fit.mixtures * peaks[:, None]
            rows, fitted = more, Frames(frames[more])
            fit = fitted.solved(mixtures, weights[rows], 1)
    return poses, whole


def _played(frames: FloatArray, shapes: FloatArray, weights: FloatArray) -> _Result:
    return _Result(shapes, weights, played_errors(frames, shapes, weights))


def _check(displacements: FloatArray) -> None:
    if displacements.ndim != 3 or displacements.shape[2] != 3:
        raise TopologyMismatchError(
            "The clip must be frames × vertices × 3 displacements, got "
            f"{size(displacements.shape)}: generate it again."
        )
    if displacements.size == 0:
        raise TopologyMismatchError("The clip has no frames or no vertices: generate it again.")
    if not np.isfinite(displacements).all():
        frame = np.flatnonzero(~np.isfinite(displacements).all(axis=(1, 2)))[0]
        raise TopologyMismatchError(
            f"Frame {frame} of the clip has vertices that are not finite numbers: generate it "
            "again."
        )
