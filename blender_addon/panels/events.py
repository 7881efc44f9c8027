"""The list of events, the fields of the chosen one, and what can be done with it."""

from __future__ import annotations

import bpy

from ..eases import EASE_ITEMS
from ..operators import events as acts
from ..preferences import preferences_of
from ..scene import event_rows, events, state
from .base import FacegenPanel, draw_sentence

_ICONS = {item[0]: item[3] for item in EASE_ITEMS}
# Rows of the list before it scrolls.
ROWS = 4


class FACEGEN_UL_events(bpy.types.UIList):
    """Events in the order of time: expression, frames, intensity."""

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: bpy.types.AnyType,
        item: bpy.types.PropertyGroup,
        icon: int,
        active_data: bpy.types.AnyType,
        active_property: str,
        index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        split = layout.split(factor=0.45)
        split.label(text=item.name, icon=_ICONS.get(item.ease, "FCURVE"))
        right = split.split(factor=0.65)
        right.label(text=f"{item.onset_start:g} – {item.offset_end:g}")
        right.label(text=f"{item.intensity:.2f}")


class FACEGEN_PT_events(FacegenPanel, bpy.types.Panel):
    bl_label = "Events"
    bl_parent_id = "FACEGEN_PT_expressions"

    def draw(self, context: bpy.types.Context) -> None:
        layout, head = self.layout, state.find_target(context)
        if not event_rows.is_current(context):
            refresh_soon()
        elsewhere = events.played_elsewhere(head)
        if elsewhere:
            draw_sentence(layout, elsewhere, "INFO")
        shown = event_rows.event_list(context)
        row = layout.row()
        row.template_list("FACEGEN_UL_events", "", shown, "rows", shown, "active", rows=ROWS)
        buttons = row.column(align=True)
        buttons.operator(acts.FACEGEN_OT_event_duplicate.bl_idname, text="", icon="DUPLICATE")
        buttons.operator(acts.FACEGEN_OT_event_remove.bl_idname, text="", icon="REMOVE")
        buttons.separator()
        buttons.operator(acts.FACEGEN_OT_event_mirror.bl_idname, text="", icon="MOD_MIRROR")
        preferences = preferences_of(context)
        if preferences is not None:
            buttons.prop(preferences, "show_event_handles", text="", icon="HANDLE_VECTOR")
        found = event_rows.selected(context)
        if found is None:
            return
        _draw_fields(layout, head.facegen, found)
        row = layout.row(align=True)
        for act in (
            acts.FACEGEN_OT_event_tempo,
            acts.FACEGEN_OT_event_hold,
            acts.FACEGEN_OT_event_overlap,
        ):
            row.operator(act.bl_idname)


def _draw_fields(
    layout: bpy.types.UILayout, settings: bpy.types.PropertyGroup, found: events.Found
) -> None:
    column = layout.column(align=True)
    for left, right in (("onset_start", "apex_start"), ("apex_end", "offset_end")):
        row = column.row(align=True)
        row.prop(settings, f"event_{left}", text=left.replace("_", " ").title())
        row.prop(settings, f"event_{right}", text=right.replace("_", " ").title())
    column.prop(settings, "event_intensity", slider=True)
    row = column.row(align=True)
    row.enabled = not found.event.is_drawn
    row.prop(settings, "event_onset_ease", text="")
    row.prop(settings, "event_offset_ease", text="")


def refresh_soon() -> None:
    """Fill the list as soon as writing is allowed again, which it is not while panels draw."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_refresh):
        bpy.app.timers.register(_refresh, first_interval=0.0)


def _refresh() -> None:
    context = bpy.context
    event_rows.refresh(context)
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            area.tag_redraw()


CLASSES = (FACEGEN_PT_events,)
LISTS = (FACEGEN_UL_events,)
