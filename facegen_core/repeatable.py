"""Products and solutions whose last bits do not depend on how many threads BLAS has.

BLAS shares a large product among its threads and then adds in another order: a head matched on one
computer would end in other last bits on the next. It keeps small ones to one thread (OpenBLAS:
below 2**18 multiplications, with a vector 9,216), so here a large one is made of small ones,
always the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

FloatArray = NDArray[np.floating]

# Multiplications of one product of matrices, and of one with a vector: half of what is shared.
_UNSHARED, _UNSHARED_WITH_VECTOR = 1 << 17, 1 << 12


def inner(left: FloatArray, right: FloatArray) -> FloatArray:
    """(K, L) of (N, K) and (N, L): ``left.T @ right``, a sum over many rows."""
    sizes = left.shape[1], right.shape[1]
    most = _UNSHARED_WITH_VECTOR if 1 in sizes else _UNSHARED
    step = max(1, most // max(sizes[0] * sizes[1], 1))
    result = np.zeros(sizes)
    for start in range(0, len(left), step):
        result += left[start : start + step].T @ right[start : start + step]
    return result


def weighted_sum(weights: FloatArray, rows: FloatArray) -> FloatArray:
    """(K,) of (N,) and (N, K): ``weights @ rows``."""
    return inner(weights[:, None], rows)[0]


def by_columns(left: FloatArray, right: FloatArray) -> FloatArray:
    """(..., M, N) of (M, K) and (..., K, N): ``left @ right``, some columns at a time."""
    step = max(1, _UNSHARED // max(left.size, 1))
    parts = [left @ right[..., s : s + step] for s in range(0, max(right.shape[-1], 1), step)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)


def solve_normal(system: FloatArray, goal: FloatArray) -> FloatArray:
    """(K,) solution of normal equations, K up to a hundred: by Cholesky, which shares later.

    Raises np.linalg.LinAlgError for a system that has no solution.
    """
    try:
        return cho_solve(cho_factor(system, lower=True), goal)
    except LinAlgError:  # so close to singular that rounding made it indefinite
        return np.linalg.solve(system, goal)
