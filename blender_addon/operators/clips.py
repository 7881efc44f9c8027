"""Clips: begin, duplicate, switch, push down and remove the clips of a head; an undo step each."""

from __future__ import annotations

from collections.abc import Callable

import bpy
from bpy.props import IntProperty, StringProperty

from facegen_core.errors import FacegenError

from ..refusals import refused
from ..scene import clip_rows, clips, live_key, state
from ..translations import said
from . import polling


class _OnClips(polling.OnHead):
    """Operator on the clips of a head: refusals are sentences, and leave all as it was."""

    bl_options = {"REGISTER", "UNDO"}
    needs_clips = True

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        if cls.needs_clips and not len(state.find_target(context).facegen.clips):
            cls.poll_message_set(said("There is no clip yet: press Generate first"))
            return False
        return True

    def act(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            clips.check_free(state.find_target(context))
            live_key.remove_all()  # a clip plays alone
            sentence = self.act(context, state.find_target(context))
        except FacegenError as error:
            return refused(self, error)
        self.report({"INFO"}, said(sentence))
        return {"FINISHED"}


class _OnOneClip(_OnClips):
    """Operator on one clip: by its number, or the row that is selected."""

    number: IntProperty(name="Number", default=-1, options={"HIDDEN", "SKIP_SAVE"})

    def row(self, target: bpy.types.Object) -> bpy.types.PropertyGroup:
        settings = target.facegen
        row = clip_rows.row_of(target, self.number)
        if row is None and self.number >= 0:
            raise FacegenError("That clip is gone: choose another one in the list.")
        return row or settings.clips[min(settings.clip_row, len(settings.clips) - 1)]

    def of_row(self, target: bpy.types.Object, act: Callable[..., object]) -> str:
        """Do something with the clip; returns its name."""
        row = self.row(target)
        name, number = row.name, row.number
        act(target, number)
        return name


class FACEGEN_OT_clip_new(_OnClips, bpy.types.Operator):
    """Begin a clip with empty curves; the one before rests in the NLA, muted, with its keys"""

    bl_idname = "facegen.clip_new"
    bl_label = "New Clip"
    needs_clips = False

    name: StringProperty(name="Name", default="clip", maxlen=40, options={"SKIP_SAVE"})

    def act(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        clips.new(target, self.name)
        return f"Clip '{target.facegen.clip_name}' begins: key its expressions"


class FACEGEN_OT_clip_duplicate(_OnOneClip, bpy.types.Operator):
    """Copy a clip with its curves and shape keys; the copy plays"""

    bl_idname = "facegen.clip_duplicate"
    bl_label = "Duplicate Clip"

    def act(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        name = self.of_row(target, clips.duplicate)
        return f"Clip '{target.facegen.clip_name}' is a copy of '{name}'"


class FACEGEN_OT_clip_switch(_OnOneClip, bpy.types.Operator):
    """Let this clip play, and it alone: keys of other clips rest at 0"""

    bl_idname = "facegen.clip_switch"
    bl_label = "Switch Clip"

    def act(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        return f"Clip '{self.of_row(target, clips.switch)}' plays"


class FACEGEN_OT_clip_remove(_OnOneClip, bpy.types.Operator):
    """Remove a clip: its expression curves, and keys and curves that Facegen made; others stay"""

    bl_idname = "facegen.clip_remove"
    bl_label = "Remove Clip"

    def act(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        return f"Clip '{self.of_row(target, clips.remove)}' removed"


class FACEGEN_OT_clip_push_down(_OnOneClip, bpy.types.Operator):
    """Lay a clip into the NLA: a strip on the head and on each of its shape keys, all alike"""

    bl_idname = "facegen.clip_push_down"
    bl_label = "Push Down"

    def act(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        return f"Clip '{self.of_row(target, clips.push_down)}' plays from the NLA"


class FACEGEN_OT_clip_play_strips(_OnClips, bpy.types.Operator):
    """Let the clips that were pushed down play from the NLA, instead of one clip alone"""

    bl_idname = "facegen.clip_play_strips"
    bl_label = "Play Strips"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        if not any(row.is_pushed for row in state.find_target(context).facegen.clips):
            cls.poll_message_set(said("No clip was pushed down yet"))
            return False
        return True

    def act(self, context: bpy.types.Context, target: bpy.types.Object) -> str:
        clips.play_strips(target)
        return "The clips play from the NLA"


CLASSES = (
    FACEGEN_OT_clip_new,
    FACEGEN_OT_clip_duplicate,
    FACEGEN_OT_clip_switch,
    FACEGEN_OT_clip_remove,
    FACEGEN_OT_clip_push_down,
    FACEGEN_OT_clip_play_strips,
)
