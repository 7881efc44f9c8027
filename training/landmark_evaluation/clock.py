"""Sequences of different lengths on one clock: that of their marks, or of their length alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]


def at_times(motion: FloatArray, times: FloatArray) -> NDArray[np.float32]:
    """(N, ...) a motion (T, ...) at (N,) times in frames: linear between, held at the ends."""
    times = np.clip(times, 0, len(motion) - 1)
    low = np.minimum(times.astype(int), max(len(motion) - 2, 0))
    share = (times - low).reshape(-1, *[1] * (motion.ndim - 1)).astype(np.float32)
    high = np.minimum(low + 1, len(motion) - 1)
    return ((1 - share) * motion[low] + share * motion[high]).astype(np.float32)


def retimed(
    motion: FloatArray, marks: FloatArray, wanted: FloatArray, frames: IntArray
) -> NDArray[np.float32]:
    """(N, ...) a motion (T, ...) with (4,) marks, at (N,) frames of a sequence with (4,) others.

    Before the first and after the last mark time runs as it does there: rest stays rest.
    """
    last = len(motion) - 1
    sources = np.concatenate([[marks[0] - _MARGIN], marks, [marks[3] + _MARGIN]])
    targets = np.concatenate([[wanted[0] - _MARGIN], wanted, [wanted[3] + _MARGIN]])
    keep = np.concatenate([[True], np.diff(targets) > 0])  # phases that have no length
    times = np.interp(frames, targets[keep], sources[keep])
    return at_times(motion, np.clip(times, 0, last))


def stretched(motion: FloatArray, num_frames: int) -> NDArray[np.float32]:
    """(num_frames, ...) the whole motion (T, ...) at another length."""
    return at_times(motion, np.linspace(0, len(motion) - 1, num_frames))


# Rest before and after the marks: longer than any sequence, frames.
_MARGIN = 1e4
