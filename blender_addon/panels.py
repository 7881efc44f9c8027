"""The sidebar tab: Face, Expressions, Generate, Export, in the order of the work."""

from __future__ import annotations

import textwrap

import bpy

from facegen_core.bundle_info import error_sentence, summary_rows
from facegen_core.errors import FacegenError
from facegen_core.landmarks import MIN_MANUAL_LANDMARKS

from . import jobs
from .operators.add_expression import FACEGEN_OT_add_expression
from .operators.add_head import FACEGEN_OT_add_head
from .operators.export_fbx import FACEGEN_OT_export_fbx
from .operators.generate import FACEGEN_OT_generate
from .operators.match import FACEGEN_OT_match
from .operators.place_landmarks import FACEGEN_OT_place_landmarks
from .operators.remove_keys import FACEGEN_OT_remove_keys
from .operators.remove_landmarks import FACEGEN_OT_remove_landmarks
from .preferences import model_in_use
from .scene import channels, curves, landmarks, state

VERDICT_ICONS = {"good": "CHECKMARK", "fair": "INFO", "poor": "ERROR"}
MOTION_WORDS = {
    "skin": "moves",
    "carried": "rides on the skin",
    "still": "stays",
    "jaw": "follows the jaw",
}
# Rows of the list of parts; the rest is summed up in one line.
MAX_PART_ROWS = 8
# Characters of a line at the width the sidebar opens with; labels do not wrap by themselves.
LINE_LENGTH = 38
# What of a model's description fits the sidebar; the preferences show all of it.
MODEL_ROWS = ("File", "Training data", "Licence of model", "Date")


