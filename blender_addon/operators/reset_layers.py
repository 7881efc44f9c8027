"""Reset Regions: every region plays as generated again."""

from __future__ import annotations

import bpy

from facegen_core.errors import FacegenError

from ..refusals import refused
from ..scene import layer_curves, state
from ..translations import said
from . import polling


class FACEGEN_OT_reset_layers(polling.OnHead, bpy.types.Operator):
    """Let every region play as generated again. Keys and drivers of these sliders are removed;
    expressions stay"""

    bl_idname = "facegen.reset_layers"
    bl_label = "Reset Regions"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        if not layer_curves.is_touched(state.find_target(context)):
            cls.poll_message_set(said("Nothing to reset: every region plays as generated"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            layer_curves.reset(state.find_target(context))
        except FacegenError as error:
            return refused(self, error)
        return {"FINISHED"}
