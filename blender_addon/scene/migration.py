"""What an older Facegen left in a scene is brought up to this one, step by step, as it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import bpy

from . import clips, schema, shape_keys


def bring_up(objects: Iterable[bpy.types.Object]) -> int:
    """Bring what older Facegens left on objects up to this one; returns on how many.

    Linked objects are the business of their file. A newer Facegen's are left alone.
    """
    count = 0
    for obj in list(objects):
        if obj.library or obj.override_library or not schema.has_state(obj):
            continue
        before = schema.version_of(obj)
        for version in range(before, schema.VERSION):
            STEPS[version](obj)
        schema.stamp(obj)
        count += before < schema.VERSION
    return count


def bring_up_file() -> int:
    """The same for all objects of the file that is open."""
    return bring_up(bpy.data.objects)


def _list_clips_and_parts(obj: bpy.types.Object) -> None:
    """1 to 2: the clip of a head is listed, so that it can be switched, renamed and laid down.

    Rows of parts that name no vertices cannot be corrected: the next match lists them anew.
    """
    settings = obj.facegen
    if obj.type != "MESH":
        return
    if not len(settings.clips) and shape_keys.clips_of(obj) and not obj.data.library:
        clips.begin(obj)
    if any(row.keys == "[]" for row in settings.found_parts):
        settings.found_parts.clear()


STEPS: Mapping[int, Callable[[bpy.types.Object], None]] = {1: _list_clips_and_parts}
