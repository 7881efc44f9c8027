"""Acts on an event of the list: duplicate, mirror, tempo, hold, overlap, remove."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import bpy
from bpy.props import BoolProperty, FloatProperty, IntProperty, StringProperty

from facegen_core import event_edits, event_mirror
from facegen_core.channel_keys import KeyArray
from facegen_core.errors import FacegenError, IntensityError

from ..refusals import refused
from ..scene import event_rows, events, state
from ..translations import said
from . import polling

Channels = Mapping[str, KeyArray]


@dataclass(frozen=True)
class Edit:
    """The channels an act changes, and the event to choose after it: channel and number."""

    changed: Channels
    chosen: tuple[str, int] | None = None


def _ripple() -> BoolProperty:
    return BoolProperty(
        name="Ripple", description="Later events follow, on every expression", default=False
    )


class EventOperator(polling.OnHead):
    """Operator on one event: the chosen one, and in the redo panel the one it was called for."""

    bl_options = {"REGISTER", "UNDO"}

    attribute: StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    number: IntProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        if event_rows.selected(context) is None:
            cls.poll_message_set(said("No event is chosen in the list of events"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        head = state.find_target(context)
        if not self.attribute:
            chosen = event_rows.selected(context)
            self.attribute, self.number = chosen.channel.attribute, chosen.number
        try:
            found = events.find_event(head, self.attribute, self.number)
            if found is None:
                raise FacegenError(
                    "This event is no longer there: choose another one in the list of events."
                )
            edit = self.edit(context, found, events.keys_of(head))
            events.write_events(head, edit.changed)
        except FacegenError as error:
            return refused(self, error)
        event_rows.refresh(context)
        event_rows.select(context, *(edit.chosen or (self.attribute, self.number)))
        return {"FINISHED"}

    def edit(self, context: bpy.types.Context, found: events.Found, keys: Channels) -> Edit:
        """What becomes of the channels. Raises FacegenError."""
        raise NotImplementedError


def rippled(keys: Channels, found: events.Found, changed: KeyArray, is_wanted: bool) -> Channels:
    """The changed channel; where wanted, all that begins after the event's old end follows it."""
    attribute = found.channel.attribute
    after = event_edits.read_events(found.channel.expression, changed)
    if not is_wanted:
        return {attribute: changed}
    old_end, end = found.event.marks[3], after[found.number].marks[3]
    others = {name: channel for name, channel in keys.items() if name != attribute}
    return {**event_edits.rippled(others, old_end, end - old_end), attribute: changed}


def stretched(keys: Channels, found: events.Found, marks: list[float], ripple: bool) -> Channels:
    """The event between other marks; with ripple its own channel makes room before it grows."""
    attribute, event = found.channel.attribute, found.event
    channel, delta = keys[attribute], marks[3] - event.marks[3]
    later = event_edits.read_events(event.expression, channel)[found.number + 1 :]
    follows = ripple and bool(later)
    if follows and delta > 0:
        channel = event_edits.shifted(channel, later[0], delta)
    own = event_edits.read_events(event.expression, channel)[found.number]
    channel = event_edits.with_marks(channel, own, marks)
    if follows and delta < 0:
        next_one = event_edits.read_events(event.expression, channel)[found.number + 1]
        channel = event_edits.shifted(channel, next_one, delta)
    return rippled(keys, found, channel, ripple)


class FACEGEN_OT_event_duplicate(EventOperator, bpy.types.Operator):
    """Copy the event: to the current frame where that is free, else to right after it"""

    bl_idname = "facegen.event_duplicate"
    bl_label = "Duplicate Event"

    onset_start: FloatProperty(
        name="Onset Start",
        description="Frame at which the copy begins",
        step=100,
        precision=1,
        options={"SKIP_SAVE"},
    )

    def edit(self, context: bpy.types.Context, found: events.Found, keys: Channels) -> Edit:
        event, attribute = found.event, found.channel.attribute
        channel = keys[attribute]
        if not self.properties.is_property_set("onset_start"):
            self.onset_start = self._free_frame(context, found, channel)
        span = event_edits.span_of(channel, event)
        delta = self.onset_start - event.marks[0]
        copied = event_edits.inserted(
            channel, event_edits.later(span, delta), found.channel.expression
        )
        after = event_edits.read_events(event.expression, copied)
        number = min(range(len(after)), key=lambda n: abs(after[n].marks[0] - self.onset_start))
        return Edit({attribute: copied}, (attribute, number))

    def _free_frame(
        self, context: bpy.types.Context, found: events.Found, channel: KeyArray
    ) -> float:
        event = found.event
        length, frame = event.marks[3] - event.marks[0], float(context.scene.frame_current)
        others = event_edits.read_events(event.expression, channel)
        is_free = all(o.marks[3] <= frame or o.marks[0] >= frame + length for o in others)
        return frame if is_free else event.marks[3]


