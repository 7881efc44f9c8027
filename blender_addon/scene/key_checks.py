"""Whether an object can be given shape keys, and whether they would be seen."""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from facegen_core.errors import FacegenError


def check_takes_keys(obj: bpy.types.Object) -> None:
    """Raise FacegenError for an object that could not be given relative keys of its own."""
    if obj.library or obj.data.library:
        raise FacegenError(f"'{obj.name}' is linked from another file: make it local first.")
    if obj.mode != "OBJECT":
        raise FacegenError(f"'{obj.name}' is not in Object Mode: switch to it first.")
    if obj.data.shape_keys and not obj.data.shape_keys.use_relative:
        raise FacegenError(
            f"'{obj.name}' has absolute shape keys: switch its Shape Keys panel to Relative first."
        )
    users = bpy.data.user_map(subset=[obj.data])[obj.data]
    others = [
        o.name for o in users if isinstance(o, bpy.types.Object) and o != obj and o.users_scene
    ]
    if others:
        raise FacegenError(
            f"'{min(others)}' uses the mesh of '{obj.name}' too and would move with it: make "
            "it single-user first (Object > Relations > Make Single User > Object & Data)."
        )


def pinned(objects: Iterable[bpy.types.Object]) -> list[str]:
    """A sentence per object that shows one key alone, so that a clip is not seen to move it."""
    return [
        f"'{obj.name}' has a pinned shape key and shows that alone: unpin it (the pin below the "
        "list of shape keys) to see the clip"
        for obj in objects
        if obj.show_only_shape_key and obj.data.shape_keys
    ]
