"""Drag Event: pull a handle that is drawn over an animation editor."""

from __future__ import annotations

import bpy

from facegen_core import event_dragging
from facegen_core.errors import FacegenError
from facegen_core.event_dragging import MARKS

from .. import event_handles
from ..preferences import preferences_of
from ..refusals import refused
from ..scene import event_rows, event_view, events, state
from . import polling

# Steps of a drag: whole frames and hundredths, or freely with Shift.
_STEPS = {"intensity": 0.01}
_SNAP_PIXELS = 12.0
_CURSORS = {"intensity": "MOVE_Y", "event": "SCROLL_X"}
_STATUS = "Shift: subframes    Ctrl: snap to marks and markers    ESC or right click: let go"


class FACEGEN_OT_drag_event(bpy.types.Operator):
    """Drag a handle of an expression event; Shift goes by subframes, Ctrl snaps, ESC lets go"""

    bl_idname = "facegen.drag_event"
    bl_label = "Drag Event"
    bl_options = {"UNDO", "BLOCKING", "INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        # Without a sentence: the press goes on to whatever else it is for.
        preferences = preferences_of(context)
        return preferences is not None and preferences.show_event_handles

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        shown = event_view.shown_events(context)
        if not shown or context.region.type != "WINDOW":
            return {"PASS_THROUGH"}
        self._view = event_view.view_of(context)
        bars = event_handles.lay_out([item.shown for item in shown], self._view)
        place = (event.mouse_region_x, event.mouse_region_y)
        found = event_handles.hit(bars, *place, self._view.scale)
        if found is None or not polling.head_is_ready(type(self), context):
            return {"PASS_THROUGH"}
        (self._attribute, self._number), self._part = found[0].key, found[1]
        self._head_name = state.find_target(context).name
        self._press, self._has_moved = place, False
        try:
            self._begin(context, [item.shown for item in shown])
        except FacegenError as error:
            return refused(self, error)
        context.window.cursor_modal_set(_CURSORS.get(self._part, "MOVE_X"))
        context.workspace.status_text_set(_STATUS)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            self._write(context, self._keys)
            return self._end(context, {"CANCELLED"})
        if event.type == "LEFTMOUSE" and event.value == "RELEASE":
            return self._end(context, {"FINISHED"} if self._has_moved else {"CANCELLED"})
        if event.type in {"MOUSEMOVE", "LEFT_SHIFT", "RIGHT_SHIFT", "LEFT_CTRL", "RIGHT_CTRL"}:
            try:
                self._drag(context, event)
            except FacegenError as error:
                return self._end(context, refused(self, error))
        return {"RUNNING_MODAL"}

    def cancel(self, context: bpy.types.Context) -> None:
        self._write(context, self._keys)
        self._end(context, {"CANCELLED"})

    def _begin(self, context: bpy.types.Context, shown: list[event_handles.Shown]) -> None:
        """Remember what is pulled and what to snap to. Raises FacegenError."""
        head = state.head_named(self._head_name)
        events.check_writable(head, self._attribute)
        self._keys = events.keys_of(head)[self._attribute]
        self._event = events.find_event(head, self._attribute, self._number).event
        self._start = self._event.intensity
        if self._part != "intensity":
            place = MARKS.index(self._part) if self._part in MARKS else 0
            self._start = self._event.marks[place]
        others = [marks for key, marks, _ in shown if key != (self._attribute, self._number)]
        self._snaps = [mark for marks in others for mark in marks]
        self._snaps += [float(marker.frame) for marker in context.scene.timeline_markers]
        self._snaps.append(float(context.scene.frame_current))
        event_rows.refresh(context)
        event_rows.select(context, self._attribute, self._number)
        _redraw(context)

    def _drag(self, context: bpy.types.Context, event: bpy.types.Event) -> None:
        dx, dy = event.mouse_region_x - self._press[0], event.mouse_region_y - self._press[1]
        if not (dx or dy or self._has_moved):
            return
        is_fine = event.shift
        target = event_handles.pointed_at(self._part, self._start, dx, dy, self._view, is_fine)
        is_snapping = event.ctrl and self._part != "intensity"
        reach = _SNAP_PIXELS * self._view.scale / self._view.pixels_per_frame
        step = 0.0 if is_fine else _STEPS.get(self._part, 1.0)
        snaps = self._snaps if is_snapping else ()
        target = event_dragging.placed(target, step, snaps, reach)
        is_whole = not (is_fine or is_snapping)
        self._write(
            context,
            event_dragging.pulled(self._keys, self._event, self._part, target, is_whole),
        )
        self._has_moved = True

    def _write(self, context: bpy.types.Context, keys: object) -> None:
        head = state.head_named(self._head_name)
        events.write_events(head, {self._attribute: keys})
        found = events.find_event(head, self._attribute, self._number)
        if found is not None and context.area is not None:
            context.area.header_text_set(_words(found))
        event_rows.refresh(context)
        _redraw(context)

    def _end(self, context: bpy.types.Context, result: set[str]) -> set[str]:
        context.window.cursor_modal_restore()
        context.workspace.status_text_set(None)
        if context.area is not None:
            context.area.header_text_set(None)
        _redraw(context)
        return result


def _words(found: events.Found) -> str:
    marks = " – ".join(f"{mark:.4g}" for mark in found.event.marks)
    return f"{found.channel.label}: {marks}, intensity {found.event.intensity:.2f}"


def _redraw(context: bpy.types.Context) -> None:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"GRAPH_EDITOR", "DOPESHEET_EDITOR", "VIEW_3D"}:
                area.tag_redraw()
