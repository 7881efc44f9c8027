"""The keys of an F-curve as one array of the core, and back."""

from __future__ import annotations

from functools import lru_cache

import bpy
import numpy as np

from facegen_core.channel_keys import KEY, KeyArray
from facegen_core.events import Event, read_events

from . import actions

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
_PAIRS = ("co", "handle_left", "handle_right")

# Curves whose events are remembered: panels and editors ask for them whenever they draw.
_NUM_REMEMBERED = 64
_read: dict[tuple[str, bytes], tuple[Event, ...]] = {}


def read_keys(fcurve: bpy.types.FCurve) -> KeyArray:
    """The keys of an F-curve."""
    found = _stored(fcurve)
    keys = np.zeros(len(fcurve.keyframe_points), KEY)
    for fields, attribute in _NUMBERS.items():
        if len(fields) == 2:
            keys[fields[0]], keys[fields[1]] = found[attribute][:, 0], found[attribute][:, 1]
        else:
            keys[fields[0]] = found[attribute]
    for field, attribute in _NAMES.items():
        names = {value: name for name, value in _values_of(attribute).items()}
        keys[field] = [names[number] for number in found[attribute].tolist()]
    keys["kind"] = found["type"]
    return keys


def events_in(fcurve: bpy.types.FCurve, expression: str) -> tuple[Event, ...]:
    """The events of a channel's F-curve; remembered for as long as its keys stay as they are."""
    keys = b"".join(column.tobytes() for column in _stored(fcurve).values())
    remembered = (expression, keys)
    if remembered not in _read:
        while len(_read) >= _NUM_REMEMBERED:
            del _read[next(iter(_read))]
        _read[remembered] = read_events(expression, read_keys(fcurve))
    return _read[remembered]


def write_keys(fcurve: bpy.types.FCurve, keys: KeyArray) -> None:
    """Give an F-curve these keys and no others."""
    points = fcurve.keyframe_points
    num_new = len(keys) - len(points)
    if num_new > 0:
        points.add(num_new)
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
    if num_new > 0:
        actions.unselect(fcurve)
    fcurve.update()


def _stored(fcurve: bpy.types.FCurve) -> dict[str, np.ndarray]:
    """{attribute: numbers} of the keys as Blender stores them."""
    points, found = fcurve.keyframe_points, {}
    for attribute in _NUMBERS.values():
        shape = (len(points), 2) if attribute in _PAIRS else (len(points),)
        found[attribute] = np.empty(shape, np.float32)
    for attribute in (*_NAMES.values(), "type"):
        found[attribute] = np.empty(len(points), np.int32)
    for attribute, column in found.items() if len(points) else ():
        points.foreach_get(attribute, column.ravel())
    return found


@lru_cache(maxsize=8)
def _values_of(attribute: str) -> dict[str, int]:
    """{name: number} of a property of keyframes that is a choice."""
    items = bpy.types.Keyframe.bl_rna.properties[attribute].enum_items
    return {item.identifier: item.value for item in items}
