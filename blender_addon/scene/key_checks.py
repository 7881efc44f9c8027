"""Whether an object can be given shape keys, and whether they would be seen."""

from __future__ import annotations

from collections.abc import Collection, Iterable

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
    check_shown_alone(obj, [obj])


def check_shown_alone(obj: bpy.types.Object, objects: Collection[bpy.types.Object]) -> None:
    """Raise FacegenError where others than these objects show the mesh of one of them."""
    others = shown_elsewhere(obj, objects)
    if others:
        raise FacegenError(
            f"'{min(others)}' uses the mesh of '{obj.name}' too and would move with it: make "
            "it single-user first (Object > Relations > Make Single User > Object & Data)."
        )


def shown_elsewhere(obj: bpy.types.Object, objects: Collection[bpy.types.Object]) -> list[str]:
    """Names of the objects in scenes, other than these, that show the mesh of one of them."""
    if obj.data.users - obj.data.use_fake_user <= 1:
        return []
    users = bpy.data.user_map(subset=[obj.data])[obj.data]
    return [
        user.name
        for user in users
        if isinstance(user, bpy.types.Object) and user not in objects and user.users_scene
    ]


def pinned(objects: Iterable[bpy.types.Object]) -> list[str]:
    """A sentence per object that shows one key alone, so that a clip is not seen to move it."""
    return [
        f"'{obj.name}' has a pinned shape key and shows that alone: unpin it (the pin below the "
        "list of shape keys) to see the clip"
        for obj in objects
        if obj.show_only_shape_key and obj.data.shape_keys
    ]
