"""Remove Keys: take away what Facegen generated, and nothing else."""

from __future__ import annotations

import bpy

from ..scene import shape_keys, state
from . import polling


def remove_generated(target: bpy.types.Object) -> int:
    """Remove the shape keys of every clip from all objects of a head; returns how many went."""
    removed = 0
    for obj in state.matched_objects(target) or [target]:
        for clip in list(shape_keys.clips_of(obj)):
            removed += shape_keys.remove_clip(obj, clip)
    target.facegen.num_keys, target.facegen.contact = -1, ""
    return removed


class FACEGEN_OT_remove_keys(polling.OnHead, bpy.types.Operator):
    """Remove the shape keys and curves that Facegen generated on this head; others stay"""

    bl_idname = "facegen.remove_keys"
    bl_label = "Remove Generated Keys"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        removed = remove_generated(state.find_target(context))
        self.report({"INFO"}, f"{removed} shape keys removed")
        return {"FINISHED"}
