"""The panel of the export: where to, the button, what came of it; findings open below."""

from __future__ import annotations

import bpy

from facegen_core.numeric import counted

from ..operators.check_export import FACEGEN_OT_check_export
from ..operators.export_clip import FACEGEN_OT_export_clip
from ..operators.export_fbx import FACEGEN_OT_export_fbx
from ..scene import kept, state
from ..translations import said
from .base import FacegenPanel, draw_sentence

# What a report must tell to be shown (`arrival.ExportReport.as_json`).
_REPORT = ("file", "size_bytes", "frames", "num_keys", "max_error_mm", "missing")
_ICONS = {"error": "CANCEL", "warning": "ERROR", "note": "INFO"}


class FACEGEN_PT_export(FacegenPanel, bpy.types.Panel):
    bl_label = "Export"

    def draw(self, context: bpy.types.Context) -> None:
        settings = state.find_target(context).facegen
        layout = self.layout
        layout.prop(settings, "export_preset")
        if settings.export_preset == "film":
            layout.prop(settings, "export_film_format")
        layout.operator(FACEGEN_OT_export_clip.bl_idname, icon="EXPORT")
        report = kept.mapping(settings.export_report, *_REPORT)
        if report:
            _draw_report(layout, report)


class FACEGEN_PT_export_options(FacegenPanel, bpy.types.Panel):
    bl_label = "Options"
    bl_parent_id = "FACEGEN_PT_export"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        settings = state.find_target(context).facegen
        column = self.layout.column()
        column.prop(settings, "export_starts_at_zero")
        if settings.export_preset != "film":
            column.prop(settings, "export_root_bone")
        column.prop(settings, "export_writes_report")
        column.separator()
        column.label(text="As it is, without the repaired copy:")
        column.operator(FACEGEN_OT_export_fbx.bl_idname)


class FACEGEN_PT_export_doctor(FacegenPanel, bpy.types.Panel):
    bl_label = "Doctor"
    bl_parent_id = "FACEGEN_PT_export"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        settings = state.find_target(context).facegen
        self.layout.operator(FACEGEN_OT_check_export.bl_idname, icon="VIEWZOOM")
        if not settings.export_findings:
            return
        findings = kept.rows(settings.export_findings, "sentence", "severity", "remedy")
        if not findings:
            self.layout.label(text="Nothing found", icon="CHECKMARK")
        for finding in findings:
            box = self.layout.box()
            draw_sentence(box, finding["sentence"], _ICONS.get(finding["severity"], "INFO"))
            if finding["remedy"]:
                draw_sentence(box, finding["remedy"], "CHECKMARK")


def _draw_report(layout: bpy.types.UILayout, report: dict) -> None:
    column = layout.column(align=True)
    column.label(text=f"{report['file']}: {report['size_bytes'] / 1e6:.1f} MB", icon="FILE_TICK")
    first, last = report["frames"]
    keys = counted(report["num_keys"], "key")
    column.label(text=said(f"{keys}, frames {first} to {last}"), icon="BLANK1")
    if report["max_error_mm"] is not None:
        column.label(text=said(f"Read back within {report['max_error_mm']:.4f} mm"), icon="BLANK1")
    for sentence in report["missing"]:
        draw_sentence(layout, f"Missing: {sentence}", "ERROR")


CLASSES = (FACEGEN_PT_export, FACEGEN_PT_export_options, FACEGEN_PT_export_doctor)
