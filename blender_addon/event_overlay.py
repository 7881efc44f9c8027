"""Draws the events of the active head over the Graph Editor, the Dope Sheet and the timeline.

What stands where is `event_handles`' to say; the list of the sidebar is kept up to date from here
too, since both show what the curves are.
"""

from __future__ import annotations

import colorsys
from contextlib import suppress

import blf
import bpy
import gpu
from bpy.app.handlers import persistent
from gpu_extras.batch import batch_for_shader

from facegen_core.errors import FacegenError

from . import event_handles
from .operators.drag_event import FACEGEN_OT_drag_event
from .preferences import preferences_of
from .scene import event_rows, event_view

# Hue, saturation and value by expression; those of other models are spread over the hues.
_COLOURS = {
    "happy": (0.12, 0.75, 0.95),
    "sad": (0.61, 0.6, 0.95),
    "surprise": (0.5, 0.55, 0.9),
    "angry": (0.0, 0.7, 0.95),
    "disgust": (0.3, 0.6, 0.8),
    "fear": (0.76, 0.5, 0.95),
}
_GOLDEN = 0.618034
_TEXT_SIZE = 11.0
_SPACES = (bpy.types.SpaceGraphEditor, bpy.types.SpaceDopeSheetEditor)
_KEYMAPS = (("Graph Editor", "GRAPH_EDITOR"), ("Dopesheet", "DOPESHEET_EDITOR"))

_drawn_by: list[tuple[type, object]] = []
_keymap_items: list[tuple[bpy.types.KeyMap, bpy.types.KeyMapItem]] = []


def colour_of(attribute: str) -> tuple[float, float, float]:
    """RGB of a channel, the same in every file."""
    if attribute not in _COLOURS:
        number = int(attribute.rpartition("_")[2])
        return colorsys.hsv_to_rgb((0.05 + number * _GOLDEN) % 1.0, 0.5, 0.9)
    return colorsys.hsv_to_rgb(*_COLOURS[attribute])


def draw() -> None:
    """Draw the bars of the region that is being drawn."""
    context = bpy.context
    preferences = preferences_of(context)
    if preferences is None or not preferences.show_event_handles:
        return
    with suppress(FacegenError):  # the sidebar says what is wrong
        shown = event_view.shown_events(context)
        if not shown:
            return
        view = event_view.view_of(context)
        chosen = event_rows.selected(context)
        key = (chosen.channel.attribute, chosen.number) if chosen else None
        gpu.state.blend_set("ALPHA")
        try:
            for bar in event_handles.lay_out([item.shown for item in shown], view):
                _draw_bar(bar, view, bar.key == key)
            labels = {item.shown[0]: item.label for item in shown}
            for bar in event_handles.lay_out([item.shown for item in shown], view):
                _draw_label(bar, labels[bar.key], view)
        finally:
            gpu.state.blend_set("NONE")


def _draw_bar(bar: event_handles.Bar, view: event_handles.View, is_chosen: bool) -> None:
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    colour = colour_of(bar.key[0])
    a, b, c, d = bar.outline
    _fill(shader, (a, b, c, a, c, d), (*colour, 0.62 if is_chosen else 0.38))
    edge = (1.0, 1.0, 1.0, 0.95) if is_chosen else (*colour, 0.9)
    batch = batch_for_shader(shader, "LINE_LOOP", {"pos": bar.outline})
    gpu.state.line_width_set(2.0 if is_chosen else 1.0)
    shader.uniform_float("color", edge)
    batch.draw(shader)
    gpu.state.line_width_set(1.0)
    radius = event_handles.GRIP_RADIUS * view.scale
    for part, (x, y) in bar.grips.items():
        _draw_grip(shader, x, y, radius + 1.5, part, (0.0, 0.0, 0.0, 0.85))
        _draw_grip(shader, x, y, radius, part, (1.0, 1.0, 1.0, 1.0) if is_chosen else (*colour, 1))


def _draw_grip(
    shader: gpu.types.GPUShader,
    x: float,
    y: float,
    radius: float,
    part: str,
    colour: tuple[float, ...],
) -> None:
    """A diamond, as keys are; of the intensity a triangle that points the way it is pulled."""
    left, right, top, bottom = (x - radius, y), (x + radius, y), (x, y + radius), (x, y - radius)
    if part == "intensity":
        corners = ((x - radius, y - 0.5 * radius), (x + radius, y - 0.5 * radius), top)
        _fill(shader, corners, colour)
    else:
        _fill(shader, (left, top, right, left, right, bottom), colour)


def _fill(
    shader: gpu.types.GPUShader,
    corners: tuple[event_handles.Point, ...],
    colour: tuple[float, ...],
) -> None:
    shader.uniform_float("color", colour)
    batch_for_shader(shader, "TRIS", {"pos": corners}).draw(shader)


def _draw_label(bar: event_handles.Bar, label: str, view: event_handles.View) -> None:
    """The name inside the bar, where it fits."""
    blf.size(0, _TEXT_SIZE * view.scale)
    width, _ = blf.dimensions(0, label)
    left, right = max(bar.outline[1][0], 0.0), min(bar.outline[2][0], view.width)
    margin = 2.0 * event_handles.GRIP_RADIUS * view.scale
    if right - left < width + 2 * margin:  # no room over the apex: over the whole bar then
        left, right = max(bar.outline[0][0], 0.0), min(bar.outline[3][0], view.width)
    if right - left < width + 2 * margin:
        return
    blf.enable(0, blf.SHADOW)
    blf.shadow(0, 3, 0.0, 0.0, 0.0, 0.9)
    blf.color(0, 1.0, 1.0, 1.0, 1.0)
    blf.position(0, 0.5 * (left + right - width), bar.outline[0][1] + 3.0 * view.scale, 0)
    blf.draw(0, label)
    blf.disable(0, blf.SHADOW)


@persistent
def on_change(*_: object) -> None:
    """After an edit anywhere, an undo or a load: the list follows the curves."""
    if not hasattr(bpy.context, "active_object"):  # a render has no screen
        return
    with suppress(FacegenError):
        event_rows.refresh(bpy.context)


_PLACES = (
    bpy.app.handlers.depsgraph_update_post,
    bpy.app.handlers.undo_post,
    bpy.app.handlers.redo_post,
    bpy.app.handlers.load_post,
)


def register() -> None:
    for handlers in _PLACES:
        handlers.append(on_change)
    if bpy.app.background:
        return
    for space in _SPACES:
        _drawn_by.append((space, space.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL")))
    configuration = bpy.context.window_manager.keyconfigs.addon
    for name, space_type in _KEYMAPS if configuration else ():
        keymap = configuration.keymaps.new(name=name, space_type=space_type)
        item = keymap.keymap_items.new(FACEGEN_OT_drag_event.bl_idname, "LEFTMOUSE", "PRESS")
        _keymap_items.append((keymap, item))


def unregister() -> None:
    for keymap, item in _keymap_items:
        keymap.keymap_items.remove(item)
    _keymap_items.clear()
    for space, handle in _drawn_by:
        space.draw_handler_remove(handle, "WINDOW")
    _drawn_by.clear()
    for handlers in _PLACES:
        handlers.remove(on_change)
