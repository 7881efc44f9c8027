"""What a clip plays on the data-blocks of its head: found, copied, and shown at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import bpy

from . import actions, animated, clip_keys, clip_store, clip_strips
from .actions import Assigned
from .clip_store import owners

Played = dict[bpy.types.ID, Assigned]


def actions_of(target: bpy.types.Object, number: int) -> Played:
    """{data-block: what the clip plays on it}, for data-blocks that it animates."""
    if number == target.facegen.clip_playing:
        found = {owner: actions.assigned(owner) for owner in owners(target)}
    else:
        found = {owner: clip_strips.assigned_in(owner, number) for owner in owners(target)}
    return {owner: played for owner, played in found.items() if played is not None}


def copies_of(
    target: bpy.types.Object,
    name: str,
    number: int,
    is_kept: Callable[[bpy.types.ID, bpy.types.FCurve], bool],
) -> Played:
    now = actions_of(target, target.facegen.clip_playing)
    made: dict[bpy.types.Action, bpy.types.Action] = {}
    copies = {}
    for owner, found in now.items():
        if found.action not in made:
            slots = {other.slot for other in now.values() if other.action == found.action}
            made[found.action] = actions.copy_of(found.action, slots, name)
        copy = made[found.action]
        copy[clip_strips.NUMBER] = number
        copies[owner] = Assigned(copy, found.slot)
        fcurves = actions.fcurves_in(copies[owner])
        for curve in list(fcurves):
            is_own = clip_keys.is_made(owner, curve)
            if is_own and not is_kept(owner, curve):
                fcurves.remove(curve)
    for copy in made.values():
        copy.pop(clip_store.PROPERTY, None)
    empty = [copy for copy in made.values() if actions.is_empty(copy)]
    copies = {owner: found for owner, found in copies.items() if found.action not in empty}
    for copy in empty:
        actions.remove_if_empty(copy)
    return copies


def animated_by_facegen(target: bpy.types.Object) -> dict[bpy.types.ID, set[str]]:
    """{data-block: data paths of Facegen's that its action animates}."""
    found = {}
    for owner in owners(target):
        paths = {curve.data_path for curve in actions.fcurves_of(owner) or ()}
        is_key = not isinstance(owner, bpy.types.Object)
        found[owner] = {p for p in paths if is_key or clip_keys.is_facegens(owner, p)}
    return found


def settle(target: bpy.types.Object, before: Mapping[bpy.types.ID, Iterable[str]]) -> None:
    """Show the current frame: what no curve animates any more goes back to its default."""
    now = animated_by_facegen(target)
    frame = bpy.context.scene.frame_current_final
    for owner in owners(target):
        left = {*before.get(owner, ()), *clip_keys.value_paths(owner)} - now[owner]
        for path in left:
            animated.to_default(owner, path)
        for curve in actions.fcurves_of(owner) or ():
            if curve.data_path in now[owner] and not curve.mute and not curve.is_empty:
                animated.set_value(owner, curve, curve.evaluate(frame))
        clip_keys.let_drive(target, owner)
        owner.update_tag(refresh={"TIME"})
