"""Which events an animation editor shows, and how its region maps frames to pixels."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from ..event_handles import Shown, View
from . import events, state

# Heights of what Blender draws at the edges, at a display scale of 1.
_SCROLL_BAR, _MARKERS, _FRAME_NUMBERS = 22.0, 26.0, 24.0
_MODES = {
    "GRAPH_EDITOR": ("FCURVES",),
    "DOPESHEET_EDITOR": ("DOPESHEET", "ACTION", "TIMELINE"),
}


@dataclass(frozen=True)
class ShownEvent:
    """An event as `event_handles` takes it, and its name."""

    shown: Shown
    label: str


def shown_events(context: bpy.types.Context) -> list[ShownEvent]:
    """Events of the active head on channels that are not hidden; none in other editors."""
    space, head = context.space_data, state.find_target(context)
    if space is None or head is None or head.type != "MESH":
        return []
    if space.mode not in _MODES.get(space.type, ()):
        return []
    data = head.animation_data
    if data is None or data.use_tweak_mode:  # the frames of a strip are its own
        return []
    hidden = events.hidden_channels(head) if space.type == "GRAPH_EDITOR" else set()
    return [
        ShownEvent(
            ((found.channel.attribute, found.number), found.event.marks, found.event.intensity),
            found.channel.label,
        )
        for found in events.events_of(head)
        if found.channel.attribute not in hidden
    ]


def view_of(context: bpy.types.Context) -> View:
    """The region of a context, which is that of an animation editor."""
    region, scale = context.region, context.preferences.system.ui_scale
    to_view = region.view2d.region_to_view
    has_markers = len(context.scene.timeline_markers) and context.space_data.show_markers
    bottom = _SCROLL_BAR + (_MARKERS if has_markers else 0.0)
    return View(
        to_view(0, 0)[0],
        to_view(region.width, 0)[0],
        region.width,
        region.height,
        scale,
        bottom * scale,
        _FRAME_NUMBERS * scale,
    )