class FACEGEN_OT_event_mirror(EventOperator, bpy.types.Operator):
    """Play the event backwards between the same two frames"""

    bl_idname = "facegen.event_mirror"
    bl_label = "Mirror in Time"

    def edit(self, context: bpy.types.Context, found: events.Found, keys: Channels) -> Edit:
        attribute = found.channel.attribute
        return Edit({attribute: event_mirror.mirrored(keys[attribute], found.event)})


class FACEGEN_OT_event_tempo(EventOperator, bpy.types.Operator):
    """Play the event faster or slower, from the same onset"""

    bl_idname = "facegen.event_tempo"
    bl_label = "Tempo"

    tempo: FloatProperty(
        name="Tempo", description="2 is twice as fast", default=1.25, min=0.1, max=10.0, step=5
    )
    ripple: _ripple()

    def edit(self, context: bpy.types.Context, found: events.Found, keys: Channels) -> Edit:
        marks = event_edits.tempo_marks(found.event, self.tempo)
        return Edit(stretched(keys, found, marks, self.ripple))


class FACEGEN_OT_event_hold(EventOperator, bpy.types.Operator):
    """Stay at the apex longer or shorter"""

    bl_idname = "facegen.event_hold"
    bl_label = "Hold"

    frames: FloatProperty(
        name="Longer by",
        description="Frames the apex lasts longer; shorter where negative",
        default=6.0,
        step=100,
        precision=1,
    )
    ripple: _ripple()

    def edit(self, context: bpy.types.Context, found: events.Found, keys: Channels) -> Edit:
        event = found.event
        length = event.marks[2] - event.marks[1]
        marks = event_edits.hold_marks(event, max(0.0, length + self.frames))
        return Edit(stretched(keys, found, marks, self.ripple))


class FACEGEN_OT_event_overlap(EventOperator, bpy.types.Operator):
    """Let the next event begin before this one is over"""

    bl_idname = "facegen.event_overlap"
    bl_label = "Overlap"

    frames: FloatProperty(
        name="Overlap",
        description="Frames by which the next event begins before this one ends; a pause where "
        "negative",
        default=6.0,
        step=100,
        precision=1,
    )
    ripple: _ripple()

    def edit(self, context: bpy.types.Context, found: events.Found, keys: Channels) -> Edit:
        everything = events.events_of(state.find_target(context))
        place = everything.index(found)
        if place + 1 == len(everything):
            raise IntensityError(
                f"No event follows this {found.event.expression}"
                ": choose an earlier one, or add one."
            )
        following = everything[place + 1]
        attribute, event = following.channel.attribute, following.event
        if attribute == found.channel.attribute and self.frames > 0:
            raise IntensityError(
                f"The next event is {event.expression} too, and one expression cannot overlap "
                "itself: give 0, or a negative number for a pause."
            )
        frames = found.event.marks[3] - self.frames - event.marks[0]
        if not self.ripple:
            return Edit({attribute: event_edits.moved(keys[attribute], event, frames)})
        # All that stands after this event in the list follows, each channel as one.
        changed = dict(keys)
        for later in reversed(everything[place + 1 :]):
            name = later.channel.attribute
            first = min(f.number for f in everything[place + 1 :] if f.channel.attribute == name)
            if later.number == first:
                changed[name] = event_edits.shifted(keys[name], later.event, frames)
        return Edit(changed)


class FACEGEN_OT_event_remove(EventOperator, bpy.types.Operator):
    """Take the keys of the event away; other events stay"""

    bl_idname = "facegen.event_remove"
    bl_label = "Remove Event"

    def edit(self, context: bpy.types.Context, found: events.Found, keys: Channels) -> Edit:
        attribute = found.channel.attribute
        left = event_edits.removed(keys[attribute], found.event)
        return Edit({attribute: left}, (attribute, max(0, found.number - 1)))


CLASSES = (
    FACEGEN_OT_event_duplicate,
    FACEGEN_OT_event_mirror,
    FACEGEN_OT_event_tempo,
    FACEGEN_OT_event_hold,
    FACEGEN_OT_event_overlap,
    FACEGEN_OT_event_remove,
)
