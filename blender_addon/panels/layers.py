"""Regions of the face: how far and when each moves."""

from __future__ import annotations

import bpy

from ..operators.reset_layers import FACEGEN_OT_reset_layers
from ..scene import layer_curves, state
from .base import FacegenPanel


class FACEGEN_PT_layers(FacegenPanel, bpy.types.Panel):
    bl_label = "Regions"
    bl_parent_id = "FACEGEN_PT_expressions"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, state.find_target(context).facegen
        layout.use_property_split = True
        layout.use_property_decorate = True
        column = layout.column(align=True)
        for name in layer_curves.GAINS:
            column.prop(settings, name, slider=True)
        column = layout.column(align=True)
        column.prop(settings, "asymmetry", slider=True)
        column.prop(settings, "extremeness", slider=True)
        column = layout.column(align=True)
        column.use_property_decorate = False  # one number for the whole clip
        for name in layer_curves.SHIFTS:
            column.prop(settings, name)
        column.prop(settings, "leaves_mouth")
        layout.operator(FACEGEN_OT_reset_layers.bl_idname, icon="LOOP_BACK")


CLASSES = (FACEGEN_PT_layers,)
