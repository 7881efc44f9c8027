"""The list of a head's clips."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, CollectionProperty, IntProperty, StringProperty


def _on_rename(row: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    """The artist typed another name in the list: keys and strips follow."""
    from ..scene import clips, schema

    if row.name != row.last_name and not schema.is_newer(row.id_data):
        clips.rename(row.id_data, row, row.name)


class FacegenClip(bpy.types.PropertyGroup):
    """A clip of a head; what it plays is on the actions that carry its number."""

    name: StringProperty(
        name="Clip",
        description="Shape keys are called FG_<clip>_01 and so on, and follow the name",
        maxlen=40,
        update=_on_rename,
    )
    # The name before the artist typed another one.
    last_name: StringProperty()
    # As its shape keys are called (scene/shape_keys.safe_clip_name).
    key_name: StringProperty()
    number: IntProperty(default=-1)
    is_pushed: BoolProperty(name="In the NLA")


PROPERTIES = {
    "clips": CollectionProperty(type=FacegenClip, name="Clips"),
    # Which row of the list is selected; and the number of the clip that plays, -1 for none.
    "clip_row": IntProperty(name="Clip", default=0, min=0),
    "clip_playing": IntProperty(name="Playing", default=-1),
}
CLASSES = (FacegenClip,)
