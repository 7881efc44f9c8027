"""The schema of what Facegen keeps on an object: the version that wrote it is on the object.

It travels with the object when that is appended to another file. What a newer Facegen wrote is left
alone: Blender keeps properties that this one does not know when the file is saved again.
"""

from __future__ import annotations

import bpy

from facegen_core import schemas
from facegen_core.errors import FacegenError

# 1: until clips were listed. 2: a head lists its clips, a row of its parts names their vertices.
VERSION, UNSTAMPED = 2, 1
# The property group of objects, `properties.FacegenObject`.
GROUP = "facegen"


def version_of(obj: bpy.types.Object) -> int:
    """The schema of an object; the first Facegens wrote none."""
    return obj.facegen.schema or UNSTAMPED


def is_newer(obj: bpy.types.Object) -> bool:
    """Whether a newer Facegen than this one wrote what is on an object."""
    return obj.facegen.schema > VERSION


def check(obj: bpy.types.Object) -> None:
    """Raise FacegenError where a newer Facegen wrote what is on an object."""
    if is_newer(obj):
        raise FacegenError(schemas.newer(f"'{obj.name}'", obj.facegen.schema, VERSION))


def has_state(obj: bpy.types.Object) -> bool:
    """Whether Facegen keeps anything on an object."""
    # From Blender 5.0 on properties of add-ons lie apart from those of the artist.
    stored = obj.bl_system_properties_get() if hasattr(obj, "bl_system_properties_get") else obj
    names = set(stored.get(GROUP, ())) if stored is not None else set()
    # Asking an object for its head leaves an empty link behind.
    return bool(names - {"head"}) or ("head" in names and obj.facegen.head is not None)


def stamp(obj: bpy.types.Object) -> None:
    """Note that what is on an object is of this version, unless a newer one wrote it."""
    if obj.facegen.schema < VERSION:
        obj.facegen.schema = VERSION


def stamp_all() -> None:
    """Before a file is saved: all that is in memory was brought up when it came."""
    for obj in bpy.data.objects:
        if obj.library is None and obj.override_library is None and has_state(obj):
            stamp(obj)
