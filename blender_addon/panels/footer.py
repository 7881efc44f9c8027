"""The foot of the tab: the report to send along with a question."""

from __future__ import annotations

import bpy

from ..operators.copy_report import FACEGEN_OT_copy_report
from ..translations import CONTEXT


class FACEGEN_PT_footer(bpy.types.Panel):
    bl_label = "Copy Report"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Facegen"
    bl_translation_context = CONTEXT
    bl_options = {"HIDE_HEADER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return True  # without a head, too: there may be no way to one

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.operator(FACEGEN_OT_copy_report.bl_idname, icon="COPYDOWN")


CLASSES = (FACEGEN_PT_footer,)
