"""F-curves across Blender 4.2 to 5.x: plain actions before 4.4, layered ones with slots after."""

from __future__ import annotations

from collections.abc import Collection

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import FacegenError

FloatArray = NDArray[np.floating]

HAS_SLOTS = bpy.app.version >= (4, 4, 0)
CAN_SHARE = bpy.app.version >= (5, 0, 0)
# Marks the actions Facegen made, so that it removes only its own when they are empty.
MADE_BY_FACEGEN = "made_by_facegen"


def _enum_value(attribute: str, name: str) -> int:
    return bpy.types.Keyframe.bl_rna.properties[attribute].enum_items[name].value


# Linear keys whose handles are ready when the artist switches to Bezier.
_LINEAR_KEY = {
    "interpolation": _enum_value("interpolation", "LINEAR"),
    "handle_left_type": _enum_value("handle_left_type", "AUTO_CLAMPED"),
    "handle_right_type": _enum_value("handle_right_type", "AUTO_CLAMPED"),
}


def fcurves_of(owner: bpy.types.ID) -> bpy.types.bpy_prop_collection | None:
    """The F-curves that animate `owner` through its action, or None when it has none."""
    data = owner.animation_data
    if data is None or data.action is None:
        return None
    if not HAS_SLOTS:
        return data.action.fcurves
    bag = _channelbag(data.action, data.action_slot) if data.action_slot else None
    return bag.fcurves if bag else None


def ensure_fcurves(
    owner: bpy.types.ID, action_name: str, shared: bpy.types.Action | None = None
) -> bpy.types.bpy_prop_collection:
    """The F-curves of `owner` to add to: of its own action, else of `shared`, else of a new one.

    A shared action gives every owner a slot of its own. Before 4.4 there are no slots, and up to
    4.5 renaming a key of one owner renames the curves of all, so there every owner gets its own.
    """
    data = owner.animation_data or owner.animation_data_create()
    if data.action is None:
        data.action = shared if CAN_SHARE and shared else _new_action(action_name)
    action = data.action
    if action.library:
        raise FacegenError(
            f"The action '{action.name}' of '{owner.name}' is linked from another file: "
            "make it local first."
        )
    if not HAS_SLOTS:
        return action.fcurves
    if data.action_slot is None or data.action_slot.target_id_type not in {
        owner.id_type,
        "UNSPECIFIED",
    }:
        data.action_slot = action.slots.new(id_type=owner.id_type, name=owner.name)
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(data.action_slot, ensure=True).fcurves


def write_linear_fcurve(
    fcurves: bpy.types.bpy_prop_collection, data_path: str, frames: FloatArray, values: FloatArray
) -> bpy.types.FCurve:
    """A new F-curve with linear keys, (N,) values at (N,) rising frames."""
    fcurve = fcurves.new(data_path)
    set_linear_keys(fcurve, frames, values)
    return fcurve


def set_linear_keys(fcurve: bpy.types.FCurve, frames: FloatArray, values: FloatArray) -> None:
    """Add (N,) linear keys to an F-curve that has none at these frames."""
    first = len(fcurve.keyframe_points)
    fcurve.keyframe_points.add(len(frames))
    coordinates = np.empty(2 * len(fcurve.keyframe_points), np.float32)
    fcurve.keyframe_points.foreach_get("co", coordinates)
    coordinates[2 * first :] = np.stack([frames, values], axis=1).ravel()
    fcurve.keyframe_points.foreach_set("co", coordinates)
    for attribute, value in _LINEAR_KEY.items():
        values_now = np.empty(len(fcurve.keyframe_points), np.int32)
        fcurve.keyframe_points.foreach_get(attribute, values_now)
        values_now[first:] = value
        fcurve.keyframe_points.foreach_set(attribute, values_now)
    fcurve.keyframe_points.sort()
    fcurve.update()


def all_fcurves(action: bpy.types.Action) -> list[bpy.types.FCurve]:
    """The F-curves of an action, whoever they are for."""
    if not HAS_SLOTS:
        return list(action.fcurves)
    bags = [b for layer in action.layers for strip in layer.strips for b in strip.channelbags]
    return [fcurve for bag in bags for fcurve in bag.fcurves]


def group_fcurve(owner: bpy.types.ID, fcurve: bpy.types.FCurve, name: str) -> None:
    """Put an F-curve of `owner` under a heading of this name in the animation editors."""
    data = owner.animation_data
    groups = (_channelbag(data.action, data.action_slot) if HAS_SLOTS else data.action).groups
    fcurve.group = groups.get(name) or groups.new(name)


def remove_fcurves(owner: bpy.types.ID, data_paths: Collection[str]) -> None:
    """Remove the F-curves with these paths; the action too when it was ours and is empty now."""
    fcurves = fcurves_of(owner)
    if fcurves is None:
        return
    for fcurve in [curve for curve in fcurves if curve.data_path in data_paths]:
        fcurves.remove(fcurve)
    action = owner.animation_data.action
    if len(fcurves) == 0 and action.get(MADE_BY_FACEGEN):
        _let_go(owner, action)


def _let_go(owner: bpy.types.ID, action: bpy.types.Action) -> None:
    slot = owner.animation_data.action_slot if HAS_SLOTS else None
    owner.animation_data.action = None
    if slot is not None and not slot.users():
        action.slots.remove(slot)
    if action.users == 0 or (action.users == 1 and action.use_fake_user):
        bpy.data.actions.remove(action)


def _new_action(name: str) -> bpy.types.Action:
    action = bpy.data.actions.new(name)
    action[MADE_BY_FACEGEN] = True
    return action


def _channelbag(
    action: bpy.types.Action, slot: bpy.types.ActionSlot
) -> bpy.types.ActionChannelbag | None:
    for layer in action.layers:
        for strip in layer.strips:
            bag = strip.channelbag(slot)
            if bag is not None:
                return bag
    return None
