"""The first panel of the tab: match, how well it fits, what was found, what to correct."""

from __future__ import annotations

import bpy

from facegen_core.landmarks import MIN_MANUAL_LANDMARKS
from facegen_core.numeric import counted

from .. import jobs
from ..operators.add_head import FACEGEN_OT_add_head
from ..operators.correct_part import AUTOMATIC, FACEGEN_OT_correct_part
from ..operators.heat_map import FACEGEN_OT_heat_map
from ..operators.match import FACEGEN_OT_match
from ..operators.place_landmarks import FACEGEN_OT_place_landmarks
from ..operators.remove_landmarks import FACEGEN_OT_remove_landmarks
from ..operators.select_part import FACEGEN_OT_select_part
from ..operators.show_landmarks import FACEGEN_OT_select_landmark, FACEGEN_OT_show_landmarks
from ..scene import heat_map, landmarks, part_rows, schema, state
from ..translations import said
from .base import FacegenPanel, MatchedPanel, draw_act, draw_sentence

NEWER = "This head was made by a newer Facegen: update Facegen to work on it"
VERDICT_ICONS = {"good": "CHECKMARK", "fair": "INFO", "poor": "ERROR"}
# Icons in the colours of the heat map, from 0 mm up: blue, green, yellow, red.
HEAT_ICONS = tuple(f"COLLECTION_COLOR_0{number}" for number in (5, 4, 3, 1))
# Rows of the list of parts, and of the landmarks to look at; more are reached by scrolling or
# once those above are done.
PART_ROWS, LANDMARK_ROWS = 6, 5


class FACEGEN_UL_parts(bpy.types.UIList):
    """Parts of a head: what each was taken for, which is a menu, and how it will move."""

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: bpy.types.AnyType,
        item: bpy.types.PropertyGroup,
        icon: int,
        active_data: bpy.types.AnyType,
        active_property: str,
        index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        split = layout.split(factor=0.7)
        left = split.row(align=True)
        if item.is_heading:
            arrow = "DISCLOSURE_TRI_DOWN" if item.is_expanded else "DISCLOSURE_TRI_RIGHT"
            left.prop(item, "is_expanded", text="", icon=arrow, emboss=False)
        elif item.group >= 0:
            left.label(text="", icon="BLANK1")
        times = f" ×{item.num_parts}" if item.num_parts > 1 else ""
        mark = " *" if item.is_corrected else ""
        menu = left.operator_menu_enum(
            FACEGEN_OT_correct_part.bl_idname,
            "kind",
            text=said(part_rows.kind_words(item.name)) + times + mark,
            icon="AUTOMERGE_ON" if item.is_welded else "NONE",
        )
        menu.row = index
        right = split.row(align=True)
        right.label(text=part_rows.MOTION_WORDS.get(item.motion, item.motion))
        select = right.operator(
            FACEGEN_OT_select_part.bl_idname, text="", icon="RESTRICT_SELECT_OFF", emboss=False
        )
        select.row = index

    def filter_items(
        self, context: bpy.types.Context, data: bpy.types.AnyType, propname: str
    ) -> tuple[list[int], list[int]]:
        """Parts under a closed heading are left out."""
        rows = getattr(data, propname)
        shown = [row.group < 0 or rows[row.group].is_expanded for row in rows]
        return [self.bitflag_filter_item if is_shown else 0 for is_shown in shown], []


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
        layout.label(text=target.name, icon="MESH_DATA", translate=False)
        if schema.is_newer(target):
            draw_sentence(layout, NEWER, icon="ERROR")
            return
        job = jobs.running()
        if job is not None:
            layout.progress(factor=job.fraction, text=said(job.message))
        draw_act(layout, FACEGEN_OT_match, icon="VIEWZOOM")
        if target.facegen.is_matched:
            _draw_residual(layout, target)


class FACEGEN_PT_parts(MatchedPanel, bpy.types.Panel):
    bl_label = "Parts Found"
    bl_parent_id = "FACEGEN_PT_face"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, state.find_target(context).facegen
        layout.template_list(
            "FACEGEN_UL_parts",
            "",
            settings,
            "found_parts",
            settings,
            "active_part",
            rows=min(PART_ROWS, max(len(settings.found_parts), 1)),
        )
        if settings.active_part < len(settings.found_parts):
            _draw_part(layout, settings.found_parts[settings.active_part])


