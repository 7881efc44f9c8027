"""What an artist does to events: each act takes the keys of a channel and returns new ones.

Every act is one of two things to the event's own keys: their times are stretched between the four
marks, or their values are scaled. Handles go along, so a curve drawn by hand keeps its shape and a
plain envelope stays one. Keys of other events are never touched; where two events share a key at
rest, each keeps one when they part. IntensityError says what stands in the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .channel_keys import AUTO_HANDLE, REST, SAME_FRAME, KeyArray, joined
from .eases import EASES, LINEAR
from .errors import IntensityError
from .events import Event, read_events
from .numeric import counted

Marks = Sequence[float]
# The parts of an event between its marks: onset, apex, offset.
_NUM_PARTS = 3


def room(keys: KeyArray, event: Event) -> tuple[float, float]:
    """How far an event may reach to either side: up to the next keys, which it may share."""
    first, last = event.rows[0], event.rows[3]
    frames, values = keys["frame"], keys["value"]
    low = frames[first - 1] if first > 0 else -np.inf
    high = frames[last + 1] if last + 1 < len(keys) else np.inf
    if _is_shared_left(keys, event):
        low = frames[first]
    if _is_shared_right(keys, event):
        high = frames[last]
    # An event that never comes to rest on a side has no neighbour there.
    return (
        float(low if values[first] <= REST else -np.inf),
        float(high if values[last] <= REST else np.inf),
    )


def with_marks(keys: KeyArray, event: Event, marks: Marks) -> KeyArray:
    """The event between other marks (4 frames): its keys are moved, its shape is kept."""
    marks = _checked(keys, event, marks)
    span = _stretched(_roomy(keys, event, marks), event, marks)
    return put(keys, event, span)


def moved(keys: KeyArray, event: Event, frames: float) -> KeyArray:
    """The event so many frames later, or earlier where negative."""
    return with_marks(keys, event, [mark + frames for mark in event.marks])


def tempo_marks(event: Event, tempo: float) -> list[float]:
    """The marks of an event that is so many times as fast. Raises IntensityError unless above 0."""
    if not (np.isfinite(tempo) and tempo > 0):
        raise IntensityError(f"The tempo must be above 0, got {tempo:g}.")
    start = event.marks[0]
    return [start + (mark - start) / tempo for mark in event.marks]


def hold_marks(event: Event, frames: float) -> list[float]:
    """The marks of an event that stays at its apex for so many frames."""
    if not (np.isfinite(frames) and frames >= 0):
        raise IntensityError(f"An apex cannot last {frames:g} frames: give 0 or more.")
    onset, apex, end, offset = event.marks
    return [onset, apex, apex + frames, offset + apex + frames - end]


def with_intensity(keys: KeyArray, event: Event, intensity: float) -> KeyArray:
    """The event with another intensity at its peak: all its values are scaled."""
    if not 0.0 < intensity <= 1.0:
        raise IntensityError(
            f"{event.expression}: the intensity is above 0 and at most 1, got {intensity:g}; "
            "remove the event instead."
        )
    span = span_of(keys, event)
    factor = intensity / event.intensity
    span["value"] *= factor
    for side in ("left", "right"):
        span[side][:, 1] *= factor
    return put(keys, event, span)


def with_eases(keys: KeyArray, event: Event, onset_ease: str, offset_ease: str) -> KeyArray:
    """The plain event with other eases. IntensityError for one drawn by hand, whose shape stays."""
    if event.is_drawn:
        raise IntensityError(
            f"This {event.expression} was drawn by hand and keeps its shape: "
            "change its keys in the Graph Editor."
        )
    for name in (onset_ease, offset_ease):
        if name not in EASES:
            raise IntensityError(f"There is no ease '{name}', only {', '.join(EASES)}.")
    span = span_of(keys, event)
    for start, stop, name in ((0, 1, onset_ease), (len(span) - 2, len(span) - 1, offset_ease)):
        span["interpolation"][start], span["easing"][start] = (
            EASES[name].interpolation,
            EASES[name].easing,
        )
        span["right_type"][start] = span["left_type"][stop] = AUTO_HANDLE
    return put(keys, event, span)


def span_of(keys: KeyArray, event: Event) -> KeyArray:
    """A copy of the event's own keys, without what shared ones do for the event beside it."""
    span = keys[event.rows[0] : event.rows[3] + 1].copy()
    if _is_shared_left(keys, event):
        span["left"][0, 1] = span["value"][0]
    if _is_shared_right(keys, event):
        span["right"][-1, 1] = span["value"][-1]
        span["interpolation"][-1], span["easing"][-1] = EASES[LINEAR].interpolation, "AUTO"
    return span


