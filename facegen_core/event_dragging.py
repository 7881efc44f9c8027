"""Events under the pointer: a mark goes where it is pulled, as far as its neighbours let it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .channel_keys import SAME_FRAME, KeyArray
from .event_edits import room, with_intensity, with_marks
from .events import Event

MARKS = ("onset_start", "apex_start", "apex_end", "offset_end")
# The parts of an event that can be pulled: its marks, its peak, and the whole of it.
PARTS = (*MARKS, "intensity", "event")
# The shortest ramp an artist can make, in frames, where frames are not whole.
_SHORTEST = 0.1
_LEAST_INTENSITY = 0.01


def pulled(
    keys: KeyArray, event: Event, part: str, target: float, is_whole: bool = False
) -> KeyArray:
    """The channel with a part of PARTS pulled to `target`, or as near to it as can be.

    target: a frame, for the whole event that of its onset start; an intensity for the peak.
    is_whole: whether ramps stay at least a frame long.
    """
    if part == "intensity":
        return with_intensity(keys, event, float(np.clip(target, _LEAST_INTENSITY, 1.0)))
    if part == "event":
        low, high = room(keys, event)
        frames = np.clip(target, low, high - (event.marks[3] - event.marks[0])) - event.marks[0]
        return with_marks(keys, event, [mark + frames for mark in event.marks])
    return with_marks(keys, event, marks_with(keys, event, MARKS.index(part), target, is_whole))


def marks_with(
    keys: KeyArray, event: Event, number: int, frame: float, is_whole: bool = False
) -> list[float]:
    """The event's marks with one of the four at `frame`, or as near to it as the others let it."""
    marks, rows = list(event.marks), event.rows
    low, high = room(keys, event)
    bounds = [low, *marks, high]
    gaps = [0.0, *(_gap(event, part, is_whole) for part in range(3)), 0.0]
    lowest, highest = bounds[number] + gaps[number], bounds[number + 2] - gaps[number + 1]
    tied = {0: 1, 1: 0, 2: 3, 3: 2}[number]
    if rows[tied] == rows[number] and {tied, number} != {1, 2}:
        # A curve that begins or ends at its peak: both marks are one key.
        lowest = -np.inf if number < 2 else marks[1] + gaps[2]
        highest = marks[2] - gaps[2] if number < 2 else np.inf
        marks[tied] = float(np.clip(frame, lowest, max(lowest, highest)))
    if lowest <= highest:  # else there is no room at all, and it stays
        marks[number] = float(np.clip(frame, lowest, highest))
    return marks


def placed(frame: float, step: float, snaps: Sequence[float] = (), reach: float = 0.0) -> float:
    """Where a pull to `frame` means: the nearest of `snaps` within `reach`, else a whole step."""
    near = [snap for snap in snaps if abs(snap - frame) <= reach]
    if near:
        return min(near, key=lambda snap: abs(snap - frame))
    return round(frame / step) * step if step else frame


def _gap(event: Event, part: int, is_whole: bool) -> float:
    """The shortest a part between two marks may be, in frames; no longer than it is."""
    num_steps = event.rows[part + 1] - event.rows[part]
    length = event.marks[part + 1] - event.marks[part]
    if part == 1 and num_steps <= 1:
        return 0.0
    least = 1.0 if is_whole else _SHORTEST
    return min(max(least, 2.0 * num_steps * SAME_FRAME), length)
