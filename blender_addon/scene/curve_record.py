"""F-curves of a head as JSON values, and back again: every key with its handles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from . import actions, animated, channels, curves, eye_curves, layer_curves, own_clips

FloatArray = NDArray[np.floating]

# Facegen's own animated properties of a head; whatever else moves the object is the artist's.
PREFIX = "facegen."
_EYES = ("use_eyes", *eye_curves.DRAWN, *eye_curves.KEYABLE, "leaves_mouth")
_KEY_FLOATS = ("co", "handle_left", "handle_right")
_KEY_WORDS = ("interpolation", "easing", "handle_left_type", "handle_right_type")
_KEY_NUMBERS = ("amplitude", "period", "back")


def own_curves(head: bpy.types.Object) -> list[bpy.types.FCurve]:
    """The F-curves of Facegen's properties in the head's action."""
    return [c for c in actions.fcurves_of(head) or () if c.data_path.startswith(PREFIX)]


def read(head: bpy.types.Object, expressions: Sequence[str], frames: FloatArray) -> dict[str, Any]:
    """Everything that `write` needs to put channels and layers of a head back as they are now.

    Where drivers or the NLA have a say, values sampled at (T,) frames stand for the curves; of the
    result, "sliders" is {property: value} where no curve says otherwise, "slots" are the names of
    the own expressions.
    """
    own = [_curve(curve) for curve in own_curves(head)]
    if not curves.is_simple(head):
        asked = [channel.attribute for channel in channels.channels_of(head, expressions)]
        names = [*asked, *layer_curves.KEYABLE, *eye_curves.KEYABLE]
        paths = [PREFIX + name for name in names]
        sampled = curves.sample_properties(head, frames, names)
        own = [content for content in own if content["path"] not in paths]
        own += [_sampled(*found, frames) for found in zip(paths, sampled.T, strict=True)]
    keyed = {content["path"] for content in own}
    sliders = {
        name: getattr(head.facegen, name)
        for name in _properties(head)
        if PREFIX + name not in keyed and head.facegen.is_property_set(name)
    }
    return {"fcurves": own, "sliders": sliders, "slots": head.facegen.own_expressions}


def write(head: bpy.types.Object, recorded: Mapping[str, Any], action_name: str) -> None:
    """Replace the F-curves of Facegen's properties by the recorded ones, sliders too."""
    own_clips.claim(head)
    head.facegen.own_expressions = recorded["slots"]
    actions.remove_fcurves(head, {curve.data_path for curve in own_curves(head)})
    for name in _properties(head):
        if name in recorded["sliders"]:
            setattr(head.facegen, name, recorded["sliders"][name])
        elif head.facegen.is_property_set(name):
            head.facegen.property_unset(name)
    if not recorded["fcurves"]:
        return
    fcurves = actions.ensure_fcurves(head, action_name)
    frame = bpy.context.scene.frame_current_final
    for content in recorded["fcurves"]:
        curve = fcurves.new(content["path"], index=content["index"])
        _fill(curve, content)
        if content["group"]:
            actions.group_fcurve(head, curve, content["group"])
        if not curve.mute and not curve.is_empty:
            animated.set_value(head, curve, curve.evaluate(frame))


def _properties(head: bpy.types.Object) -> list[str]:
    """The properties of a head that decide a motion."""
    channel_names = [channel.attribute for channel in channels.all_channels(head)]
    return [*channel_names, *layer_curves.ALL, *_EYES]


def _curve(curve: bpy.types.FCurve) -> dict[str, Any]:
    points = curve.keyframe_points
    keys: dict[str, Any] = {}
    for name in _KEY_FLOATS:
        values = np.empty(2 * len(points), np.float32)
        points.foreach_get(name, values)
        keys[name] = values.astype(np.float64).tolist()
    for name in _KEY_WORDS:
        keys[name] = [getattr(point, name) for point in points]
    for name in _KEY_NUMBERS:
        values = np.empty(len(points), np.float32)
        points.foreach_get(name, values)
        keys[name] = values.astype(np.float64).tolist()
    return {
        "path": curve.data_path,
        "index": curve.array_index,
        "keys": keys,
        "extrapolation": curve.extrapolation,
        "mute": curve.mute,
        "group": curve.group.name if curve.group else "",
        "modifiers": [_modifier(modifier) for modifier in curve.modifiers],
    }


def _sampled(path: str, values: FloatArray, frames: FloatArray) -> dict[str, Any]:
    """A curve with a linear key on every frame."""
    number = len(frames)
    co = np.stack([frames, values], axis=1)
    aside = np.stack([np.full(number, 1.0 / 3.0), np.zeros(number)], axis=1)
    keys: dict[str, Any] = {"co": co, "handle_left": co - aside, "handle_right": co + aside}
    keys = {name: points.ravel().tolist() for name, points in keys.items()}
    words = ("LINEAR", "AUTO", "AUTO_CLAMPED", "AUTO_CLAMPED")
    keys |= {name: [word] * number for name, word in zip(_KEY_WORDS, words, strict=True)}
    keys |= {name: [0.0] * number for name in _KEY_NUMBERS}
    content = {"path": path, "index": 0, "keys": keys, "extrapolation": "CONSTANT", "mute": False}
    return content | {"group": "", "modifiers": []}


def _fill(curve: bpy.types.FCurve, content: Mapping[str, Any]) -> None:
    keys, points = content["keys"], curve.keyframe_points
    points.add(len(keys["co"]) // 2)
    for name in _KEY_WORDS:
        for point, word in zip(points, keys[name], strict=True):
            setattr(point, name, word)
    for name in (*_KEY_FLOATS, *_KEY_NUMBERS):
        points.foreach_set(name, np.array(keys[name], np.float32))
    curve.extrapolation, curve.mute = content["extrapolation"], content["mute"]
    for modifier in content["modifiers"]:
        made = curve.modifiers.new(modifier["type"])
        plain = _modifier(made)["values"]
        for name, value in modifier["values"].items():
            if name in plain:  # nothing else is a setting, whatever a record says
                setattr(made, name, value)
    curve.update()


def _modifier(modifier: bpy.types.FModifier) -> dict[str, Any]:
    """The settings of a modifier such as Noise; control points of an envelope are left out."""
    values = {}
    for rna in modifier.bl_rna.properties:
        is_plain = rna.type in {"BOOLEAN", "INT", "FLOAT", "ENUM"} and not rna.is_readonly
        if is_plain and rna.identifier not in {"type", "show_expanded"}:
            value = getattr(modifier, rna.identifier)
            values[rna.identifier] = list(value) if getattr(rna, "is_array", False) else value
    return {"type": modifier.type, "values": values}
