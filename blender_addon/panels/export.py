"""The panel of the export."""

from __future__ import annotations

import bpy

from ..operators.export_fbx import FACEGEN_OT_export_fbx
from .base import FacegenPanel


class FACEGEN_PT_export(FacegenPanel, bpy.types.Panel):
    bl_label = "Export"

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.operator(FACEGEN_OT_export_fbx.bl_idname, icon="EXPORT")


CLASSES = (FACEGEN_PT_export,)
