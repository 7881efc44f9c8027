"""The sub-panel with the sheet of variations."""

from __future__ import annotations

import bpy

from facegen_core.errors import FacegenError

from .. import generators, variation_sheet
from ..operators.pick_variation import FACEGEN_OT_pick_variation
from ..operators.variations import FACEGEN_OT_variations
from ..preferences import model_in_use
from ..scene import state
from .base import FacegenPanel, draw_act, draw_sentence

# In rows of the interface: how high a picture is at least, and what is beside three of them.
_SMALLEST_SCALE, _MARGINS = 3.0, 2.2
# Pixels of a row of the interface at a scale of 1.
_ROW_PIXELS = 20.0


def draw_generator(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Steady or Varied, and which variation; one sentence where the model has none."""
    settings = state.find_target(context).facegen
    try:
        can_vary = model_in_use(context).has_variations
    except FacegenError:  # shown by the panel of the expressions
        return
    row = layout.row()
    row.enabled = can_vary or settings.generator != generators.STEADY
    row.prop(settings, "generator", expand=True)
    if not can_vary:
        draw_sentence(layout, generators.ONLY_STEADY, "INFO")
    elif settings.generator == generators.VARIED:
        column = layout.column(align=True)
        column.prop(settings, "variation_seed")
        column.prop(settings, "variation_amount", slider=True)


class FACEGEN_PT_variations(FacegenPanel, bpy.types.Panel):
    bl_label = "Variations"
    bl_parent_id = "FACEGEN_PT_generate"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        try:
            return model_in_use(context).has_variations
        except FacegenError:
            return False

    def draw(self, context: bpy.types.Context) -> None:
        layout, target = self.layout, state.find_target(context)
        sheet = variation_sheet.sheet_of(target.name)
        row = layout.row(align=True)
        words = "Draw Nine Variations" if sheet is None else "Draw Again"
        drawing = draw_act(row, FACEGEN_OT_variations, text=words, icon="RENDER_STILL")
        if sheet is None:
            return
        drawing.first_seed = sheet.seeds[0]
        more = row.operator(FACEGEN_OT_variations.bl_idname, text="Next Nine", icon="FORWARD")
        more.first_seed = sheet.seeds[-1] + 1
        _draw_sheet(layout, target.facegen, sheet, _picture_scale(context))


def _picture_scale(context: bpy.types.Context) -> float:
    """As high as a third of the sidebar is wide: whoever wants larger pictures widens it."""
    if context.region is None:
        return _SMALLEST_SCALE
    rows = context.region.width / (_ROW_PIXELS * context.preferences.system.ui_scale)
    return max((rows - _MARGINS) / variation_sheet.NUM_COLUMNS, _SMALLEST_SCALE)


def _draw_sheet(
    layout: bpy.types.UILayout,
    settings: bpy.types.PropertyGroup,
    sheet: variation_sheet.Sheet,
    scale: float,
) -> None:
    grid = layout.grid_flow(
        row_major=True,
        columns=variation_sheet.NUM_COLUMNS,
        even_columns=True,
        even_rows=True,
        align=True,
    )
    is_varied = settings.generator == generators.VARIED
    for seed, icon in zip(sheet.seeds, variation_sheet.icons(), strict=True):
        column = grid.column(align=True)
        column.template_icon(icon_value=icon, scale=scale)
        pick = column.operator(
            FACEGEN_OT_pick_variation.bl_idname,
            text=f"{seed}",
            depress=is_varied and settings.variation_seed == seed,
        )
        pick.seed, pick.amount = seed, sheet.amount


CLASSES = (FACEGEN_PT_variations,)
