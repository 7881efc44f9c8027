"""The intensity channels of a head: keyable properties, their F-curves, and sampling them."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import FacegenError
from facegen_core.intensity import EXPRESSIONS, Envelope, check_expressions

from . import actions, channels

FloatArray = NDArray[np.floating]

ACTION_NAME = "Facegen Expressions"
# Blender stores key frames as float32; nearer than this counts as the same frame.
SAME_FRAME = 1e-3


def add_envelope(
    head: bpy.types.Object, envelope: Envelope, expressions: Sequence[str] = EXPRESSIONS
) -> None:
    """Key one expression event on the head: four linear keys, joined with what is there.

    Between onset start and offset end the stronger of the old curve and the event wins, as in
    `sample_envelopes`; keys outside that range stay as they are.

    expressions: those of the model in use; IntensityError when the event's is not among them.
    """
    check_expressions([envelope], expressions)
    if head.library:
        raise FacegenError(f"'{head.name}' is linked from another file: make it local first.")
    frames, values = np.array(envelope.marks), np.array([0.0, 1.0, 1.0, 0.0]) * envelope.intensity
    asked = {channel.expression: channel for channel in channels.channels_of(head, expressions)}
    channel = asked[envelope.expression]
    fcurves = actions.ensure_fcurves(head, ACTION_NAME)
    channels.claim(head, expressions)
    fcurve = fcurves.find(channel.data_path)
    if fcurve is None:
        fcurve = fcurves.new(channel.data_path)
        if channel.attribute in channels.SLOTS:
            # The editors show a slot by its number; its expression is the heading over it.
            actions.group_fcurve(head, fcurve, channel.label)
    else:
        frames, values = _joined(fcurve, frames, values)
    if frames[0] == frames[1]:
        frames, values = frames[1:], values[1:]
    _remove_keys(fcurve, frames[0], frames[-1])
    actions.set_linear_keys(fcurve, *_without_repeats(frames, values))
    _show_current_value(head, channel.attribute, fcurve)


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


def _joined(
    fcurve: bpy.types.FCurve, frames: FloatArray, values: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Break points of max(old curve, event) over the event's span, as (N,) frames and values."""
    keys = np.array([point.co[0] for point in fcurve.keyframe_points])
    inside = keys[(keys > frames[0]) & (keys < frames[-1])]
    points = np.union1d(frames, inside)
    old, new = _evaluated(fcurve, points), np.interp(points, frames, values)
    gaps = old - new
    crosses = np.flatnonzero(gaps[:-1] * gaps[1:] < 0)
    share = gaps[crosses] / (gaps[crosses] - gaps[crosses + 1])
    crossings = points[crosses] + share * np.diff(points)[crosses]
    points = np.union1d(points, crossings)
    return points, np.maximum(_evaluated(fcurve, points), np.interp(points, frames, values))


def _without_repeats(frames: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    keep = np.concatenate([[True], np.diff(frames) > SAME_FRAME])
    return frames[keep], values[keep]


def _evaluated(fcurve: bpy.types.FCurve, frames: FloatArray) -> FloatArray:
    return np.array([fcurve.evaluate(float(frame)) for frame in frames])


def _remove_keys(fcurve: bpy.types.FCurve, start: float, end: float) -> None:
    for index in reversed(range(len(fcurve.keyframe_points))):
        frame = fcurve.keyframe_points[index].co[0]
        if start - SAME_FRAME <= frame <= end + SAME_FRAME:
            fcurve.keyframe_points.remove(fcurve.keyframe_points[index], fast=True)


def _show_current_value(head: bpy.types.Object, attribute: str, fcurve: bpy.types.FCurve) -> None:
    """Put the slider where its new curve is, since curves act only on the next frame change."""
    setattr(head.facegen, attribute, fcurve.evaluate(bpy.context.scene.frame_current_final))


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
