"""The sub-panel with the clips of a head: what plays, what rests, how it was made."""

from __future__ import annotations

from functools import lru_cache

import bpy

from facegen_core.errors import FacegenError

from .. import clip_record
from ..operators import clips as acts
from ..operators.regenerate import FACEGEN_OT_regenerate, FACEGEN_OT_restore_curves
from ..scene import clip_rows, state
from .base import FacegenPanel, draw_sentence

_NUM_ROWS = 4


class FACEGEN_UL_clips(bpy.types.UIList):
    """A clip a row: a dot on the one that plays, its name, a sign where it lies in the NLA."""

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        settings: bpy.types.PropertyGroup,
        row: bpy.types.PropertyGroup,
        icon: int,
        active_data: bpy.types.PropertyGroup,
        active_property: str,
        index: int = 0,
        flags: int = 0,
    ) -> None:
        plays = row.number == settings.clip_playing
        line = layout.row(align=True)
        switch = line.operator(
            acts.FACEGEN_OT_clip_switch.bl_idname,
            text="",
            icon="RADIOBUT_ON" if plays else "RADIOBUT_OFF",
            emboss=False,
        )
        switch.number = row.number
        line.prop(row, "name", text="", emboss=False)
        if row.is_pushed:
            line.label(text="", icon="NLA")


class FACEGEN_PT_clips(FacegenPanel, bpy.types.Panel):
    bl_label = "Clips"
    bl_parent_id = "FACEGEN_PT_generate"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, target = self.layout, state.find_target(context)
        settings = target.facegen
        row = layout.row()
        row.template_list(
            "FACEGEN_UL_clips", "", settings, "clips", settings, "clip_row", rows=_NUM_ROWS
        )
        column = row.column(align=True)
        column.operator(acts.FACEGEN_OT_clip_new.bl_idname, text="", icon="ADD")
        column.operator(acts.FACEGEN_OT_clip_remove.bl_idname, text="", icon="REMOVE")
        column.separator()
        column.operator(acts.FACEGEN_OT_clip_duplicate.bl_idname, text="", icon="DUPLICATE")
        if not len(settings.clips):
            draw_sentence(layout, "Generate begins the first clip", "INFO")
            return
        strips = layout.row(align=True)
        strips.operator(acts.FACEGEN_OT_clip_push_down.bl_idname, icon="NLA_PUSHDOWN")
        strips.operator(acts.FACEGEN_OT_clip_play_strips.bl_idname, icon="PLAY")
        _draw_record(layout, target)


def _draw_record(layout: bpy.types.UILayout, target: bpy.types.Object) -> None:
    """How the clip that plays was made, and the way back to that."""
    text = clip_rows.record_text(target, target.facegen.clip_playing)
    if text is None:
        return
    draw_sentence(layout, _words(text), "FILE_TEXT")
    row = layout.row(align=True)
    row.operator(FACEGEN_OT_regenerate.bl_idname, icon="FILE_REFRESH")
    row.operator(FACEGEN_OT_restore_curves.bl_idname, icon="LOOP_BACK")


@lru_cache(maxsize=4)
def _words(text: str) -> str:
    """Panels are drawn many times a second, records are long."""
    try:
        return clip_record.words(clip_record.from_text(text, "The record"))
    except FacegenError as error:
        return str(error)


CLASSES = (FACEGEN_PT_clips,)
LISTS = (FACEGEN_UL_clips,)
