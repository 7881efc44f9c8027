"""Export: a repaired copy of the head for the place it goes to, read back to prove it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty

from facegen_core.errors import FacegenError
from facegen_core.file_names import portable

from ..refusals import refused
from ..scene import arrival, fbx, state
from ..scene.export_presets import BY_IDENTIFIER
from ..scene.finding import ERROR
from ..translations import said
from . import check_export, generate, polling


def export_clip(
    context: bpy.types.Context,
    target: bpy.types.Object,
    path: Path,
    is_read_back: bool = True,
) -> arrival.ExportReport:
    """Export a head by its settings. Raises FacegenError; then nothing was written or changed.

    A head that was never matched has no size of its own: its millimetres are those of the scene.
    """
    settings = target.facegen
    findings = check_export.examine_head(context, target)
    grave = [finding for finding in findings if finding.severity == ERROR]
    if grave:
        raise FacegenError(grave[0].sentence)
    shipment = arrival.Shipment(
        path,
        BY_IDENTIFIER[settings.export_preset],
        generate.frame_span(context, target),
        settings.clip_name,
        settings.export_root_bone,
        settings.export_starts_at_zero,
        is_read_back,
    )
    unit_mm = 1000.0 * context.scene.unit_settings.scale_length
    scale = state.mm_per_unit(target) if settings.is_matched else unit_mm
    objects = state.objects_of(context, target, is_new_match=False)
    if settings.export_writes_report:
        fbx.check_writable(_report_path(path))
    report = arrival.ship(context, objects, shipment, scale)
    report = replace(report, findings=tuple(asdict(finding) for finding in findings))
    if settings.export_writes_report:
        with fbx.put_in_place(_report_path(path)) as temporary:
            text = json.dumps(report.as_json(), indent=1) + "\n"
            temporary.write_text(text, encoding="utf-8")
    check_export.keep_findings(target, findings)
    settings.export_report = json.dumps(report.as_json())
    return report


def _report_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


class FACEGEN_OT_export_clip(polling.OnHead, bpy.types.Operator):
    """Export the head with its shape keys and their animation for the chosen program. A repaired
    copy is written, read back and compared with what you see; the head itself is not touched"""

    bl_idname = "facegen.export_clip"
    bl_label = "Export"

    filepath: StringProperty(subtype="FILE_PATH")
    check_existing: BoolProperty(default=True, options={"HIDDEN"})
    filter_glob: StringProperty(default="*.fbx;*.glb;*.usdc;*.abc", options={"HIDDEN"})
    is_read_back: BoolProperty(
        name="Read Back",
        description="Read the file again, compare it with what you see on every fifth frame and "
        "report the largest difference and what is missing",
        default=True,
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        target = state.find_target(context)
        folder = Path(context.blend_data.filepath).parent if context.blend_data.filepath else Path()
        suffix = self._suffix(target)
        name = portable(f"{target.name}_{target.facegen.clip_name}")
        self.filepath = str(folder / f"{name}{suffix}")
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        target = state.find_target(context)
        path = Path(bpy.path.abspath(self.filepath))
        if not path.suffix:
            path = path.with_suffix(self._suffix(target))
        try:
            report = export_clip(context, target, path, self.is_read_back)
        except FacegenError as error:
            return refused(self, error)
        for finding in report.findings:
            if finding["severity"] == "warning" and not finding["remedy"]:
                self.report({"WARNING"}, said(finding["sentence"]))
        self.report({"WARNING" if report.missing else "INFO"}, report.sentence())
        return {"FINISHED"}

    def _suffix(self, target: bpy.types.Object) -> str:
        settings = target.facegen
        if settings.export_preset == "film":
            return settings.export_film_format
        return BY_IDENTIFIER[settings.export_preset].suffixes[0]
