"""The intensity channels of a head: keyable properties, their F-curves, and sampling them."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.channel_keys import SAME_FRAME, KeyArray, envelope_keys, joined, new_keys
from facegen_core.eases import LINEAR
from facegen_core.errors import FacegenError, IntensityError
from facegen_core.event_edits import inserted
from facegen_core.events import Event, read_events
from facegen_core.intensity import EXPRESSIONS, Envelope, check_expressions

from . import actions, channels, own_clips
from .channel_keys import read_keys, write_keys

FloatArray = NDArray[np.floating]


def add_envelope(
    head: bpy.types.Object, envelope: Envelope, expressions: Sequence[str] = EXPRESSIONS
) -> None:
    """Key one expression event on the head, joined with what is there.

    Where the channel is at rest the event becomes the keys of `envelope_keys`. Where it moves in
    straight lines, and the event too, the stronger of both wins between onset start and offset
    end, as in `sample_envelopes`. Keys outside that range stay as they are.

    expressions: those of the model in use. Raises FacegenError as `check_envelope` does.
    """
    check_envelope(head, envelope, expressions)
    asked = {channel.expression: channel for channel in channels.channels_of(head, expressions)}
    channel = asked[envelope.expression]
    own_clips.claim(head)
    actions.ensure_fcurves(head, actions.clip_name(head))
    channels.claim(head, expressions)
    fcurve = _fcurves_by_path(head).get(channel.data_path)
    keys = envelope_keys(envelope)
    if fcurve is None:
        fcurve = new_curve(head, channel.attribute)
    elif _crossed(fcurve, envelope):
        keys = _joined(fcurve, envelope)
    else:
        keys = inserted(read_keys(fcurve), keys, channel.label)
    write_keys(fcurve, keys)
    show_current_value(head, channel.attribute, fcurve)


def check_envelope(
    head: bpy.types.Object, envelope: Envelope, expressions: Sequence[str] = EXPRESSIONS
) -> None:
    """Raise FacegenError where `add_envelope` would have to refuse the event.

    IntensityError when the event's expression is not among `expressions`, or when it would cross
    a curve that is not straight: that one the artist shaped, and it is kept.
    """
    check_expressions([envelope], expressions)
    asked = {channel.expression: channel for channel in channels.channels_of(head, expressions)}
    channel = asked[envelope.expression]
    check_writable(head, channel.attribute)
    fcurve = _fcurves_by_path(head).get(channel.data_path)
    eases = {envelope.onset_ease, envelope.offset_ease}
    for event, is_straight in _crossed(fcurve, envelope) if fcurve else ():
        if not is_straight or eases != {LINEAR}:
            raise IntensityError(
                f"{channel.label} already moves from {event.marks[0]:g} to {event.marks[3]:g} in "
                "a curve that is kept as it is: choose other frames, or remove that event first."
            )


def sample_intensities(
    head: bpy.types.Object, frames: FloatArray, expressions: Sequence[str] = EXPRESSIONS
) -> FloatArray:
    """Intensities (T, C) in [0, 1] of the channels of C expressions at (T,) frames.

    Curves that overshoot are clamped as Blender clamps the property.
    """
    attributes = [channel.attribute for channel in channels.channels_of(head, expressions)]
    return np.clip(sample_properties(head, frames, attributes), 0.0, 1.0)


def sample_properties(
    head: bpy.types.Object, frames: FloatArray, attributes: Sequence[str]
) -> FloatArray:
    """(T, N) values of N properties of `object.facegen` at (T,) frames, as their curves say.

    What drivers or the NLA may move is read by stepping the scene through the frames, which is
    then put back.
    """
    data, paths = head.animation_data, {f"facegen.{name}" for name in attributes}
    is_simple = data is None or not (
        any(driver.data_path in paths for driver in data.drivers)
        or any(not track.mute for track in data.nla_tracks)
    )
    sample = _from_fcurves if is_simple else _by_stepping
    return sample(head, frames, attributes)


def is_simple(head: bpy.types.Object) -> bool:
    """Whether the head's own action says all about its channels: no drivers, no NLA that plays."""
    data = head.animation_data
    return data is None or not (data.drivers or any(not t.mute for t in data.nla_tracks))


def keyed_range(head: bpy.types.Object) -> tuple[int, int] | None:
    """First and last whole frame with a key of an expression, or None when nothing is keyed.

    Of any model's: which one is in use must not change what is exported.
    """
    spans = [curve.range() for _, curve in _keyed(head)]
    if not spans:
        return None
    return int(np.floor(min(s[0] for s in spans))), int(np.ceil(max(s[1] for s in spans)))


def keyed_expressions(head: bpy.types.Object) -> list[str]:
    """Expressions that have keys on this head, of any model."""
    return [channel.expression for channel, _ in _keyed(head)]


def new_curve(head: bpy.types.Object, attribute: str) -> bpy.types.FCurve:
    """An F-curve for a channel that has none."""
    fcurve = actions.ensure_fcurves(head, actions.clip_name(head)).new(f"facegen.{attribute}")
    if attribute in channels.SLOTS:
        # The editors show a slot by its number; its expression is the heading over it.
        actions.group_fcurve(head, fcurve, _label(head, attribute))
    return fcurve