class FacegenPanel:
    """What the four panels share; each draws only for a mesh."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Facegen"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        target = state.find_target(context)
        return target is not None and target.type == "MESH"


class FACEGEN_PT_face(FacegenPanel, bpy.types.Panel):
    bl_label = "Face"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return True  # the first panel says what to select

    def draw(self, context: bpy.types.Context) -> None:
        layout, target = self.layout, state.find_target(context)
        if target is None or target.type != "MESH":
            layout.label(text="Select the mesh of a head", icon="INFO")
            layout.operator(FACEGEN_OT_add_head.bl_idname, text="Add Facegen Head", icon="USER")
            return
        layout.label(text=target.name, icon="MESH_DATA")
        job = jobs.running()
        if job is not None:
            layout.progress(factor=job.fraction, text=job.message)
        layout.operator(FACEGEN_OT_match.bl_idname, icon="VIEWZOOM")
        if target.facegen.is_matched:
            _draw_residual(layout, target.facegen)


class FACEGEN_PT_parts(FacegenPanel, bpy.types.Panel):
    bl_label = "Parts Found"
    bl_parent_id = "FACEGEN_PT_face"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return super().poll(context) and state.find_target(context).facegen.is_matched

    def draw(self, context: bpy.types.Context) -> None:
        parts = state.find_target(context).facegen.found_parts
        column = self.layout.column(align=True)
        for part in list(parts)[:MAX_PART_ROWS]:
            row = column.split(factor=0.55)
            times = f" ×{part.num_parts}" if part.num_parts > 1 else ""
            row.label(text=part.name.replace("_", " ").capitalize() + times)
            row.label(text=MOTION_WORDS.get(part.motion, part.motion))
        if len(parts) > MAX_PART_ROWS:
            column.label(text=f"and {len(parts) - MAX_PART_ROWS} kinds more")


class FACEGEN_PT_landmarks(FacegenPanel, bpy.types.Panel):
    bl_label = "Landmarks by Hand"
    bl_parent_id = "FACEGEN_PT_face"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, target = self.layout, state.find_target(context)
        num_placed = len(landmarks.landmark_empties(target))
        column = layout.column(align=True)
        column.operator(FACEGEN_OT_place_landmarks.bl_idname, icon="EMPTY_AXIS")
        column.operator(FACEGEN_OT_remove_landmarks.bl_idname, icon="X")
        if num_placed:
            layout.label(text=f"{num_placed} of {MIN_MANUAL_LANDMARKS}: drag, then Match again")


class FACEGEN_PT_expressions(FacegenPanel, bpy.types.Panel):
    bl_label = "Expressions"

    def draw(self, context: bpy.types.Context) -> None:
        layout, target = self.layout, state.find_target(context)
        layout.use_property_split = True
        layout.use_property_decorate = True  # the dots show what can be keyed
        try:
            expressions = model_in_use(context).expressions
            shown = channels.channels_of(target, expressions)
        except FacegenError as error:
            _draw_sentence(layout, str(error), "ERROR")
            return
        column = layout.column(align=True)
        for channel in shown:
            column.prop(target.facegen, channel.attribute, text=channel.label, slider=True)
        others = [name for name in curves.keyed_expressions(target) if name not in expressions]
        if others:
            sentence = f"Keyed, but not of this model: {', '.join(others)}"
            _draw_sentence(layout, sentence, "INFO")
        layout.operator(FACEGEN_OT_add_expression.bl_idname, icon="ADD")


class FACEGEN_PT_generate(FacegenPanel, bpy.types.Panel):
    bl_label = "Generate"

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, state.find_target(context).facegen
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(settings, "clip_name")
        layout.prop(settings, "frame_range")
        if settings.frame_range == "custom":
            column = layout.column(align=True)
            column.prop(settings, "frame_start")
            column.prop(settings, "frame_end")
        layout.prop(settings, "bake_mode", expand=True)
        if settings.bake_mode == "compact":
            layout.prop(settings, "tolerance_mm")
        layout.operator(FACEGEN_OT_generate.bl_idname, icon="PLAY")
        if settings.num_keys >= 0:
            layout.label(
                text=f"{settings.num_keys} shape keys, within {settings.bake_error_mm:.3f} mm",
                icon="SHAPEKEY_DATA",
            )
            layout.operator(FACEGEN_OT_remove_keys.bl_idname, icon="X")


class FACEGEN_PT_model(FacegenPanel, bpy.types.Panel):
    bl_label = "Model"
    bl_parent_id = "FACEGEN_PT_generate"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        try:
            info = model_in_use(context)
        except FacegenError as error:
            _draw_sentence(self.layout, str(error), "ERROR")
            return
        column = self.layout.column(align=True)
        rows = [row for row in summary_rows(info) if row[0] in MODEL_ROWS]
        for label, value in [*rows, ("Error", error_sentence(info))]:
            _draw_sentence(column, f"{label}: {value}")


class FACEGEN_PT_export(FacegenPanel, bpy.types.Panel):
    bl_label = "Export"

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.operator(FACEGEN_OT_export_fbx.bl_idname, icon="EXPORT")


CLASSES = (
    FACEGEN_PT_face,
    FACEGEN_PT_parts,
    FACEGEN_PT_landmarks,
    FACEGEN_PT_expressions,
    FACEGEN_PT_generate,
    FACEGEN_PT_model,
    FACEGEN_PT_export,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)


def _draw_sentence(layout: bpy.types.UILayout, sentence: str, icon: str = "NONE") -> None:
    column = layout.column(align=True)
    for line in textwrap.wrap(sentence, LINE_LENGTH):
        column.label(text=line, icon=icon)
        icon = "BLANK1" if icon != "NONE" else icon


def _draw_residual(layout: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
    column = layout.column(align=True)
    column.label(
        text=f"{settings.verdict.capitalize()} match: {settings.residual_mean_mm:.2f} mm",
        icon=VERDICT_ICONS.get(settings.verdict, "INFO"),
    )
    column.label(text=f"95 % within {settings.residual_p95_mm:.2f} mm", icon="BLANK1")
    for sentence in settings.warnings.splitlines():
        column.label(text=sentence, icon="ERROR")
