"""The list of events in the sidebar: rows on the window manager, filled from the curves.

Rows are a copy for Blender's list to draw, and which of them is chosen is no part of the file; the
truth is always read from the F-curves (`scene.events`).
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from . import events, state


def event_list(context: bpy.types.Context) -> bpy.types.PropertyGroup:
    """The list of this window manager: `rows`, `active`."""
    return context.window_manager.facegen_events


def is_current(context: bpy.types.Context) -> bool:
    """Whether the rows are those of the curves; writes nothing, so panels may ask."""
    return _shown(context) == _true(context)[1]


def refresh(context: bpy.types.Context) -> None:
    """Fill the rows from the curves of the active head, where they differ; keep the choice."""
    head_name, wanted = _true(context)
    shown = event_list(context)
    if shown.head == head_name and _shown(context) == wanted:
        return
    chosen = _chosen(context) if shown.head == head_name else None
    shown.rows.clear()
    shown.head = head_name
    for values in wanted:
        row = shown.rows.add()
        for name, value in zip(_FIELDS, values, strict=True):
            setattr(row, name, value)
    if chosen is not None:
        select(context, *chosen)
    shown.active = max(0, min(shown.active, len(shown.rows) - 1))


def select(context: bpy.types.Context, attribute: str, number: int) -> None:
    """Choose an event of the list: its channel, and which of the channel's it is."""
    shown = event_list(context)
    for index, row in enumerate(shown.rows):
        if (row.attribute, row.number) == (attribute, number):
            shown.active = index


def selected(context: bpy.types.Context) -> events.Found | None:
    """The event that is chosen, as its curve is now, or None."""
    head, chosen = state.find_target(context), _chosen(context)
    if head is None or chosen is None or event_list(context).head != head.name:
        return None
    return events.find_event(head, *chosen)


_FIELDS = ("attribute", "number", "name", "onset_start", "offset_end", "intensity", "ease")


def _chosen(context: bpy.types.Context) -> tuple[str, int] | None:
    shown = event_list(context)
    if not 0 <= shown.active < len(shown.rows):
        return None
    row = shown.rows[shown.active]
    return row.attribute, row.number


def _shown(context: bpy.types.Context) -> list[tuple[Any, ...]]:
    return [tuple(getattr(row, name) for name in _FIELDS) for row in event_list(context).rows]


def _true(context: bpy.types.Context) -> tuple[str, list[tuple[Any, ...]]]:
    head = state.find_target(context)
    if head is None or head.type != "MESH":
        return "", []
    return head.name, [_values(found) for found in events.events_of(head)]


def _values(found: events.Found) -> tuple[Any, ...]:
    event = found.event
    return (
        found.channel.attribute,
        found.number,
        found.channel.label,
        _single(event.marks[0]),
        _single(event.marks[3]),
        _single(event.intensity),
        event.onset_ease,
    )


def _single(number: float) -> float:
    """A number as properties keep it, in single precision."""
    return float(np.float32(number))
