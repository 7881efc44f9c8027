"""Eyes: blinks and gaze that come by themselves, and both by hand."""

from __future__ import annotations

import bpy

from facegen_core.errors import FacegenError

from ..preferences import model_in_use
from ..scene import eye_curves, state
from .base import FacegenPanel, draw_sentence


class FACEGEN_PT_eyes(FacegenPanel, bpy.types.Panel):
    bl_label = "Eyes"
    bl_parent_id = "FACEGEN_PT_expressions"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, target = self.layout, state.find_target(context)
        settings = target.facegen
        layout.use_property_split = True
        if not _can_blink(context):
            draw_sentence(layout, "This model has no shapes to move lids with.", "INFO")
            return
        layout.use_property_decorate = False  # what is drawn is one choice for the whole clip
        layout.prop(settings, "use_eyes")
        column = layout.column(align=True)
        column.active = settings.use_eyes
        for name in eye_curves.DRAWN:
            column.prop(settings, name)
        column = layout.column(align=True)
        column.use_property_decorate = True
        for name in eye_curves.KEYABLE:
            column.prop(settings, name, slider=True)
        if settings.is_matched and not eye_curves.has_eyeballs(target):
            draw_sentence(layout, "No eyeballs were found: only the lids move.", "INFO")


def _can_blink(context: bpy.types.Context) -> bool:
    try:
        return model_in_use(context).num_face_shapes > 0
    except FacegenError:
        return False


CLASSES = (FACEGEN_PT_eyes,)
