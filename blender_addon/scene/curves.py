"""The six intensity channels of a head: keyable properties, their F-curves, and sampling them."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import FacegenError
from facegen_core.intensity import EXPRESSIONS, NUM_EXPRESSIONS, Envelope

from . import actions

FloatArray = NDArray[np.floating]

ACTION_NAME = "Facegen Expressions"
# Blender stores key frames as float32; nearer than this counts as the same frame.
SAME_FRAME = 1e-3


def data_path(expression: str) -> str:
    """Where a channel lives on the head object, as F-curves name it."""
    return f"facegen.{expression}"


def add_envelope(head: bpy.types.Object, envelope: Envelope) -> None:
    """Key one expression event on the head: four linear keys, joined with what is there.

    Between onset start and offset end the stronger of the old curve and the event wins, as in
    `sample_envelopes`; keys outside that range stay as they are.
    """
    if head.library:
        raise FacegenError(f"'{head.name}' is linked from another file: make it local first.")
    frames, values = np.array(envelope.marks), np.array([0.0, 1.0, 1.0, 0.0]) * envelope.intensity
    fcurves = actions.ensure_fcurves(head, ACTION_NAME)
    fcurve = fcurves.find(data_path(envelope.expression))
    if fcurve is None:
        fcurve = fcurves.new(data_path(envelope.expression))
    else:
        frames, values = _joined(fcurve, frames, values)
    if frames[0] == frames[1]:
        frames, values = frames[1:], values[1:]
    _remove_keys(fcurve, frames[0], frames[-1])
    actions.set_linear_keys(fcurve, *_without_repeats(frames, values))
    _show_current_value(head, envelope.expression, fcurve)


def sample_intensities(head: bpy.types.Object, frames: FloatArray) -> FloatArray:
    """Intensities (T, 6) in [0, 1] of the head's channels at (T,) frames.

    Curves that overshoot are clamped as Blender clamps the property. Channels driven by the NLA
    or by drivers are read by stepping the scene through the frames, which is then put back.
    """
    data = head.animation_data
    is_simple = data is None or not (data.drivers or any(not t.mute for t in data.nla_tracks))
    intensities = _from_fcurves(head, frames) if is_simple else _by_stepping(head, frames)
    return np.clip(intensities, 0.0, 1.0)


def keyed_range(head: bpy.types.Object) -> tuple[int, int] | None:
    """First and last whole frame with a key of an expression, or None when nothing is keyed."""
    spans = [c.range() for c in _channel_fcurves(head).values() if len(c.keyframe_points)]
    if not spans:
        return None
    return int(np.floor(min(s[0] for s in spans))), int(np.ceil(max(s[1] for s in spans)))


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


def _show_current_value(head: bpy.types.Object, expression: str, fcurve: bpy.types.FCurve) -> None:
    """Put the slider where its new curve is, since curves act only on the next frame change."""
    setattr(head.facegen, expression, fcurve.evaluate(bpy.context.scene.frame_current_final))


def _channel_fcurves(head: bpy.types.Object) -> dict[str, bpy.types.FCurve]:
    fcurves = actions.fcurves_of(head) or ()
    by_path = {curve.data_path: curve for curve in fcurves}
    return {name: by_path[data_path(name)] for name in EXPRESSIONS if data_path(name) in by_path}


def _from_fcurves(head: bpy.types.Object, frames: FloatArray) -> FloatArray:
    curves = _channel_fcurves(head)
    intensities = np.empty((len(frames), NUM_EXPRESSIONS))
    for channel, name in enumerate(EXPRESSIONS):
        curve = curves.get(name)
        is_live = curve is not None and not curve.mute and not curve.is_empty
        constant = getattr(head.facegen, name)
        intensities[:, channel] = _evaluated(curve, frames) if is_live else constant
    return intensities


def _by_stepping(head: bpy.types.Object, frames: FloatArray) -> FloatArray:
    scene = bpy.context.scene
    current, subframe = scene.frame_current, scene.frame_subframe
    intensities = np.empty((len(frames), NUM_EXPRESSIONS))
    try:
        for row, frame in enumerate(frames):
            scene.frame_set(int(np.floor(frame)), subframe=float(frame % 1.0))
            evaluated = head.evaluated_get(bpy.context.evaluated_depsgraph_get())
            intensities[row] = [getattr(evaluated.facegen, name) for name in EXPRESSIONS]
    finally:
        scene.frame_set(current, subframe=subframe)
    return intensities
