"""Presets: play one from the current frame on, keep what the head plays, throw one away."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, FloatProperty, StringProperty

from facegen_core.errors import FacegenError, PresetError
from facegen_core.portraits import preset_picture
from facegen_core.presets import MAX_NAME, Preset, Staging

from .. import preset_shelf
from ..preferences import bundle_path, model_in_use
from ..refusals import refused
from ..scene import channels, preset_curves, state
from ..translations import said
from . import generate, polling

HIDDEN = {"HIDDEN", "SKIP_SAVE"}


def play_preset(
    context: bpy.types.Context,
    target: bpy.types.Object,
    preset: Preset,
    strength: float = 1.0,
    tempo: float = 1.0,
    with_layers: bool = True,
) -> None:
    """Key a preset on a head from the current frame on. Raises FacegenError."""
    render = context.scene.render
    staging = Staging(context.scene.frame_current, render.fps / render.fps_base, strength, tempo)
    expressions = model_in_use(context).expressions
    preset_curves.write_preset(target, preset, staging, expressions, with_layers)


class Staged:
    """What the artist may change of a preset that is played; never remembered from the last."""

    strength: FloatProperty(
        name="Strength",
        description="Factor on the intensities, which end at 1",
        default=1.0,
        min=0.05,
        max=4.0,
        soft_max=1.5,
        options={"SKIP_SAVE"},
    )
    tempo: FloatProperty(
        name="Tempo",
        description="2 plays twice as fast",
        default=1.0,
        min=0.1,
        max=10.0,
        soft_min=0.5,
        soft_max=2.0,
        options={"SKIP_SAVE"},
    )
    with_layers: BoolProperty(
        name="Regions",
        description="Key the regions, the asymmetry and the extremeness of the preset too",
        default=True,
        options={"SKIP_SAVE"},
    )

    def play(self, context: bpy.types.Context, preset: Preset) -> set[str]:
        target = state.find_target(context)
        try:
            play_preset(context, target, preset, self.strength, self.tempo, self.with_layers)
        except FacegenError as error:
            return refused(self, error)
        played = _played(preset, context.scene.frame_current, self.with_layers)
        self.report({"INFO"}, said(played))
        return {"FINISHED"}

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.use_property_split = True
        for name in ("strength", "tempo", "with_layers"):
            self.layout.prop(self, name)


class FACEGEN_OT_apply_preset(polling.OnHead, Staged, bpy.types.Operator):
    """Play this preset from the current frame on"""

    bl_idname = "facegen.apply_preset"
    bl_label = "Apply Preset"
    bl_options = {"REGISTER", "UNDO"}

    preset: StringProperty(name="Preset", options=HIDDEN)

    @classmethod
    def description(
        cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties
    ) -> str:
        try:
            preset = preset_shelf.find(properties.preset).preset
        except FacegenError:
            return said(cls.__doc__)
        begins, ends = preset.seconds
        seconds = f"{ends - begins:.1f} seconds from the current frame on"
        return said(f"{preset.description}. {seconds}" if preset.description else seconds)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            preset = preset_shelf.find(self.preset).preset
        except FacegenError as error:
            return refused(self, error)
        return self.play(context, preset)


class FACEGEN_OT_save_preset(polling.OnHead, bpy.types.Operator):
    """Keep what this head plays in the range of its clip as a preset of your own, for any head;
    one of the same name is replaced"""

    bl_idname = "facegen.save_preset"
    bl_label = "Save Preset"
    bl_options = {"REGISTER"}

    name: StringProperty(name="Name", default="My Preset", maxlen=MAX_NAME, options={"SKIP_SAVE"})
    description_text: StringProperty(
        name="Description", description="Shown over its picture", options={"SKIP_SAVE"}
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            name = self.name.strip()
            is_there = save_preset(context, state.find_target(context), name, self.description_text)
        except FacegenError as error:
            return refused(self, error)
        self.report({"INFO"}, said(f"{'Replaced' if is_there else 'Saved'} the preset '{name}'"))
        _redraw(context)
        return {"FINISHED"}


class FACEGEN_OT_remove_preset(bpy.types.Operator):
    """Delete this preset of your own; keys it has made stay. This cannot be undone"""

    bl_idname = "facegen.remove_preset"
    bl_label = "Remove Preset"
    bl_options = {"REGISTER"}

    preset: StringProperty(name="Preset", options=HIDDEN)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            shelved = preset_shelf.find(self.preset)
            preset_shelf.remove_own(shelved)
        except FacegenError as error:
            return refused(self, error)
        self.report({"INFO"}, said(f"Removed the preset '{shelved.preset.name}'"))
        _redraw(context)
        return {"FINISHED"}


def save_preset(
    context: bpy.types.Context, target: bpy.types.Object, name: str, description: str = ""
) -> bool:
    """Keep what a head plays in its clip range; returns whether a preset was replaced.

    Raises FacegenError where nothing is played, or the file cannot be written.
    """
    if not name:
        raise PresetError("Give the preset a name.")
    render, expressions = context.scene.render, model_in_use(context).expressions
    preset = preset_curves.read_preset(
        target,
        name,
        generate.frame_span(context, target),
        render.fps / render.fps_base,
        expressions,
        description,
    )
    bundle = state.open_bundle(bundle_path(context)).bundle
    return preset_shelf.save_own(preset, preset_picture(bundle, preset))


def _played(preset: Preset, frame: int, with_layers: bool) -> str:
    words = ", ".join(said(channels.label(name)) for name in preset.expressions)
    sentence = said(f"'{preset.name}' plays {words} from frame {frame} on")
    if with_layers and preset.shifts:
        shifted = ", ".join(said(region) for region in preset.shifts)
        more = said(f"Over the whole clip at another time: {shifted}")
        return f"{sentence}. {more}"
    return sentence


def _redraw(context: bpy.types.Context) -> None:
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "FILE_BROWSER"}:
                area.tag_redraw()


CLASSES = (FACEGEN_OT_apply_preset, FACEGEN_OT_save_preset, FACEGEN_OT_remove_preset)
