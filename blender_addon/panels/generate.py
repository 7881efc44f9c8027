"""The panel of Generate: which motion, how it is baked, what came of it."""

from __future__ import annotations

import bpy

from facegen_core.bundle_info import error_sentence, summary_rows
from facegen_core.errors import FacegenError

from ..operators.generate import FACEGEN_OT_generate
from ..operators.remove_keys import FACEGEN_OT_remove_keys
from ..preferences import model_in_use
from ..scene import contact, state
from ..translations import said
from .bake import draw_bake, draw_baked
from .base import FacegenPanel, draw_act, draw_sentence
from .live import draw_live
from .variations import draw_generator

# What of a model's description fits the sidebar; the preferences show all of it.
MODEL_ROWS = ("File", "Training data", "Licence of model", "Date")


class FACEGEN_PT_generate(FacegenPanel, bpy.types.Panel):
    bl_label = "Generate"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, state.find_target(context).facegen
        layout.use_property_split = True
        layout.use_property_decorate = False
        draw_generator(layout, context)
        layout.prop(settings, "clip_name")
        layout.prop(settings, "frame_range")
        if settings.frame_range == "custom":
            column = layout.column(align=True)
            column.prop(settings, "frame_start")
            column.prop(settings, "frame_end")
        layout.prop(settings, "bake_mode")
        draw_bake(layout, settings)
        layout.prop(settings, "use_contact")
        draw_live(layout, state.find_target(context))
        draw_act(layout, FACEGEN_OT_generate, icon="PLAY")
        if settings.num_keys >= 0:
            draw_baked(layout, state.find_target(context))
            if settings.made_by:
                layout.label(text=settings.made_by, icon="BLANK1")
            _draw_contact(layout, settings.contact)
            layout.operator(FACEGEN_OT_remove_keys.bl_idname, icon="X")


class FACEGEN_PT_mask(FacegenPanel, bpy.types.Panel):
    bl_label = "Weaken by Vertex Group"
    bl_parent_id = "FACEGEN_PT_generate"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        target = state.find_target(context)
        settings = target.facegen
        row = self.layout.row(align=True)
        row.prop_search(settings, "mask_group", target, "vertex_groups", text="")
        row.prop(settings, "is_mask_inverted", text="", icon="ARROW_LEFTRIGHT")
        if settings.mask_group:
            rests = "1 rests" if settings.is_mask_inverted else "0 rests"
            self.layout.label(text=said(f"Weight {rests}; applied by Generate"))


class FACEGEN_PT_model(FacegenPanel, bpy.types.Panel):
    bl_label = "Model"
    bl_parent_id = "FACEGEN_PT_generate"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        try:
            info = model_in_use(context)
        except FacegenError as error:
            draw_sentence(self.layout, str(error), "ERROR")
            return
        column = self.layout.column(align=True)
        rows = [row for row in summary_rows(info) if row[0] in MODEL_ROWS]
        for label, value in [*rows, ("Error", error_sentence(info))]:
            draw_sentence(column, f"{label}: {value}")


def _draw_contact(layout: bpy.types.UILayout, report: str) -> None:
    """Millimetres that things were in each other, as retargeted and after contact."""
    found = contact.rows(report)
    if not found:
        return
    column = layout.column(align=True)
    column.label(text="Too deep by, mm: before → after", icon="MOD_PHYSICS")
    for word, before, after in found:
        column.label(text=f"{said(word)}: {before:.2f} → {after:.2f}", icon="BLANK1")


CLASSES = (FACEGEN_PT_generate,)
# Below the panels of other rooms that belong to Generate.
LAST_CLASSES = (FACEGEN_PT_mask, FACEGEN_PT_model)
