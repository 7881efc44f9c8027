"""The fit behind `blendshapes.compress`: poses chosen greedily, then polished together.

Every shape is a mixture of frames, so shapes are known by what they take of each frame, and all
products of shapes and frames come from the products of frames with one another, worked out once.
While shapes are fitted, errors are looked at in some vertices only; whoever seems to keep to the
tolerance is looked at in all of them, and those that do not keep to it are watched from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .progress import Progress

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Alternations per number of shapes; more gains under 2 % error. Sweeps over the weights: while
# shapes change, few from the last weights on are enough; at the end they are to settle.
_POLISH_ROUNDS, _POLISH_SWEEPS, _SWEEPS = 12, 12, 120
# Vertices watched from the start: as many of the liveliest, and of all over the mesh.
_NUM_WATCHED, _NUM_JOINING = 600, 100
# Weights below this move nothing visible and would only keep a shape key awake in the viewport.
_SMALLEST_WEIGHT = 1e-5
# Frames, and coordinates, looked at at a time, which bounds memory.
_FRAMES_AT_ONCE, _COLUMNS_AT_ONCE = 256, 24_000


@dataclass(frozen=True, eq=False)
class Fit:
    """mixtures: (K, T) what each shape takes of each frame; weights: (T, K) in [0, 1], every column
    peaks at 1; errors: (T,) of the watched vertices."""

    mixtures: FloatArray
    weights: FloatArray
    errors: FloatArray


class Frames:
    """(T, 3 M) float32 frames that shapes are fitted to, and what is known about them."""

    def __init__(self, frames: FloatArray) -> None:
        self.values = frames
        self.gram = np.zeros((len(frames), len(frames)))
        for start in range(0, frames.shape[1], _COLUMNS_AT_ONCE):
            block = frames[:, start : start + _COLUMNS_AT_ONCE].astype(np.float64)
            self.gram += block @ block.T
        self.is_resting = np.diag(self.gram) == 0.0
        count = frames.shape[1] // 3
        squares = (frames**2).max(axis=0, initial=0.0).reshape(count, 3).sum(axis=1)
        liveliest = np.argsort(-squares, kind="stable")[:_NUM_WATCHED]
        self._watched = np.union1d(liveliest, np.linspace(0, count - 1, _NUM_WATCHED).astype(int))
        self._watched = self._watched[:count]
        self._watch(self._watched)

    def at_rest(self) -> Fit:
        """Without any shape."""
        count = len(self.values)
        return Fit(np.zeros((0, count)), np.zeros((count, 0)), frame_errors(self._seen))

    def shapes(self, fit: Fit) -> NDArray[np.float32]:
        """(K, 3 M)."""
        return np.asarray(fit.mixtures.astype(np.float32) @ self.values)

    def errors(self, fit: Fit, values: FloatArray | None = None) -> FloatArray:
        """(T,) of all vertices; values: some columns of the frames instead."""
        frames = self.values if values is None else values
        shapes = fit.mixtures.astype(np.float32) @ frames
        return played_errors(frames, shapes, fit.weights)

    def solved(self, mixtures: FloatArray, start: FloatArray, num_sweeps: int) -> Fit:
        """The weights of K shapes, from (T, K) ones on."""
        products = self.gram @ mixtures.T
        weights = bounded_weights(mixtures @ products, products, start, self.is_resting, num_sweeps)
        peaks = peaks_of(weights)
        fit = Fit(mixtures * peaks[:, None], weights / peaks, np.zeros(0))
        return Fit(fit.mixtures, fit.weights, self.errors(fit, self._seen))

    def judged(self, fit: Fit, max_error: float) -> Fit:
        """A fit that seems to keep to the tolerance, seen in all vertices where it does; and in
        more than before where it does not."""
        while fit.errors.max(initial=0.0) <= max_error:
            missed = self._missed(fit, max_error)
            if len(missed) == 0:
                return fit
            self._watch(np.union1d(self._watched, missed))
            fit = Fit(fit.mixtures, fit.weights, self.errors(fit, self._seen))
        return fit

    def _missed(self, fit: Fit, max_error: float) -> IntArray:
        """Vertices farther off than the tolerance, the worst ones of all frames."""
        shapes, weights = self.shapes(fit), fit.weights.astype(np.float32)
        worst = np.zeros(self.values.shape[1] // 3)
        for start in range(0, len(weights), _FRAMES_AT_ONCE):
            rows = slice(start, start + _FRAMES_AT_ONCE)
            off = self.values[rows] - weights[rows] @ shapes
            worst = np.maximum(worst, vertex_squares(off).max(axis=0))
        order = np.argsort(-worst, kind="stable")[:_NUM_JOINING]
        return order[worst[order] > max_error**2]

    def _watch(self, vertices: IntArray) -> None:
        self._watched = vertices
        columns = (3 * vertices[:, None] + np.arange(3)).ravel()
        self._seen = np.ascontiguousarray(self.values[:, columns])


def greedy(
    frames: Frames,
    fit: Fit,
    poses: Sequence[int],
    limit: int,
    max_error: float,
    progress: Progress,
) -> tuple[list[int], Fit]:
    """Add the frame that is rebuilt worst as a shape, until all are within `max_error`.

    fit: by the K shapes there are. poses: rows of frames taken already. Returns the rows taken,
    those before first.
    """
    poses = list(poses)
    fit = frames.judged(fit, max_error)
    while fit.errors.max(initial=0.0) > max_error and len(fit.mixtures) < limit:
        progress(len(fit.mixtures) / limit, f"Choosing shape {len(fit.mixtures) + 1}")
        poses.append(_next_pose(fit.errors, poses))
        fit = _with_pose(frames, poses[-1], fit, max_error)
    return poses, fit


def _with_pose(frames: Frames, pose: int, previous: Fit, max_error: float) -> Fit:
    """Weights for the shapes there are and one more; if that misses, polish all of them."""
    own = np.zeros((1, len(frames.values)))
    own[0, pose] = 1.0
    mixtures = np.concatenate([previous.mixtures, own])
    weights = np.pad(previous.weights, ((0, 0), (0, 1)))
    current = best = frames.judged(frames.solved(mixtures, weights, _SWEEPS), max_error)
    importance = np.ones(len(frames.values))
    for _ in range(_POLISH_ROUNDS):
        if best.errors.max() <= max_error:
            return best
        # Frames with large errors count more: the promise is about the largest, not the mean.
        importance = importance * (0.2 + current.errors / max(current.errors.max(), 1e-30))
        importance /= importance.max()
        mixtures = _best_mixtures(current.weights, importance)
        current = frames.solved(mixtures, current.weights, _POLISH_SWEEPS)
        if current.errors.max() < best.errors.max():
            best = frames.judged(current, max_error)
    return frames.judged(frames.solved(best.mixtures, best.weights, _SWEEPS), max_error)


def bounded_weights(
    gram: FloatArray,
    products: FloatArray,
    start: FloatArray,
    is_resting: NDArray[np.bool_],
    num_sweeps: int = _SWEEPS,
) -> FloatArray:
    """(T, K) least squares weights within [0, 1], by coordinate descent.

    gram: (K, K) of the shapes; products: (T, K) of frames and shapes; start: (T, K). A frame that
    is_resting, (T,), gets weights of exactly 0.
    """
    weights = np.clip(start, 0.0, 1.0).T.copy()  # a row per shape
    asked = np.ascontiguousarray(products.T)
    diagonal = np.maximum(np.diag(gram), 1e-30)
    for _ in range(num_sweeps):
        largest = 0.0
        for k in range(len(gram)):
            row = weights[k] + (asked[k] - gram[k] @ weights) / diagonal[k]
            np.minimum(np.maximum(row, 0.0, out=row), 1.0, out=row)
            largest = max(largest, float(np.abs(row - weights[k]).max(initial=0.0)))
            weights[k] = row
        if largest < 1e-7:
            break
    weights[weights < _SMALLEST_WEIGHT] = 0.0
    weights[:, is_resting] = 0.0
    return weights.T


def peaks_of(weights: FloatArray) -> FloatArray:
    """(K,) by which shapes grow and weights shrink, so that every slider at 1 is a pose."""
    peaks = weights.max(axis=0)
    return np.where(peaks > 0, peaks, 1.0)


def played_errors(frames: FloatArray, shapes: FloatArray, weights: FloatArray) -> FloatArray:
    """(T,) largest vertex distance of (T, 3 M) frames from what shapes and weights play."""
    played = weights.astype(np.float32)
    rows = [slice(s, s + _FRAMES_AT_ONCE) for s in range(0, len(frames), _FRAMES_AT_ONCE)]
    return np.concatenate([frame_errors(frames[r] - played[r] @ shapes) for r in rows])


def frame_errors(residuals: FloatArray) -> FloatArray:
    """(T,) largest vertex length of (T, 3 M) residuals."""
    squares = vertex_squares(residuals)
    if squares.shape[1] == 0:
        return np.zeros(len(residuals))
    return np.sqrt(squares.max(axis=1).astype(np.float64))


def vertex_squares(residuals: FloatArray) -> FloatArray:
    """(T, M) squared lengths of (T, 3 M)."""
    vectors = residuals.reshape(len(residuals), -1, 3)
    return np.asarray(np.einsum("tnx,tnx->tn", vectors, vectors))


def _best_mixtures(weights: FloatArray, importance: FloatArray) -> FloatArray:
    """(K, T) the shapes that best rebuild all frames from (T, K) weights, by (T,) importance."""
    root = np.sqrt(importance)[:, None]
    return np.asarray(np.linalg.pinv(root * weights, rcond=1e-6) * root.T)


def _next_pose(errors: FloatArray, taken: Sequence[int]) -> int:
    """The frame rebuilt worst that is not yet a shape."""
    order = np.argsort(-errors, kind="stable")
    return int(next(t for t in order if t not in taken))
