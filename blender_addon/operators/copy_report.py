"""Copy Report: everything a question about Facegen is answered by, on the clipboard."""

from __future__ import annotations

import bpy

from ..report_text import report_text
from ..translations import said


class FACEGEN_OT_copy_report(bpy.types.Operator):
    """Copy versions, model, engine, figures of the active head and the last error to the clipboard.
    It holds no geometry and of files only their names"""

    bl_idname = "facegen.copy_report"
    bl_label = "Copy Report"

    def execute(self, context: bpy.types.Context) -> set[str]:
        text = report_text(context)
        context.window_manager.clipboard = text
        self.report({"INFO"}, said(f"Copied a report of {len(text.splitlines())} lines"))
        return {"FINISHED"}
