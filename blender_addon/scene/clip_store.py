"""Where a clip's record lives in the file: as JSON on one of the actions that play the clip."""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from facegen_core.errors import FacegenError

from . import state

PROPERTY = "facegen"


def head_objects(target: bpy.types.Object) -> list[bpy.types.Object]:
    """The objects of a head, the target first."""
    return state.matched_objects(target) or [target]


def owners(target: bpy.types.Object) -> list[bpy.types.ID]:
    """The data-blocks a clip of this head animates: the head itself, then every Key, each once."""
    objects = head_objects(target)
    keys = [obj.data.shape_keys for obj in objects if obj.data.shape_keys is not None]
    return [target, *dict.fromkeys(keys)]


def actions_now(target: bpy.types.Object) -> list[bpy.types.Action]:
    """The actions assigned to a head's data-blocks, those of the shape keys first."""
    found = [owner.animation_data for owner in owners(target)]
    actions = [data.action for data in found if data is not None and data.action is not None]
    return list(dict.fromkeys([*actions[1:], *actions[:1]]))


def write(target: bpy.types.Object, text: str) -> None:
    """Keep the record of what was just generated; where nothing is animated there is no clip."""
    actions = actions_now(target)
    for action in actions:
        if PROPERTY in action:
            del action[PROPERTY]
    if actions:
        actions[0][PROPERTY] = text


def read(actions: Iterable[bpy.types.Action]) -> str | None:
    """The record kept on some of these actions, or None."""
    return next((action[PROPERTY] for action in actions if PROPERTY in action), None)


def read_now(target: bpy.types.Object) -> str:
    """The record of what a head plays now. Raises FacegenError where there is none."""
    text = read(actions_now(target))
    if text is None:
        raise FacegenError(
            f"'{target.name}' has no record of how its clip was made: press Generate first."
        )
    return text
