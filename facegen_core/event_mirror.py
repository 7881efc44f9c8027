"""The mirror of an event in time: keys, handles and eases played backwards."""

from __future__ import annotations

from .channel_keys import KeyArray
from .eases import backwards
from .errors import IntensityError
from .event_edits import put, span_of
from .events import Event


def mirrored(keys: KeyArray, event: Event) -> KeyArray:
    """The event played backwards between the same onset start and offset end."""
    return put(keys, event, backwards_span(span_of(keys, event), event))


def backwards_span(span: KeyArray, event: Event) -> KeyArray:
    """Keys of an event, backwards in the same time. IntensityError for keys that step."""
    if (span["interpolation"][:-1] == "CONSTANT").any():
        raise IntensityError(
            f"This {event.expression} has keys that step, which have no mirror in time: give them "
            "another interpolation first."
        )
    middle = span["frame"][0] + span["frame"][-1]
    back = span[::-1].copy()
    back["frame"] = middle - back["frame"]
    for side, other in (("left", "right"), ("right", "left")):
        back[side] = span[other][::-1]
        back[side][:, 0] = middle - back[side][:, 0]
        back[f"{side}_type"] = span[f"{other}_type"][::-1]
    # The way from a key to the next belongs to the earlier of both.
    for name in ("interpolation", "back", "amplitude", "period"):
        back[name][:-1], back[name][-1] = span[name][-2::-1], span[name][-1]
    back["easing"][-1] = span["easing"][-1]
    for row in range(len(span) - 1):
        kind = str(back["interpolation"][row])
        back["easing"][row] = backwards(kind, str(span["easing"][len(span) - 2 - row]))
    return back
