"""What the panels of the tab share."""

from __future__ import annotations

import textwrap
from typing import Any

import bpy

from .. import jobs
from ..scene import state
from ..translations import CONTEXT, said

# Characters of a line at the width the sidebar opens with; labels do not wrap by themselves.
LINE_LENGTH = 38


class FacegenPanel:
    """A panel of the tab; it draws only for a mesh."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Facegen"
    bl_translation_context = CONTEXT

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        target = state.find_target(context)
        return target is not None and target.type == "MESH"


class MatchedPanel(FacegenPanel):
    """A panel that has something to say once the head is matched."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return super().poll(context) and state.find_target(context).facegen.is_matched


def draw_act(
    layout: bpy.types.UILayout, act: type[bpy.types.Operator], **options: Any
) -> bpy.types.OperatorProperties | None:
    """The button of an act, or the progress of its work in the button's place.

    Blender keeps the button under the pointer as it was, so one that turned grey when it was
    clicked would stay grey until the pointer leaves it.
    """
    job = jobs.running()
    if job is None or job.act != act.bl_idname:
        return layout.operator(act.bl_idname, **options)
    layout.progress(factor=job.fraction, text=said(job.message))
    return None


def draw_sentence(layout: bpy.types.UILayout, sentence: str, icon: str = "NONE") -> None:
    """A sentence in as many lines as it needs."""
    column = layout.column(align=True)
    for line in textwrap.wrap(said(sentence), LINE_LENGTH):
        column.label(text=line, icon=icon)
        icon = "BLANK1" if icon != "NONE" else icon