def show_current_value(head: bpy.types.Object, attribute: str, fcurve: bpy.types.FCurve) -> None:
    """Put the slider where its new curve is, since curves act only on the next frame change."""
    setattr(head.facegen, attribute, fcurve.evaluate(bpy.context.scene.frame_current_final))


def check_writable(head: bpy.types.Object, attribute: str) -> None:
    """Raise FacegenError, in one sentence, for a channel whose curve cannot be written."""
    label, data = _label(head, attribute), head.animation_data
    if head.library:
        raise FacegenError(f"'{head.name}' is linked from another file: make it local first.")
    if data is None:
        return
    if any(driver.data_path == f"facegen.{attribute}" for driver in data.drivers):
        raise FacegenError(f"{label} is driven: remove its driver before editing its events.")
    if data.use_tweak_mode:
        raise FacegenError("A strip of the NLA is being tweaked: leave tweak mode (Tab) first.")
    if data.action is not None and data.action.library:
        raise FacegenError(
            f"The action '{data.action.name}' of '{head.name}' is linked from another file: make "
            "it local first."
        )
    fcurve = _fcurves_by_path(head).get(f"facegen.{attribute}")
    if fcurve is not None and (fcurve.lock or (fcurve.group is not None and fcurve.group.lock)):
        raise FacegenError(f"The curve of {label} is locked: unlock it in the Graph Editor first.")


def _label(head: bpy.types.Object, attribute: str) -> str:
    return next(c.label for c in channels.all_channels(head) if c.attribute == attribute)


def _crossed(fcurve: bpy.types.FCurve, envelope: Envelope) -> list[tuple[Event, bool]]:
    """Events of a channel that share time with another event, and whether they are straight."""
    keys, found = read_keys(fcurve), []
    for event in read_events(envelope.expression, keys):
        start, stop = event.marks[0], event.marks[3]
        is_beside = stop <= envelope.onset_start + SAME_FRAME
        if not is_beside and start < envelope.offset_end - SAME_FRAME:
            ways = keys["interpolation"][event.rows[0] : event.rows[3]]
            found.append((event, bool((ways == "LINEAR").all())))
    return found


def _joined(fcurve: bpy.types.FCurve, envelope: Envelope) -> KeyArray:
    """The keys of a curve, over the event's span those of max(old curve, event)."""
    keys, event = read_keys(fcurve), envelope_keys(envelope)
    start, stop = event["frame"][[0, -1]]
    inside = keys["frame"][(keys["frame"] > start) & (keys["frame"] < stop)]
    points = np.union1d(event["frame"], inside)
    old, new = _evaluated(fcurve, points), np.interp(points, event["frame"], event["value"])
    gaps = old - new
    crosses = np.flatnonzero(gaps[:-1] * gaps[1:] < 0)
    share = gaps[crosses] / (gaps[crosses] - gaps[crosses + 1])
    crossings = points[crosses] + share * np.diff(points)[crosses]
    points = np.union1d(points, crossings)
    points = points[np.concatenate([[True], np.diff(points) > SAME_FRAME])]
    new = np.interp(points, event["frame"], event["value"])
    between = new_keys(points, np.maximum(_evaluated(fcurve, points), new))
    before = keys[keys["frame"] < start + SAME_FRAME]
    after = keys[keys["frame"] > stop - SAME_FRAME]
    return joined(joined(before, between), after)


def _evaluated(fcurve: bpy.types.FCurve, frames: FloatArray) -> FloatArray:
    return np.array([fcurve.evaluate(float(frame)) for frame in frames])


def _fcurves_by_path(head: bpy.types.Object) -> dict[str, bpy.types.FCurve]:
    return {curve.data_path: curve for curve in actions.fcurves_of(head) or ()}


def _keyed(head: bpy.types.Object) -> list[tuple[channels.Channel, bpy.types.FCurve]]:
    by_path = _fcurves_by_path(head)
    found = [(channel, by_path.get(channel.data_path)) for channel in channels.all_channels(head)]
    return [(channel, curve) for channel, curve in found if curve and len(curve.keyframe_points)]


def _from_fcurves(
    head: bpy.types.Object, frames: FloatArray, attributes: Sequence[str]
) -> FloatArray:
    by_path = _fcurves_by_path(head)
    values = np.empty((len(frames), len(attributes)))
    for column, attribute in enumerate(attributes):
        curve = by_path.get(f"facegen.{attribute}")
        is_live = curve is not None and not curve.mute and not curve.is_empty
        constant = getattr(head.facegen, attribute)
        values[:, column] = _evaluated(curve, frames) if is_live else constant
    return values


def _by_stepping(
    head: bpy.types.Object, frames: FloatArray, attributes: Sequence[str]
) -> FloatArray:
    scene = bpy.context.scene
    current, subframe = scene.frame_current, scene.frame_subframe
    values = np.empty((len(frames), len(attributes)))
    try:
        for row, frame in enumerate(frames):
            scene.frame_set(int(np.floor(frame)), subframe=float(frame % 1.0))
            evaluated = head.evaluated_get(bpy.context.evaluated_depsgraph_get())
            values[row] = [getattr(evaluated.facegen, name) for name in attributes]
    finally:
        scene.frame_set(current, subframe=subframe)
    return values
