"""Remove Landmarks: Match finds the face by itself again."""

from __future__ import annotations

import bpy

from facegen_core.numeric import counted

from ..scene import landmarks, state
from ..translations import said
from . import polling


class FACEGEN_OT_remove_landmarks(bpy.types.Operator):
    """Remove the landmark points of this head"""

    bl_idname = "facegen.remove_landmarks"
    bl_label = "Remove Landmarks"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not polling.head_is_ready(cls, context):
            return False
        if not landmarks.landmark_empties(state.find_target(context)):
            cls.poll_message_set(said("This head has no landmarks"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        target = state.find_target(context)
        context.view_layer.objects.active = target
        target.select_set(True)
        removed = landmarks.remove_landmarks(target)
        self.report({"INFO"}, said(f"{counted(removed, 'landmark')} removed"))
        return {"FINISHED"}
