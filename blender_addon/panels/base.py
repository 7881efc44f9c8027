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
) -> bpy.types.OperatorProperties:
    """The button of an act that works in the background; meanwhile it says how far the work is.

    It does not turn grey then: Blender keeps the button under the pointer as it was, so it would
    stay grey until the pointer leaves it.
    """
    job = jobs.running()
    if job is not None and job.act == act.bl_idname:
        options |= {"text": said(f"{job.message}: {job.fraction:.0%}"), "depress": True}
    return layout.operator(act.bl_idname, **options)


def draw_sentence(layout: bpy.types.UILayout, sentence: str, icon: str = "NONE") -> None:
    """A sentence in as many lines as it needs."""
    column = layout.column(align=True)
    for line in textwrap.wrap(said(sentence), LINE_LENGTH):
        column.label(text=line, icon=icon)
        icon = "BLANK1" if icon != "NONE" else icon
