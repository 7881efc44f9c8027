"""Pushes for many frames at once: just as strong as needed, never pulling.

Each frame is a linear complementarity problem, 0 <= f, 0 <= K f - d, f (K f - d) = 0, for the
depths d of the handles and the motion K f that pushes f cause. It is solved as the quadratic
programme it belongs to, by accelerated projected gradients (Nesterov 1983; for contact, Mazhar et
al. 2015): only products of matrices, all frames together, each frame's answer independent of the
others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]

_NUM_STEPS = 20
# Of a handle's own give, what is added so that handles side by side do not fight.
_SOFTNESS = 0.005


def largest_stretch(gram: FloatArray) -> float:
    """The largest eigenvalue of a symmetric (H, H) gram matrix; bounds those of its parts."""
    return float(np.linalg.eigvalsh(gram)[-1]) if len(gram) else 1.0


def moved_by(gram: FloatArray, pushes: FloatArray) -> FloatArray:
    """(H, T, 3) motion of the handles for (H, T, 3) pushes."""
    return (gram @ pushes.reshape(len(gram), -1)).reshape(pushes.shape)


def along(vectors: FloatArray, directions: FloatArray) -> FloatArray:
    """(..., ) products of (..., 3) vectors and directions."""
    return np.einsum("...x,...x->...", vectors, directions)


def solve_pushes(
    gram: FloatArray, stretch: float, normals: FloatArray, depths: FloatArray, start: FloatArray
) -> FloatArray:
    """(H, T) strengths >= 0 that move every handle out along its normal by its depth.

    gram: (H, H); stretch: at least its largest eigenvalue; normals: (H, T, 3) unit; depths: (H, T)
    mm, of handles that are free below 0; start: (H, T) a guess.
    """
    soft = _SOFTNESS * np.diag(gram)[:, None]
    rate = 1.0 / (stretch + float(soft.max(initial=0.0)))
    strengths, ahead, momentum = start, start, 1.0
    for _ in range(_NUM_STEPS):
        moved = along(moved_by(gram, ahead[..., None] * normals), normals)
        step = np.maximum(ahead - rate * (moved + soft * ahead - depths), 0.0)
        following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
        change = step - strengths
        # Where the way ahead leads back, momentum is lost (O'Donoghue & Candes 2015).
        is_back = np.einsum("ht,ht->t", ahead - step, change) > 0
        ahead = np.maximum(
            step + np.where(is_back, 0.0, (momentum - 1.0) / following) * change, 0.0
        )
        strengths, momentum = step, following
    return strengths
