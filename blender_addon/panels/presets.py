"""Presets as pictures to click."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import bpy

from facegen_core.errors import FacegenError

from .. import preset_shelf
from ..operators.preset_assets import FACEGEN_OT_presets_to_assets
from ..operators.presets import (
    FACEGEN_OT_apply_preset,
    FACEGEN_OT_remove_preset,
    FACEGEN_OT_save_preset,
)
from ..preferences import model_in_use
from .base import FacegenPanel, draw_sentence

NUM_COLUMNS = 3
# In rows of the interface: how high a picture is at least and at most, and what is beside three.
_SMALLEST_SCALE, _LARGEST_SCALE, _MARGINS = 3.0, 5.0, 2.6
# Pixels of a row of the interface at a scale of 1.
_ROW_PIXELS = 20.0


class FACEGEN_PT_presets(FacegenPanel, bpy.types.Panel):
    bl_label = "Presets"
    bl_parent_id = "FACEGEN_PT_expressions"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        try:
            known = set(model_in_use(context).expressions)
        except FacegenError:  # shown by the panel of the expressions
            return
        shelf = preset_shelf.shelf()
        scale = _picture_scale(context)
        ours = [shelved for shelved in shelf if not shelved.is_own]
        # Expression by expression, so that its characters stand beside one another.
        for _, group in groupby(ours, key=lambda shelved: shelved.preset.expressions[0]):
            _draw_grid(layout, list(group), known, scale)
        own = [shelved for shelved in shelf if shelved.is_own]
        if own:
            layout.label(text="Your own")
            _draw_grid(layout, own, known, scale)
        for sentence in preset_shelf.damaged():
            draw_sentence(layout, sentence, "ERROR")
        column = layout.column(align=True)
        column.operator(FACEGEN_OT_save_preset.bl_idname, icon="ADD")
        column.operator(FACEGEN_OT_presets_to_assets.bl_idname, icon="ASSET_MANAGER")


def _draw_grid(
    layout: bpy.types.UILayout,
    shelf: Sequence[preset_shelf.Shelved],
    known: set[str],
    scale: float,
) -> None:
    grid = layout.grid_flow(
        row_major=True, columns=NUM_COLUMNS, even_columns=True, even_rows=True, align=True
    )
    for shelved in shelf:
        column = grid.column(align=True)
        column.active = column.enabled = known.issuperset(shelved.preset.expressions)
        column.template_icon(icon_value=preset_shelf.icon_of(shelved), scale=scale)
        row = column.row(align=True)
        apply = row.operator(FACEGEN_OT_apply_preset.bl_idname, text=shelved.preset.name)
        apply.preset = shelved.key
        if shelved.is_own:
            remove = row.operator(FACEGEN_OT_remove_preset.bl_idname, text="", icon="X")
            remove.preset = shelved.key
    for _ in range(-len(shelf) % NUM_COLUMNS):
        grid.column().label(text="")


def _picture_scale(context: bpy.types.Context) -> float:
    """As high as a third of the sidebar is wide: whoever wants larger pictures widens it."""
    if context.region is None:
        return _SMALLEST_SCALE
    rows = context.region.width / (_ROW_PIXELS * context.preferences.system.ui_scale)
    return min(max((rows - _MARGINS) / NUM_COLUMNS, _SMALLEST_SCALE), _LARGEST_SCALE)


CLASSES = (FACEGEN_PT_presets,)
