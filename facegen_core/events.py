"""Expression events read out of the keys of a channel.

The curve is the only truth. An event is a stretch of it above zero: from the key it rises from
(onset start) over the first and last key at its peak (apex start, apex end) to the key at which it
is at rest again (offset end). A stretch that never comes to rest in between is one event, however
many peaks it has: its peaks share keys and could not be moved one by one. Keys at rest that end
one event and begin the next belong to both.

An event is a plain envelope when its keys are those that `envelope_keys` writes: up, hold, down,
with ramps of a named ease. Every other shape was drawn by hand, and is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .channel_keys import AUTO_HANDLE, REST, KeyArray
from .eases import ease_named
from .intensity import Envelope

# Keys this near the highest are at the peak: a plateau drawn by hand is never quite flat.
PEAK_SHARE = 0.01
_BEZIER_SAMPLES = np.linspace(0.0, 1.0, 33)


@dataclass(frozen=True)
class Event:
    """An event on a channel.

    marks: onset start, apex start, apex end, offset end in frames, none before the one to its
    left. intensity: the highest value the curve reaches. rows: the keys at the marks, counted
    from 0. onset_ease, offset_ease: names of EASES; empty where the event was drawn by hand.
    """

    expression: str
    marks: tuple[float, float, float, float]
    intensity: float
    rows: tuple[int, int, int, int]
    onset_ease: str = ""
    offset_ease: str = ""

    @property
    def is_drawn(self) -> bool:
        """Whether the artist drew the shape: it is not a plain envelope."""
        return not self.onset_ease

    @property
    def envelope(self) -> Envelope | None:
        """The event as an envelope, or None where it was drawn by hand."""
        if self.is_drawn:
            return None
        return Envelope(
            self.expression, *self.marks, self.intensity, self.onset_ease, self.offset_ease
        )


def read_events(expression: str, keys: KeyArray) -> tuple[Event, ...]:
    """The events of a channel, in the order of time; none where a key is no number."""
    if not all(np.isfinite(keys[name]).all() for name in ("frame", "value", "left", "right")):
        return ()
    return tuple(_event(expression, keys, first, last) for first, last in _stretches(keys))


def _stretches(keys: KeyArray) -> list[tuple[int, int]]:
    """First and last key of every stretch above zero."""
    is_up = keys["value"] > REST
    if len(keys) == 1:
        return [(0, 0)] if is_up[0] else []
    found: list[tuple[int, int]] = []
    for row in range(len(keys) - 1):
        if not (is_up[row] or is_up[row + 1] or _segment_peak(keys, row) > REST):
            continue
        if found and found[-1][1] == row and is_up[row]:
            found[-1] = (found[-1][0], row + 1)
        else:
            found.append((row, row + 1))
    return found


def _event(expression: str, keys: KeyArray, first: int, last: int) -> Event:
    values = keys["value"][first : last + 1]
    at_peak = first + np.flatnonzero(values >= (1.0 - PEAK_SHARE) * values.max() - REST)
    rows = (first, int(at_peak[0]), int(at_peak[-1]), last)
    peak = max([float(values.max()), *(_segment_peak(keys, row) for row in range(first, last))])
    eases = _plain_eases(keys[first : last + 1])
    marks = [float(keys["frame"][row]) for row in rows]
    onset_ease, offset_ease = eases or ("", "")
    return Event(
        expression,
        (marks[0], marks[1], marks[2], marks[3]),
        min(peak, 1.0),
        rows,
        onset_ease,
        offset_ease,
    )


def _plain_eases(span: KeyArray) -> tuple[str, str] | None:
    """The eases of onset and offset when these keys are a plain envelope."""
    values = span["value"]
    if len(span) not in (3, 4) or np.abs(values[[0, -1]]).max() > REST:
        return None
    if abs(values[1] - values[-2]) > REST or not 0.0 < values[1] <= 1.0 + REST:
        return None
    is_hold_level = len(span) == 3 or _is_level(span, 1)
    eases = tuple(_segment_ease(span, row) for row in (0, len(span) - 2))
    return (eases[0], eases[1]) if is_hold_level and all(eases) else None


def _segment_ease(span: KeyArray, row: int) -> str:
    name = ease_named(str(span["interpolation"][row]), str(span["easing"][row]))
    if span["interpolation"][row] != "BEZIER":
        return name
    handles = {str(span["right_type"][row]), str(span["left_type"][row + 1])}
    return name if handles == {AUTO_HANDLE} else ""


def _is_level(span: KeyArray, row: int) -> bool:
    """Whether a segment between equal values stays at that value."""
    if span["interpolation"][row] != "BEZIER":
        return span["interpolation"][row] != "ELASTIC"
    handles = [span["right"][row, 1], span["left"][row + 1, 1]]
    return bool(np.abs(np.array(handles) - span["value"][row]).max() <= REST)


def _segment_peak(keys: KeyArray, row: int) -> float:
    """The highest value between a key and the next; of Bezier segments, between their keys too."""
    ends = keys["value"][[row, row + 1]]
    if keys["interpolation"][row] != "BEZIER":
        return float(ends.max())
    (start, _), (stop, _) = handles = keys["right"][row], keys["left"][row + 1]
    if max(handles[0][1], handles[1][1]) <= ends.max():
        return float(ends.max())
    # Handles that reach past each other are shortened, or the curve would run back in time.
    length = keys["frame"][row + 1] - keys["frame"][row]
    reach = abs(start - keys["frame"][row]) + abs(keys["frame"][row + 1] - stop)
    share = min(1.0, length / reach) if reach > 0 else 1.0
    controls = ends[[0, 0, 1, 1]].copy()
    controls[1] += share * (handles[0][1] - ends[0])
    controls[2] += share * (handles[1][1] - ends[1])
    u = _BEZIER_SAMPLES
    weights = np.stack([(1 - u) ** 3, 3 * u * (1 - u) ** 2, 3 * u * u * (1 - u), u**3])
    return float((controls @ weights).max())