def removed(keys: KeyArray, event: Event) -> KeyArray:
    """The channel without the event; a key it shares with another stays."""
    before, after = _neighbours(keys, event)
    return np.concatenate([before, after])


def inserted(keys: KeyArray, span: KeyArray, expression: str) -> KeyArray:
    """The keys of an event put where the channel is at rest. IntensityError where it is not."""
    start, stop = span["frame"][[0, -1]]
    for other in read_events(expression, keys):
        if other.marks[0] < stop - SAME_FRAME and other.marks[3] > start + SAME_FRAME:
            raise IntensityError(
                f"{expression} already moves from {other.marks[0]:g} to {other.marks[3]:g}: an "
                f"event from {start:g} to {stop:g} has no room beside it."
            )
    before = keys[keys["frame"] < start + SAME_FRAME].copy()
    after, span = keys[keys["frame"] > stop - SAME_FRAME].copy(), span.copy()
    # What was the end of the curve is now followed by rest, which pulled handles would bow.
    for end, begin in ((before, span), (span, after)):
        if len(end) and len(begin):
            end["right"][-1, 1], begin["left"][0, 1] = end["value"][-1], begin["value"][0]
    return joined(joined(before, span), after)


def shifted(keys: KeyArray, event: Event, frames: float) -> KeyArray:
    """This event and every later key of the channel, so many frames later."""
    before, _ = _neighbours(keys, event)
    rest = keys[event.rows[0] :]
    if len(before) and frames < before["frame"][-1] - rest["frame"][0] - SAME_FRAME:
        raise IntensityError(
            f"{event.expression} has keys up to frame {before['frame'][-1]:g}: what follows cannot "
            f"move {counted(-frames, 'frame')} earlier."
        )
    return joined(before, later(rest, frames))


def later(keys: KeyArray, frames: float) -> KeyArray:
    """The same keys so many frames later."""
    keys = keys.copy()
    keys["frame"] += frames
    keys["left"][:, 0] += frames
    keys["right"][:, 0] += frames
    return keys


def rippled(channels: Mapping[str, KeyArray], after: float, frames: float) -> dict[str, KeyArray]:
    """Channels of {expression: keys} with all events that begin at `after` or later moved."""
    moved_channels = dict(channels)
    for expression, keys in channels.items():
        later = [e for e in read_events(expression, keys) if e.marks[0] > after - SAME_FRAME]
        if later and frames:
            moved_channels[expression] = shifted(keys, later[0], frames)
    return moved_channels


def _checked(keys: KeyArray, event: Event, marks: Marks) -> list[float]:
    """Marks the event can have, ends that are one key staying one. Raises IntensityError."""
    marks = [float(mark) for mark in marks]
    rows = event.rows
    if not np.isfinite(marks).all() or (np.diff(marks) < 0).any():
        raise IntensityError(
            f"{event.expression}: expected onset start < apex start <= apex end < offset end, got "
            f"{', '.join(f'{mark:g}' for mark in marks)}."
        )
    for left, right in ((0, 1), (3, 2)):  # a curve that begins or ends at its peak
        if rows[left] == rows[right]:
            marks[left] = marks[right]
    lengths = np.diff(marks)
    for part, length in enumerate(lengths):
        num_steps = rows[part + 1] - rows[part]
        if num_steps and length <= num_steps * SAME_FRAME and (part != 1 or num_steps > 1):
            raise IntensityError(
                f"{event.expression}: {num_steps + 1} keys need more than {length:g} frames, from "
                f"{marks[part]:g} to {marks[part + 1]:g}."
            )
    low, high = room(keys, event)
    if marks[0] < low - SAME_FRAME or marks[3] > high + SAME_FRAME:
        side, frame = ("before", low) if marks[0] < low - SAME_FRAME else ("after", high)
        raise IntensityError(
            f"There is no room for this {event.expression} from {marks[0]:g} to {marks[3]:g}: the "
            f"keys {side} it reach to {frame:g}."
        )
    return marks


