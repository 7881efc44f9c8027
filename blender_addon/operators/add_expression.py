"""Add Expression: key one event (onset, apex, offset) on one of the six channels."""

from __future__ import annotations

import bpy
from bpy.props import EnumProperty, FloatProperty

from facegen_core.errors import FacegenError
from facegen_core.intensity import EXPRESSIONS, Envelope

from ..scene import curves, state
from . import polling

# Seconds after the current frame: a lively expression rises in 0.4 s, holds, and fades slower.
DEFAULT_MARKS_SECONDS = {"onset_start": 0.0, "apex_start": 0.4, "apex_end": 1.0, "offset_end": 1.6}


def default_marks(scene: bpy.types.Scene) -> dict[str, float]:
    """Whole frames of a new event that begins at the current frame."""
    frames_per_second = scene.render.fps / scene.render.fps_base
    return {
        name: scene.frame_current + float(round(seconds * frames_per_second))
        for name, seconds in DEFAULT_MARKS_SECONDS.items()
    }


def _mark(name: str, description: str) -> FloatProperty:
    # Not remembered from the last call, or the next event would not begin at the current frame.
    return FloatProperty(
        name=name, description=description, step=100, precision=1, options={"SKIP_SAVE"}
    )


class FACEGEN_OT_add_expression(bpy.types.Operator):
    """Key an expression that rises, holds and fades, beginning at the current frame"""

    bl_idname = "facegen.add_expression"
    bl_label = "Add Expression"
    bl_options = {"REGISTER", "UNDO"}

    expression: EnumProperty(
        name="Expression", items=[(name, name.capitalize(), "") for name in EXPRESSIONS]
    )
    onset_start: _mark("Onset Start", "Frame at which the face begins to move")
    apex_start: _mark("Apex Start", "Frame at which the expression is reached")
    apex_end: _mark("Apex End", "Frame at which the expression begins to fade")
    offset_end: _mark("Offset End", "Frame at which the face is at rest again")
    intensity: FloatProperty(
        name="Intensity", description="Of the apex", default=1.0, min=0.0, max=1.0, subtype="FACTOR"
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return polling.head_is_ready(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self._fill_marks(context)
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        self._fill_marks(context)
        target = state.find_target(context)
        marks = [getattr(self, name) for name in DEFAULT_MARKS_SECONDS]
        try:
            curves.add_envelope(target, Envelope(self.expression, *marks, self.intensity))
        except FacegenError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}

    def _fill_marks(self, context: bpy.types.Context) -> None:
        """Marks that were not given are counted from the current frame."""
        for name, frame in default_marks(context.scene).items():
            if not self.properties.is_property_set(name):
                setattr(self, name, frame)
