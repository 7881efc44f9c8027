"""The list of a head's clips: its rows, found by number or name, and how a new one is numbered."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import bpy

from facegen_core.errors import FacegenError

from . import actions, clip_play, clip_store, clip_strips, shape_keys

# `facegen.clip_playing` while strips play instead of one clip.
NO_CLIP = -1


def row_of(target: bpy.types.Object, number: int) -> bpy.types.PropertyGroup | None:
    """The row of a clip by its number."""
    return next((row for row in target.facegen.clips if row.number == number), None)


def playing(target: bpy.types.Object) -> bpy.types.PropertyGroup | None:
    """The row of the clip that plays, None while strips do or there is no clip yet."""
    return row_of(target, target.facegen.clip_playing)


def heads_with_clips(scene: bpy.types.Scene, names: Collection[str] = ()) -> list[bpy.types.Object]:
    """The heads of a scene that have clips; of these names where some are given."""
    return [
        obj
        for obj in scene.objects
        if obj.type == "MESH" and len(obj.facegen.clips) and (not names or obj.name in names)
    ]


def clip_named(target: bpy.types.Object, name: str) -> bpy.types.PropertyGroup:
    """The row of a clip by its name. Raises FacegenError with those there are."""
    for row in target.facegen.clips:
        if row.name == name:
            return row
    there = ", ".join(f"'{row.name}'" for row in target.facegen.clips) or "none"
    raise FacegenError(f"'{target.name}' has no clip '{name}'; it has: {there}.")


def record_text(target: bpy.types.Object, number: int) -> str | None:
    """The record of a clip as it is kept, None where it was never generated."""
    return clip_store.read(
        played.action for played in clip_play.actions_of(target, number).values()
    )


def add_row(target: bpy.types.Object, name: str, number: int) -> bpy.types.PropertyGroup:
    """A row for a new clip, which is the one that plays."""
    settings = target.facegen
    row = settings.clips.add()
    row.number, row.key_name = number, shape_keys.safe_clip_name(name)
    # In this order: a name that differs from the last one is a renaming.
    row.last_name = name
    row.name = name
    settings.clip_playing, settings.clip_row = number, len(settings.clips) - 1
    return row


def first_number(target: bpy.types.Object) -> int:
    """The number its actions carry already, as those of a duplicate do, or the next."""
    numbers = [action.get(clip_strips.NUMBER) for action in clip_store.actions_now(target)]
    return next((number for number in numbers if number is not None), next_number(target))


def next_number(target: bpy.types.Object) -> int:
    """A number that no clip of the head and no action of the file has."""
    known: Sequence[int] = [row.number for row in target.facegen.clips]
    return 1 + max([0, *known, *actions.numbers(clip_strips.NUMBER)])
