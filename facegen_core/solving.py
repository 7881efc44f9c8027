"""A clip played by shape keys that are there already: bounded least squares, and what it misses.

Shapes that were not made from the clip cannot play all of it, so the error is measured on every
vertex and frame that moves and said with the result. Weights of all frames are found together
by coordinate descent over the Gram matrix of the shapes, which is small however large the head.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import TopologyMismatchError
from .progress import Progress, no_progress

FloatArray = NDArray[np.floating]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.integer]

# Sweeps over all weights, and the change below which they have settled: a ten-thousandth of a
# slider, which moves no face visibly.
_MAX_SWEEPS, _SETTLED = 3000, 1e-6
# Weights below this move nothing visible and would only keep a shape key awake in the viewport.
_SMALLEST_WEIGHT = 1e-5
# Numbers of a block of vertices or frames that are worked on at a time.
_BLOCK_SIZE = 6_000_000
# Vertices that neither clip nor shapes move this far do not dilute the mean error.
_MOVES_MM = 0.01


@dataclass(frozen=True)
class SolveSettings:
    """How weights are found.

    smoothness: at 0 every frame stands for itself; above, jumps of a weight between neighbouring
    frames cost as much as that share of the motion of its shape.
    sparsity: a shape must explain more than about this share of a full weight to be used at all, so
    that few are used where several would do. A full weight costs by how far the shape moves.
    """

    smoothness: float = 0.0
    sparsity: float = 0.0


@dataclass(frozen=True)
class Accuracy:
    """How far some shapes are from a clip, over frames and vertices that move.

    mean_mm, p95_mm, max_mm: distances on a head of real size. worst_row: the row of the clip with
    the largest. missed: the area of the face with the largest mean distance in that row, "" where
    nothing is missed.
    """

    mean_mm: float
    p95_mm: float
    max_mm: float
    worst_row: int
    missed: str


@dataclass(frozen=True, eq=False)
class Solution:
    """(T, K) weights of some shapes, and how far what they play is from the clip."""

    weights: FloatArray
    accuracy: Accuracy


def solve_weights(
    displacements: FloatArray,
    shapes: FloatArray,
    bounds: FloatArray | None = None,
    importance: FloatArray | None = None,
    settings: SolveSettings | None = None,
    progress: Progress = no_progress,
) -> FloatArray:
    """(T, K) weights with which (K, M, 3) shapes come closest to (T, M, 3) displacements.

    bounds: (K, 2) lowest and highest weight of each shape, [0, 1] by default. importance: (M,) how
    much each vertex counts, at least 0, all the same by default. A frame at rest has the lowest
    weights, 0 unless the bounds say otherwise. Raises TopologyMismatchError for arrays that do not
    fit each other or are not finite.
    """
    settings = settings or SolveSettings()
    _check(displacements, shapes)
    num_frames, num_shapes = len(displacements), len(shapes)
    if bounds is None:
        bounds = np.tile([0.0, 1.0], (num_shapes, 1))
    low, high = np.asarray(bounds, np.float64).reshape(num_shapes, 2).T
    weights = np.tile(low, (num_frames, 1))
    moving = displacements.any(axis=(1, 2))
    if not moving.any() or num_shapes == 0:
        return weights
    gram, products = _normal_equations(displacements, shapes, importance)
    solver = _Descent(gram, products, low, high, moving, settings)
    for sweep in range(_MAX_SWEEPS):
        if sweep % 50 == 0:
            progress(sweep / _MAX_SWEEPS, "Solving into shape keys")
        if solver.sweep(weights) < _SETTLED:
            break
    weights[(weights < _SMALLEST_WEIGHT) & (low == 0.0)] = 0.0
    return weights


def accuracy(
    displacements: FloatArray,
    shapes: FloatArray,
    weights: FloatArray,
    mm_per_unit: float = 1.0,
    areas: Mapping[str, FloatArray] | None = None,
) -> Accuracy:
    """How far (T, K) weights of (K, M, 3) shapes are from the (T, M, 3) clip.

    areas: {name: (M,) in [0, 1]} by which to say what is missed.
    """
    _check(displacements, shapes)
    threshold = _MOVES_MM / mm_per_unit
    moves = _largest(displacements) > threshold  # (M,)
    moves |= _largest(shapes * weights.max(axis=0, initial=0.0)[:, None, None]) > threshold
    rows = np.flatnonzero(displacements.any(axis=(1, 2)) | weights.any(axis=1))
    if len(rows) == 0 or not moves.any():
        return Accuracy(0.0, 0.0, 0.0, 0, "")
    distances = np.empty((len(rows), int(moves.sum())), np.float32)
    flat = shapes[:, moves].reshape(len(shapes), -1).astype(np.float32)
    step = max(1, _BLOCK_SIZE // flat.shape[1])
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        missing = displacements[some][:, moves] - (weights[some].astype(np.float32) @ flat).reshape(
            len(some), -1, 3
        )
        distances[start : start + step] = np.linalg.norm(missing, axis=2)
    distances *= np.float32(mm_per_unit)
    worst = int(distances.max(axis=1).argmax())
    return Accuracy(
        float(distances.mean(dtype=np.float64)),
        float(np.percentile(distances, 95)),
        float(distances.max()),
        int(rows[worst]),
        _most_missed(distances[worst], moves, areas or {}),
    )


class _Descent:
    """Exact steps along one shape at a time, for every frame that moves.

    gram: (K, K), products: (T, K); low, high: (K,); moving: (T,) frames to be solved.
    """

    def __init__(
        self,
        gram: FloatArray,
        products: FloatArray,
        low: FloatArray,
        high: FloatArray,
        moving: BoolArray,
        settings: SolveSettings,
    ) -> None:
        self._gram, self._low, self._high = gram, low, high
        self._diagonal = np.diag(gram).copy()
        # Shapes that move nothing that counts rest; rounding of the others is no reason to move.
        self._used = np.flatnonzero(self._diagonal > 1e-14 * self._diagonal.max(initial=0.0))
        reach = np.sqrt(np.maximum(self._diagonal, 0.0))
        self._products = products - settings.sparsity * reach * np.sqrt(np.mean(self._diagonal))
        self._smoothness = settings.smoothness
        num_colours = 3 if settings.smoothness > 0 else 1
        frames = np.arange(len(products))
        # Smoothness ties a frame to two on either side: every third can be moved at once.
        self._colours = [
            frames[moving & (frames % num_colours == colour)] for colour in range(num_colours)
        ]
        self._bend = _bending(len(products)) if settings.smoothness > 0 else None

    def sweep(self, weights: FloatArray) -> float:
        """Improve (T, K) weights in place; returns the largest change."""
        largest = 0.0
        for k in self._used:
            for frames in self._colours:
                if len(frames) == 0:
                    continue
                own = weights[frames, k]
                slope = self._products[frames, k] - weights[frames] @ self._gram[:, k]
                curvature = self._diagonal[k]
                if self._bend is not None:
                    stiffness = self._smoothness * self._diagonal[k]
                    bending, stiff = self._bend
                    slope = slope - stiffness * bending(weights[:, k])[frames]
                    curvature = curvature + stiffness * stiff[frames]
                moved = np.clip(own + slope / curvature, self._low[k], self._high[k])
                weights[frames, k] = moved
                largest = max(largest, float(np.abs(moved - own).max()))
        return largest


def _bending(num_frames: int):  # type: ignore[no-untyped-def]
    """The slope of half the squared second differences of (T,), and its own curvature (T,)."""

    def second(values: FloatArray) -> FloatArray:
        return values[:-2] - 2.0 * values[1:-1] + values[2:]

    def slope(values: FloatArray) -> FloatArray:
        result = np.zeros(num_frames)
        if num_frames > 2:
            bent = second(values)
            result[:-2] += bent
            result[1:-1] -= 2.0 * bent
            result[2:] += bent
        return result

    stiff = np.zeros(num_frames)
    if num_frames > 2:
        stiff[:-2] += 1.0
        stiff[1:-1] += 4.0
        stiff[2:] += 1.0
    return slope, stiff


def _normal_equations(
    displacements: FloatArray, shapes: FloatArray, importance: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """(K, K) Gram matrix of the shapes and (T, K) products with the frames, by importance.

    Rounded to whole numbers whose sums float64 holds exactly: matrix products add in another order
    on another number of threads, and weights must not depend on it.
    """
    num_frames, num_vertices = displacements.shape[:2]
    shares = np.ones(num_vertices) if importance is None else np.asarray(importance, np.float64)
    gram = np.zeros((len(shapes), len(shapes)))
    products = np.zeros((num_frames, len(shapes)))
    moved = np.flatnonzero(shapes.any(axis=(0, 2)) & (shares > 0))
    roots = np.sqrt(shares)
    of_shapes, of_frames = (_grid(rows, moved, roots) for rows in (shapes, displacements))
    step = max(256, _BLOCK_SIZE // (3 * (num_frames + len(shapes))))
    for start in range(0, len(moved), step):
        block = moved[start : start + step]
        whole, frames = (
            np.rint(rows[:, block] * (roots[block, None] * grid[:, None, None]))
            for rows, grid in ((shapes, of_shapes), (displacements, of_frames))
        )
        whole = whole.reshape(len(shapes), -1)
        gram += whole @ whole.T
        products += frames.reshape(num_frames, -1) @ whole.T
    return gram / (of_shapes[:, None] * of_shapes), products / (of_frames[:, None] * of_shapes)


def _grid(rows: FloatArray, moved: IntArray, roots: FloatArray) -> FloatArray:
    """(N,) powers of 2 that make whole numbers of (N, M, 3), small enough to sum two exactly."""
    largest = np.zeros(len(rows))
    for n, row in enumerate(rows):
        lengths = np.abs(row[moved]).max(axis=1, initial=0.0) * roots[moved]
        largest[n] = lengths.max(initial=0.0)
    bits = (52 - int(np.ceil(np.log2(max(3 * len(moved), 1))))) // 2
    exponents = np.frexp(np.where(largest > 0, largest, 1.0))[1]  # below 2 to this power
    return np.ldexp(1.0, bits - exponents)


def _largest(motion: FloatArray) -> FloatArray:
    """(M,) largest length of each vertex in (N, M, 3)."""
    if len(motion) == 0:
        return np.zeros(motion.shape[1])
    return np.sqrt(np.einsum("nmx,nmx->nm", motion, motion).max(axis=0))


def _most_missed(distances: FloatArray, moves: BoolArray, areas: Mapping[str, FloatArray]) -> str:
    """The area with the largest mean of (N,) distances of the vertices that move."""
    means = {}
    for name, shares in areas.items():
        share = shares[moves]
        if share.sum() > 0:
            means[name] = float((share * distances).sum() / share.sum())
    name = max(means, key=means.__getitem__, default="")
    return name if means.get(name, 0.0) > 0 else ""


def _check(displacements: FloatArray, shapes: FloatArray) -> None:
    if displacements.ndim != 3 or shapes.ndim != 3 or displacements.shape[1:] != shapes.shape[1:]:
        raise TopologyMismatchError(
            f"Shapes (K, M, 3) and clip (T, M, 3) are of different meshes: {shapes.shape} and "
            f"{displacements.shape}."
        )
    if not np.isfinite(shapes).all():
        shape = int(np.flatnonzero(~np.isfinite(shapes).all(axis=(1, 2)))[0])
        raise TopologyMismatchError(f"Shape {shape} has vertices that are not finite.")
    if not np.isfinite(displacements).all():
        frame = int(np.flatnonzero(~np.isfinite(displacements).all(axis=(1, 2)))[0])
        raise TopologyMismatchError(f"Frame {frame} of the clip has vertices that are not finite.")
