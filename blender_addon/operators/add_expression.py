"""Add Expression: key one event (onset, apex, offset), of one expression or between two."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, FloatProperty

from facegen_core.errors import FacegenError
from facegen_core.intensity import EXPRESSIONS, Envelope, check_expressions, in_between

from ..eases import EASE_ITEMS
from ..preferences import model_in_use
from ..refusals import refused
from ..scene import channels, curves, state
from . import polling

# Seconds after the current frame: a lively expression rises in 0.4 s, holds, and fades slower.
DEFAULT_MARKS_SECONDS = {"onset_start": 0.0, "apex_start": 0.4, "apex_end": 1.0, "offset_end": 1.6}
NO_BLEND = "NONE"

# Blender does not keep the texts of a menu alive, so the last ones shown are kept here.
_menu_items: dict[str, list[tuple[str, str, str]]] = {}


def default_marks(scene: bpy.types.Scene) -> dict[str, float]:
    """Whole frames of a new event that begins at the current frame."""
    frames_per_second = scene.render.fps / scene.render.fps_base
    return {
        name: scene.frame_current + float(round(seconds * frames_per_second))
        for name, seconds in DEFAULT_MARKS_SECONDS.items()
    }


def add_event(
    context: bpy.types.Context,
    target: bpy.types.Object,
    event: Envelope,
    blend_with: str | None = None,
    share: float = 0.5,
) -> None:
    """Key an event on a head; with a second expression, as the in-between of both.

    Raises FacegenError for an expression the model in use lacks, and for a head that is full of
    keys for other models; then nothing is keyed.
    """
    expressions = model_in_use(context).expressions
    parts = in_between(event, blend_with, share) if blend_with else (event,)
    check_expressions(parts, expressions)
    for part in parts:
        curves.check_envelope(target, part, expressions)
    for part in parts:
        curves.add_envelope(target, part, expressions)


def _expression_items(operator: bpy.types.Operator, context: bpy.types.Context) -> list:
    try:
        expressions = model_in_use(context).expressions
    except FacegenError:  # the act itself says what is wrong with the model
        expressions = EXPRESSIONS
    _menu_items["one"] = [(name, channels.label(name), "") for name in expressions]
    return _menu_items["one"]


def _blend_items(operator: bpy.types.Operator, context: bpy.types.Context) -> list:
    nothing = (NO_BLEND, "None", "The expression alone")
    _menu_items["two"] = [nothing, *_expression_items(operator, context)]
    return _menu_items["two"]


def _mark(name: str, description: str) -> FloatProperty:
    # Not remembered from the last call, or the next event would not begin at the current frame.
    return FloatProperty(
        name=name, description=description, step=100, precision=1, options={"SKIP_SAVE"}
    )


class FACEGEN_OT_add_expression(polling.OnHead, bpy.types.Operator):
    """Key an expression that rises, holds and fades, beginning at the current frame"""

    bl_idname = "facegen.add_expression"
    bl_label = "Add Expression"
    bl_options = {"REGISTER", "UNDO"}

    expression: EnumProperty(name="Expression", items=_expression_items)
    # Nor is the second expression: the next event is of one again until the artist says so.
    blend_with: EnumProperty(
        name="Blend With",
        description="A second expression: the face becomes an in-between of both",
        items=_blend_items,
        options={"SKIP_SAVE"},
    )
    share: FloatProperty(
        name="Share",
        description="Of the second expression: 0 is the first alone, 1 the second alone",
        default=0.5,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        options={"SKIP_SAVE"},
    )
    onset_start: _mark("Onset Start", "Frame at which the face begins to move")
    apex_start: _mark("Apex Start", "Frame at which the expression is reached")
    apex_end: _mark("Apex End", "Frame at which the expression begins to fade")
    offset_end: _mark("Offset End", "Frame at which the face is at rest again")
    intensity: FloatProperty(
        name="Intensity", description="Of the apex", default=1.0, min=0.0, max=1.0, subtype="FACTOR"
    )
    ease: EnumProperty(name="Ease", description="How it comes and goes", items=EASE_ITEMS)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self._fill_marks(context)
        if not self.expression:  # remembered from a model with more expressions
            self.property_unset("expression")
        return context.window_manager.invoke_props_dialog(self)

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "expression")
        layout.prop(self, "blend_with")
        if self.blend_with not in ("", NO_BLEND):
            layout.prop(self, "share")
        for name in (*DEFAULT_MARKS_SECONDS, "intensity", "ease"):
            layout.prop(self, name)

    def execute(self, context: bpy.types.Context) -> set[str]:
        self._fill_marks(context)
        marks = [getattr(self, name) for name in DEFAULT_MARKS_SECONDS]
        second = self.blend_with if self.blend_with != NO_BLEND else None
        try:
            event = Envelope(self.expression, *marks, self.intensity, self.ease, self.ease)
            add_event(context, state.find_target(context), event, second, self.share)
        except FacegenError as error:
            return refused(self, error)
        return {"FINISHED"}

    def _fill_marks(self, context: bpy.types.Context) -> None:
        """Marks that were not given are counted from the current frame."""
        for name, frame in default_marks(context.scene).items():
            if not self.properties.is_property_set(name):
                setattr(self, name, frame)
