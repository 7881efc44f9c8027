"""The keys of an F-curve as one array of the core, and back."""

from __future__ import annotations

import bpy
import numpy as np

from facegen_core.channel_keys import KEY, KeyArray

# Fields of the core's keys: the property of a keyframe that each is.
_NUMBERS = {
    ("frame", "value"): "co",
    ("left",): "handle_left",
    ("right",): "handle_right",
    ("back",): "back",
    ("amplitude",): "amplitude",
    ("period",): "period",
}
_NAMES = {
    "interpolation": "interpolation",
    "easing": "easing",
    "left_type": "handle_left_type",
    "right_type": "handle_right_type",
}


def read_keys(fcurve: bpy.types.FCurve) -> KeyArray:
    """The keys of an F-curve."""
    points = fcurve.keyframe_points
    keys = np.zeros(len(points), KEY)
    if not len(points):
        return keys
    for fields, attribute in _NUMBERS.items():
        is_pair = attribute in ("co", "handle_left", "handle_right")
        numbers = np.empty((len(points), 2) if is_pair else len(points), np.float32)
        points.foreach_get(attribute, numbers.ravel())
        if len(fields) == 2:
            keys[fields[0]], keys[fields[1]] = numbers[:, 0], numbers[:, 1]
        else:
            keys[fields[0]] = numbers
    for field, attribute in _NAMES.items():
        names = {value: name for name, value in _values_of(attribute).items()}
        keys[field] = [names[number] for number in _integers(points, attribute)]
    keys["kind"] = _integers(points, "type")
    return keys


def write_keys(fcurve: bpy.types.FCurve, keys: KeyArray) -> None:
    """Give an F-curve these keys and no others."""
    points = fcurve.keyframe_points
    if len(points) < len(keys):
        points.add(len(keys) - len(points))
    while len(points) > len(keys):
        points.remove(points[-1], fast=True)
    for fields, attribute in _NUMBERS.items():
        columns = [np.asarray(keys[field], np.float32) for field in fields]
        numbers = np.stack(columns, axis=1) if len(columns) > 1 else columns[0]
        points.foreach_set(attribute, np.ascontiguousarray(numbers).ravel())
    for field, attribute in _NAMES.items():
        values = _values_of(attribute)
        points.foreach_set(attribute, np.array([values[str(n)] for n in keys[field]], np.int32))
    points.foreach_set("type", np.asarray(keys["kind"], np.int32))
    fcurve.update()


def _integers(points: bpy.types.bpy_prop_collection, attribute: str) -> np.ndarray:
    numbers = np.empty(len(points), np.int32)
    points.foreach_get(attribute, numbers)
    return numbers


def _values_of(attribute: str) -> dict[str, int]:
    """{name: number} of a property of keyframes that is a choice."""
    items = bpy.types.Keyframe.bl_rna.properties[attribute].enum_items
    return {item.identifier: item.value for item in items}
