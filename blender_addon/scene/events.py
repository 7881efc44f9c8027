"""The expression events of a head: read out of its F-curves, written into them, nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import bpy

from facegen_core.channel_keys import KeyArray
from facegen_core.events import Event

from . import actions, channels, curves, own_clips
from .channel_keys import events_in, read_keys, write_keys
from .curves import check_writable


@dataclass(frozen=True)
class Found:
    """An event of a head: its channel, and which of the channel's events it is, from 0."""

    channel: channels.Channel
    number: int
    event: Event


def events_of(head: bpy.types.Object) -> list[Found]:
    """All events of a head in the order of time; writes nothing, so panels may ask."""
    found = []
    for channel, fcurve in _curves(head).values():
        events = events_in(fcurve, channel.expression)
        found += [Found(channel, number, event) for number, event in enumerate(events)]
    return sorted(found, key=lambda f: (f.event.marks[0], f.event.marks[3]))


def find_event(head: bpy.types.Object, attribute: str, number: int) -> Found | None:
    """One event of a head, or None where it is no longer there."""
    found = _curves(head).get(attribute)
    if found is None:
        return None
    channel, fcurve = found
    events = events_in(fcurve, channel.expression)
    return Found(channel, number, events[number]) if 0 <= number < len(events) else None


def keys_of(head: bpy.types.Object) -> dict[str, KeyArray]:
    """{attribute: keys} of every channel that has keys."""
    return {attribute: read_keys(fcurve) for attribute, (_, fcurve) in _curves(head).items()}


def labels_of(head: bpy.types.Object) -> dict[str, str]:
    """{attribute: expression as the artist reads it} of every channel."""
    return {channel.attribute: channel.label for channel in channels.all_channels(head)}


def hidden_channels(head: bpy.types.Object) -> set[str]:
    """Attributes of the channels whose curves the artist has hidden in the editors."""
    return {attribute for attribute, (_, fcurve) in _curves(head).items() if fcurve.hide}


def write_events(head: bpy.types.Object, changed: Mapping[str, KeyArray]) -> None:
    """Give channels of {attribute: keys} these keys; a curve left without any goes.

    Raises FacegenError, before anything is written, for a channel that cannot be edited.
    """
    for attribute in changed:
        check_writable(head, attribute)
    own_clips.claim(head)
    found = _curves(head)
    for attribute, keys in changed.items():
        path = f"facegen.{attribute}"
        if len(keys) == 0:
            actions.remove_fcurves(head, {path})
            setattr(head.facegen, attribute, 0.0)
            continue
        if attribute in found:
            fcurve = found[attribute][1]
        else:
            fcurve = curves.new_curve(head, attribute)
        write_keys(fcurve, keys)
        curves.show_current_value(head, attribute, fcurve)


def played_elsewhere(head: bpy.types.Object) -> str:
    """Which expressions move without events, and by what, in a sentence; "" where none do."""
    data = head.animation_data
    if data is None:
        return ""
    labels = {f"facegen.{attribute}": label for attribute, label in labels_of(head).items()}
    driven = [labels[d.data_path] for d in data.drivers if d.data_path in labels]
    if driven:
        return f"Driven, so without events: {', '.join(driven)}"
    if data.use_tweak_mode:
        return "A strip of the NLA is being tweaked: its frames are its own"
    if data.action is None and any(track.strips and not track.mute for track in data.nla_tracks):
        return "Expressions play from strips of the NLA: tweak one (Tab) to see its curves"
    return ""


def _curves(head: bpy.types.Object) -> dict[str, tuple[channels.Channel, bpy.types.FCurve]]:
    """{attribute: channel and its F-curve} of the channels that have keys."""
    by_path = {curve.data_path: curve for curve in actions.fcurves_of(head) or ()}
    found = {c.attribute: (c, by_path.get(c.data_path)) for c in channels.all_channels(head)}
    return {
        attribute: (channel, curve)
        for attribute, (channel, curve) in found.items()
        if curve is not None and len(curve.keyframe_points)
    }
