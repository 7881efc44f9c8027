"""F-curves across Blender 4.2 to 5.x: plain actions before 4.4, layered ones with slots after."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Assigned:
    """An action as a data-block plays it; slot: its handle, None before Blender 4.4."""

    action: bpy.types.Action
    slot: int | None = None


def assigned(owner: bpy.types.ID) -> Assigned | None:
    """The action that a data-block plays now."""
    data = owner.animation_data
    if data is None or data.action is None:
        return None
    slot = data.action_slot.handle if HAS_SLOTS and data.action_slot else None
    return Assigned(data.action, slot)


def assign(owner: bpy.types.ID, found: Assigned | None) -> None:
    """Let a data-block play an action through its slot, or none."""
    data = owner.animation_data or owner.animation_data_create()
    data.action = found.action if found else None
    if HAS_SLOTS and found is not None:
        data.action_slot = slot_in(found)


def slot_in(found: Assigned) -> bpy.types.ActionSlot | None:
    """The slot of an action by its handle, which renaming leaves alone."""
    return next((slot for slot in found.action.slots if slot.handle == found.slot), None)


def fcurves_in(found: Assigned) -> Sequence[bpy.types.FCurve]:
    """The F-curves that an action holds for the data-block that plays it."""
    if not HAS_SLOTS:
        return found.action.fcurves
    slot = slot_in(found)
    bag = _channelbag(found.action, slot) if slot else None
    return bag.fcurves if bag else ()


def copy_of(action: bpy.types.Action, slots: Collection[int | None], name: str) -> bpy.types.Action:
    """A copy that is Facegen's, with these slots alone."""
    copy = action.copy()
    copy.name = name
    copy[MADE_BY_FACEGEN] = True
    if HAS_SLOTS:
        for slot in [slot for slot in copy.slots if slot.handle not in slots]:
            copy.slots.remove(slot)
    return copy


def clip_name(head: bpy.types.Object) -> str:
    """What to call a new action of the clip that the head plays."""
    return f"{head.name} {head.facegen.clip_name}"


def remove_if_empty(action: bpy.types.Action) -> bool:
    """Remove an action of Facegen's without any curve from the file."""
    if not action.get(MADE_BY_FACEGEN) or not is_empty(action):
        return False
    bpy.data.actions.remove(action)
    return True


def is_empty(action: bpy.types.Action) -> bool:
    """Whether an action has no curve for anybody."""
    if not HAS_SLOTS:
        return len(action.fcurves) == 0
    bags = [_channelbag(action, slot) for slot in action.slots]
    return not any(bag is not None and len(bag.fcurves) for bag in bags)


def still_there(known: Iterable[bpy.types.Action]) -> list[bpy.types.Action]:
    """Those of some actions that have not been removed from the file, each once."""
    wanted = set(known)
    return [action for action in bpy.data.actions if action in wanted]


def numbers(name: str) -> list[int]:
    """The values of a custom property of all actions that have it."""
    return [action[name] for action in bpy.data.actions if name in action]


def home_action(owner: bpy.types.ID, others: Collection[bpy.types.ID]) -> bpy.types.Action | None:
    """The action of Facegen's on a data-block where only it and these others play it."""
    found = assigned(owner)
    if not HAS_SLOTS or found is None or not found.action.get(MADE_BY_FACEGEN):
        return None
    users = {user for slot in found.action.slots for user in slot.users()}
    return found.action if users <= {owner, *others} else None


def ensure_fcurves(
    owner: bpy.types.ID,
    action_name: str,
    shared: bpy.types.Action | None = None,
    slot_name: str = "",
) -> bpy.types.bpy_prop_collection:
    """The F-curves of `owner` to add to: of its own action, else of `shared`, else of a new one.

    A shared action gives every owner a slot of its own. Before 4.4 there are no slots, and up to
    4.5 renaming a key of one owner renames the curves of all, so there only one owner with shape
    keys joins the head's own action.
    """
    data = owner.animation_data or owner.animation_data_create()
    if data.action is None:
        data.action = shared if shared and _may_join(shared, owner) else _new_action(action_name)
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
        data.action_slot = action.slots.new(id_type=owner.id_type, name=slot_name or owner.name)
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(data.action_slot, ensure=True).fcurves


def write_linear_fcurve(
    fcurves: bpy.types.bpy_prop_collection, data_path: str, frames: FloatArray, values: FloatArray
) -> bpy.types.FCurve:
    """A new F-curve with linear keys, (N,) values at (N,) rising frames."""
    fcurve = fcurves.new(data_path)
    set_linear_keys(fcurve, frames, values)
    unselect(fcurve)
    return fcurve


def unselect(fcurve: bpy.types.FCurve) -> None:
    """Take a curve and its keys out of the selection, which new ones are in.

    Otherwise whoever drags one key in the Graph Editor drags every key that Facegen wrote.
    """
    fcurve.select = False
    nothing = np.zeros(len(fcurve.keyframe_points), bool)
    for part in ("control_point", "left_handle", "right_handle"):
        fcurve.keyframe_points.foreach_set(f"select_{part}", nothing)


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


def _may_join(action: bpy.types.Action, owner: bpy.types.ID) -> bool:
    if not HAS_SLOTS or action.library:
        return False
    return CAN_SHARE or all(slot.target_id_type != owner.id_type for slot in action.slots)


def remove_strip_fcurves(owner: bpy.types.ID, data_paths: Collection[str]) -> None:
    """Remove the F-curves with these paths from the actions that strips of `owner` play."""
    data = owner.animation_data
    for track in data.nla_tracks if data is not None else ():
        for strip in track.strips:
            if strip.action is None or strip.action.library:
                continue
            slot = strip.action_slot.handle if HAS_SLOTS and strip.action_slot else None
            fcurves = fcurves_in(Assigned(strip.action, slot))
            for fcurve in [curve for curve in fcurves if curve.data_path in data_paths]:
                fcurves.remove(fcurve)


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
