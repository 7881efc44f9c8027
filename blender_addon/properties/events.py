"""Events in the sidebar: rows of the list, and fields of the chosen event that write its curve.

The fields have no value of their own: they are read from the F-curve and set by editing it, so they
are always right, and on the object, so that Blender makes one undo step of each.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import bpy
from bpy.props import (
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from facegen_core import event_dragging, event_edits
from facegen_core.channel_keys import KeyArray
from facegen_core.errors import FacegenError
from facegen_core.events import Event

from ..eases import EASE_ITEMS
from ..scene import event_rows, events, schema

DRAWN = "DRAWN"
# What an event's ramps are, with a choice for those that were drawn by hand.
RAMP_ITEMS = [
    *EASE_ITEMS,
    (DRAWN, "By Hand", "Drawn in the Graph Editor, and kept", "FCURVE", len(EASE_ITEMS)),
]
_NUMBERS = {item[0]: item[4] for item in RAMP_ITEMS}


class FacegenEventRow(bpy.types.PropertyGroup):
    """A row of the list; `name` is the expression."""

    attribute: StringProperty()
    number: IntProperty()
    onset_start: FloatProperty()
    offset_end: FloatProperty()
    intensity: FloatProperty()
    ease: StringProperty()


class FacegenEventList(bpy.types.PropertyGroup):
    """The events of the active head."""

    head: StringProperty()
    rows: CollectionProperty(type=FacegenEventRow)
    active: IntProperty(name="Event", description="The event that is edited")


def _edited(edit: Callable[[KeyArray, Event], KeyArray]) -> None:
    """Edit the chosen event. A field cannot refuse in words: what cannot be is left as it is."""
    context = bpy.context
    found = event_rows.selected(context)
    if found is None:
        return
    head, attribute = event_rows.state.find_target(context), found.channel.attribute
    with suppress(FacegenError):
        schema.check(head)
        keys = events.keys_of(head)[attribute]
        events.write_events(head, {attribute: edit(keys, found.event)})
        event_rows.refresh(context)


def _field(part: str, name: str, description: str, **options: Any) -> FloatProperty:
    def get(settings: bpy.types.PropertyGroup) -> float:
        found = event_rows.selected(bpy.context)
        if found is None:
            return 0.0
        if part == "intensity":
            return found.event.intensity
        return found.event.marks[event_dragging.MARKS.index(part)]

    def put(settings: bpy.types.PropertyGroup, value: float) -> None:
        _edited(lambda keys, event: event_dragging.pulled(keys, event, part, value))

    return FloatProperty(
        name=name, description=description, get=get, set=put, options={"SKIP_SAVE"}, **options
    )


def _ramp(is_onset: bool, name: str, description: str) -> EnumProperty:
    def get(settings: bpy.types.PropertyGroup) -> int:
        found = event_rows.selected(bpy.context)
        if found is None or found.event.is_drawn:
            return _NUMBERS[DRAWN]
        return _NUMBERS[found.event.onset_ease if is_onset else found.event.offset_ease]

    def put(settings: bpy.types.PropertyGroup, number: int) -> None:
        ease = RAMP_ITEMS[number][0]

        def edit(keys: KeyArray, event: Event) -> KeyArray:
            eases = (ease, event.offset_ease) if is_onset else (event.onset_ease, ease)
            return event_edits.with_eases(keys, event, *eases)

        _edited(edit)

    return EnumProperty(
        name=name,
        description=description,
        items=RAMP_ITEMS,
        get=get,
        set=put,
        options={"SKIP_SAVE"},
    )


def _mark(part: str, description: str) -> FloatProperty:
    name = part.replace("_", " ").title()
    return _field(part, name, description, step=100, precision=1)


PROPERTIES = {
    "event_onset_start": _mark("onset_start", "Frame at which the face begins to move"),
    "event_apex_start": _mark("apex_start", "Frame at which the expression is reached"),
    "event_apex_end": _mark("apex_end", "Frame at which the expression begins to fade"),
    "event_offset_end": _mark("offset_end", "Frame at which the face is at rest again"),
    "event_intensity": _field(
        "intensity", "Intensity", "Of the apex", min=0.01, max=1.0, subtype="FACTOR"
    ),
    "event_onset_ease": _ramp(True, "Onset Ease", "How the expression comes"),
    "event_offset_ease": _ramp(False, "Offset Ease", "How the expression goes"),
}
CLASSES = (FacegenEventRow, FacegenEventList)


def register() -> None:
    bpy.types.WindowManager.facegen_events = PointerProperty(type=FacegenEventList)


def unregister() -> None:
    del bpy.types.WindowManager.facegen_events