class FACEGEN_PT_landmarks(FacegenPanel, bpy.types.Panel):
    bl_label = "Landmarks"
    bl_parent_id = "FACEGEN_PT_face"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, target = self.layout, state.find_target(context)
        settings, empties = target.facegen, landmarks.landmark_empties(target)
        by_hand = [e for e in empties.values() if e.facegen.landmark_confidence < 0]
        if settings.is_matched and not by_hand:
            _draw_found(layout, target, len(empties))
        column = layout.column(align=True)
        if not empties or by_hand:
            column.operator(FACEGEN_OT_place_landmarks.bl_idname, icon="EMPTY_AXIS")
        if empties:
            column.operator(FACEGEN_OT_remove_landmarks.bl_idname, icon="X")
        if by_hand:
            count = f"{len(by_hand)} of {MIN_MANUAL_LANDMARKS}"
            layout.label(text=said(f"{count}: drag, then Match again"))


def _draw_residual(layout: bpy.types.UILayout, target: bpy.types.Object) -> None:
    settings, is_hot = target.facegen, heat_map.is_shown(target)
    column = layout.column(align=True)
    column.label(
        text=said(f"{settings.verdict.capitalize()} match: {settings.residual_mean_mm:.2f} mm"),
        icon=VERDICT_ICONS.get(settings.verdict, "INFO"),
    )
    column.label(text=said(f"95 % within {settings.residual_p95_mm:.2f} mm"), icon="BLANK1")
    for sentence in settings.warnings.splitlines():
        draw_sentence(column, sentence, "INFO")
    draw_act(
        column, FACEGEN_OT_heat_map, text="Heat Map (mm)", icon="SHADING_RENDERED", depress=is_hot
    )
    if is_hot:
        legend = column.row(align=True)
        marks = [f"{mm:g}" for mm, _ in heat_map.SCALE]
        for mark, icon in zip([*marks[:-1], f"{marks[-1]}+"], HEAT_ICONS, strict=True):
            legend.label(text=mark, icon=icon)


def _draw_part(layout: bpy.types.UILayout, row: bpy.types.PropertyGroup) -> None:
    """What is known about the row that is selected in the list, and the way back."""
    column = layout.column(align=True)
    sure = "your word" if row.is_corrected else f"{row.confidence:.0%} sure"
    size = counted(row.num_vertices, "vertex", "vertices")
    column.label(text=said(f"{row.object_name}: {size}, {sure}"))
    if row.is_welded:
        column.label(text="Welded into the skin", icon="AUTOMERGE_ON")
    if row.is_corrected:
        reset = column.operator(
            FACEGEN_OT_correct_part.bl_idname, text="Reset to Automatic", icon="LOOP_BACK"
        )
        reset.kind, reset.row = AUTOMATIC, -1


def _draw_found(layout: bpy.types.UILayout, target: bpy.types.Object, num_shown: int) -> None:
    """Landmarks of the match: how many are unsure, which they are, and what to do."""
    settings = target.facegen
    if not num_shown and settings.num_unsure:
        layout.label(text=said(f"{settings.num_unsure} of 68 are unsure"), icon="ERROR")
    row = layout.row(align=True)
    row.operator(FACEGEN_OT_show_landmarks.bl_idname, icon="EMPTY_AXIS").is_all = False
    row.operator(FACEGEN_OT_show_landmarks.bl_idname, text="All 68").is_all = True
    if not num_shown:
        return
    unsure = landmarks.unsure_first(target)
    column = layout.column(align=True)
    for empty in unsure[:LANDMARK_ROWS]:
        number, confidence = empty.facegen.landmark, empty.facegen.landmark_confidence
        select = column.operator(
            FACEGEN_OT_select_landmark.bl_idname,
            text=f"{landmarks.words(number).capitalize()}: {confidence:.0%}",
            icon="RESTRICT_SELECT_OFF",
        )
        select.landmark = number
    if len(unsure) > LANDMARK_ROWS:
        column.label(text=said(f"and {len(unsure) - LANDMARK_ROWS} more"))
    layout.prop(settings, "is_refit_live")
    if landmarks.landmark_key(target) != settings.landmark_key:
        layout.label(text="Moved: Match to follow", icon="INFO")


LISTS = (FACEGEN_UL_parts,)
CLASSES = (FACEGEN_PT_face, FACEGEN_PT_parts, FACEGEN_PT_landmarks)
