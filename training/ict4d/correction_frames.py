"""Which frames of a take are solved exactly, and how those between follow.

The correction of a take (nonlinear minus linear motion, see shape_combination) is smooth in time
and 0 at both ends. It is solved at a few frames, chosen where a cheap stand-in for it (products of
activations, and how far the lips would overlap) is followed worst by what is chosen already; in
between, cubic Hermite pieces with the tangents of Catmull & Rom (1974) for uneven steps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]


def choose_frames(stand_in: FloatArray, fixed: IntArray, count: int) -> IntArray:
    """Sorted frames, `count` more than the fixed ones, that (T, N) features are best followed from.

    fixed: frames that belong to it anyway, the first and last moving ones among them. Fewer come
    back when the take has no more, or when the features are followed exactly.
    """
    chosen = np.unique(fixed)
    within = slice(chosen[0], chosen[-1] + 1)
    for _ in range(count):
        misses = stand_in - between_frames(chosen, len(stand_in)) @ stand_in[chosen]
        worst = chosen[0] + int(np.linalg.norm(misses[within], axis=1).argmax())
        if worst in chosen:
            break
        chosen = np.union1d(chosen, [worst])
    return chosen


def between_frames(nodes: IntArray, num_frames: int) -> FloatArray:
    """(T, R) weights with which (R, ...) values at sorted nodes are blended at every frame.

    1 at a node, at most four nodes in between, none before the first and after the last, where the
    tangents are 0.
    """
    nodes = np.asarray(nodes)
    R = len(nodes)  # noqa: N806
    weights = np.zeros((num_frames, R))
    tangents = np.zeros((R, R))
    for r in range(1, R - 1):
        before, after = nodes[r] - nodes[r - 1], nodes[r + 1] - nodes[r]
        left, right = after / (before + after), before / (before + after)
        tangents[r, r - 1] = -left / before
        tangents[r, r] = left / before - right / after
        tangents[r, r + 1] = right / after
    for r in range(R - 1):
        length = nodes[r + 1] - nodes[r]
        frames = np.arange(nodes[r], nodes[r + 1])
        t = ((frames - nodes[r]) / length)[:, None]
        weights[frames] += (1 + 2 * t) * (1 - t) ** 2 * np.eye(R)[r]
        weights[frames] += t * t * (3 - 2 * t) * np.eye(R)[r + 1]
        weights[frames] += length * t * (1 - t) ** 2 * tangents[r]
        weights[frames] += length * t * t * (t - 1) * tangents[r + 1]
    weights[nodes[-1], R - 1] = 1.0
    return weights