def _roomy(keys: KeyArray, event: Event, marks: Marks) -> KeyArray:
    """The event's keys, one more at a peak of a single key that is to last."""
    span = span_of(keys, event)
    onset, apex, end, _ = event.rows
    if apex != end or marks[2] - marks[1] <= SAME_FRAME:
        return span
    at = apex - onset
    span = np.insert(span, at, span[at])
    # The way up still ends, and the way down begins, with the artist's own handle.
    span["interpolation"][at], span["easing"][at] = "LINEAR", "AUTO"
    return span


def _stretched(span: KeyArray, event: Event, marks: Marks) -> KeyArray:
    """Keys with the times between the event's marks mapped to those between others."""
    onset, apex, end, offset = (row - event.rows[0] for row in event.rows)
    num_new = len(span) - (offset + 1)  # a key that `_roomy` put in
    bounds = (onset, apex, end + num_new, offset + num_new)
    old, frames = event.marks, span["frame"].copy()
    scales = [
        (marks[part + 1] - marks[part]) / (old[part + 1] - old[part])
        if old[part + 1] - old[part] > SAME_FRAME
        else 1.0
        for part in range(_NUM_PARTS)
    ]
    for part in range(_NUM_PARTS):
        rows = slice(bounds[part], bounds[part + 1] + 1)
        span["frame"][rows] = marks[part] + (frames[rows] - old[part]) * scales[part]
    for row, mark in zip(bounds, marks, strict=True):
        span["frame"][row] = mark
    for row in range(len(span)):
        before = next((p for p in range(_NUM_PARTS) if bounds[p] < row <= bounds[p + 1]), 0)
        after = next((p for p in range(_NUM_PARTS) if bounds[p] <= row < bounds[p + 1]), 2)
        for side, part in (("left", before), ("right", after)):
            reach = (span[side][row, 0] - frames[row]) * scales[part]
            span[side][row, 0] = span["frame"][row] + reach
    if end + num_new - apex == 1 and marks[2] - marks[1] <= SAME_FRAME:
        span = joined(span[: apex + 1], span[apex + 1 :])
    return span


def put(keys: KeyArray, event: Event, span: KeyArray) -> KeyArray:
    """The channel with other keys in the place of the event's."""
    before, after = _neighbours(keys, event)
    return joined(joined(before, span), after)


def _neighbours(keys: KeyArray, event: Event) -> tuple[KeyArray, KeyArray]:
    """The keys before and after an event, with a copy each of those it shares."""
    first, last = event.rows[0], event.rows[3]
    before = keys[: first + _is_shared_left(keys, event)].copy()
    after = keys[last + 1 - _is_shared_right(keys, event) :].copy()
    if _is_shared_left(keys, event):
        before["interpolation"][-1], before["easing"][-1] = EASES[LINEAR].interpolation, "AUTO"
        before["right"][-1, 1] = before["value"][-1]
    if _is_shared_right(keys, event):
        after["left"][0, 1] = after["value"][0]
    return before, after


def _is_shared_left(keys: KeyArray, event: Event) -> bool:
    first = event.rows[0]
    return first > 0 and any(
        other.rows[3] == first for other in read_events(event.expression, keys[: first + 1])
    )


def _is_shared_right(keys: KeyArray, event: Event) -> bool:
    last = event.rows[3]
    return last + 1 < len(keys) and any(
        other.rows[0] == 0 for other in read_events(event.expression, keys[last:])
    )
