"""Remove Keys: take away what Facegen generated, and nothing else."""

from __future__ import annotations

import bpy

from facegen_core.errors import FacegenError
from facegen_core.numeric import counted

from ..refusals import refused
from ..scene import own_clips, shape_keys, solved_curves, state
from ..translations import said
from . import polling


def remove_generated(target: bpy.types.Object) -> int:
    """Remove the shape keys of every clip from all objects of a head; returns how many went.

    Keys of the artist's that a clip was solved into lose its curves. Raises FacegenError where a
    key of Facegen's is locked, or another head shows the keys too; then all stay.
    """
    removed = 0
    objects = state.matched_objects(target) or [target]
    for obj in objects:
        shape_keys.check_unlocked(obj, shape_keys.clips_of(obj))
    own_clips.check_keys(target)
    own_clips.claim(target)
    for obj in objects:
        for clip in {**shape_keys.clips_of(obj), **dict.fromkeys(solved_curves.clips_of(obj))}:
            removed += shape_keys.remove_clip(obj, clip)
    settings = target.facegen
    settings.num_keys, settings.contact, settings.key_figures = -1, "", ""
    return removed


class FACEGEN_OT_remove_keys(bpy.types.Operator):
    """Remove the shape keys and curves that Facegen generated on this head; others stay"""

    bl_idname = "facegen.remove_keys"
    bl_label = "Remove Generated Keys"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not polling.head_is_ready(cls, context):
            return False
        target = state.find_target(context)
        objects = state.matched_objects(target) or [target]
        if not any(shape_keys.clips_of(o) or solved_curves.clips_of(o) for o in objects):
            cls.poll_message_set(said("This head has no generated keys"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            removed = remove_generated(state.find_target(context))
        except FacegenError as error:
            return refused(self, error)
        self.report({"INFO"}, said(f"{counted(removed, 'shape key')} removed"))
        return {"FINISHED"}
