"""The keys of an intensity channel as one array: times, values, ways between them, handles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .eases import EASES
from .intensity import Envelope

# Animation curves keep frames in single precision; nearer than this counts as the same frame.
SAME_FRAME = 1e-3
# An intensity no larger than this is rest, and no larger difference of two is one.
REST = 1e-5

# One key: `left` and `right` are its handles (frame, value); `back`, `amplitude` and `period`
# belong to eases that swing; `kind` is the number the application gives to breakdowns, extremes …
KEY = np.dtype(
    [
        ("frame", "f8"),
        ("value", "f8"),
        ("interpolation", "U12"),
        ("easing", "U12"),
        ("left", "f8", (2,)),
        ("right", "f8", (2,)),
        ("left_type", "U12"),
        ("right_type", "U12"),
        ("back", "f8"),
        ("amplitude", "f8"),
        ("period", "f8"),
        ("kind", "i4"),
    ]
)
KeyArray = NDArray[Any]  # (N,) of KEY, frames rising
AUTO_HANDLE = "AUTO_CLAMPED"


def new_keys(frames: Any, values: Any) -> KeyArray:
    """(N,) linear keys; their handles are automatic, ready for when they become Bezier keys."""
    keys = np.zeros(len(frames), KEY)
    keys["frame"], keys["value"] = frames, values
    keys["interpolation"], keys["easing"] = "LINEAR", "AUTO"
    keys["left_type"] = keys["right_type"] = AUTO_HANDLE
    # What a new key has in Blender, should the artist choose an ease that swings.
    keys["back"], keys["amplitude"], keys["period"] = 1.70158, 0.8, 4.1
    lay_handles_flat(keys)
    return keys


def lay_handles_flat(keys: KeyArray) -> None:
    """Point handles at a third of the way to the neighbouring keys, level with their own."""
    gaps = np.diff(keys["frame"]) / 3.0
    before, after = np.append(1.0, gaps)[: len(keys)], np.append(gaps, 1.0)[: len(keys)]
    for side, lengths in (("left", -before), ("right", after)):
        keys[side][:, 0] = keys["frame"] + lengths
        keys[side][:, 1] = keys["value"]


def envelope_keys(envelope: Envelope) -> KeyArray:
    """The four keys of an envelope, or three where its apex is a single frame."""
    marks, height = list(envelope.marks), envelope.intensity
    values, eases = [0.0, height, height, 0.0], [envelope.onset_ease, "linear"]
    eases += [envelope.offset_ease, "linear"]
    if envelope.apex_end - envelope.apex_start <= SAME_FRAME:
        del marks[2], values[2], eases[1]
    keys = new_keys(marks, values)
    for row, name in enumerate(eases):
        keys["interpolation"][row] = EASES[name].interpolation
        keys["easing"][row] = EASES[name].easing
    return keys


def joined(left: KeyArray, right: KeyArray) -> KeyArray:
    """Keys after one another; two at the same frame become one that comes and goes as they did."""
    if not (len(left) and len(right)):
        return np.concatenate([left, right])
    if right["frame"][0] - left["frame"][-1] > SAME_FRAME:
        return np.concatenate([left, right])
    meeting = right.copy()
    meeting["left"][0] = left["left"][-1] + [right["frame"][0] - left["frame"][-1], 0.0]
    meeting["left_type"][0] = left["left_type"][-1]
    return np.concatenate([left[:-1], meeting])
