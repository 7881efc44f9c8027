"""Check: what an export would lose or surprise with, before a file is written."""

from __future__ import annotations

import json
from dataclasses import asdict

import bpy

from ..scene import doctor, live_key, state
from ..scene.export_presets import BY_IDENTIFIER
from ..scene.finding import ERROR, NOTE, Finding
from ..translations import said
from . import generate, polling


def examine_head(context: bpy.types.Context, target: bpy.types.Object) -> list[Finding]:
    """The findings for a head by its settings; the gravest first. It shows its clip from then on,
    not the pose of live update."""
    live_key.remove_all()
    settings = target.facegen
    scale = state.mm_per_unit(target) if settings.is_matched else None
    return doctor.examine(
        doctor.Patient(
            context,
            state.objects_of(context, target, is_new_match=False),
            generate.frame_span(context, target),
            scale,
            is_for_web=BY_IDENTIFIER[settings.export_preset].identifier == "web",
            starts_at_zero=settings.export_starts_at_zero,
        )
    )


def keep_findings(target: bpy.types.Object, findings: list[Finding]) -> None:
    """Put findings where the panel shows them."""
    target.facegen.export_findings = json.dumps([asdict(finding) for finding in findings])


class FACEGEN_OT_check_export(polling.OnHead, bpy.types.Operator):
    """List what an export of this head would lose or surprise with, and what the repaired copy
    that is exported does about it. Changes nothing on the head"""

    bl_idname = "facegen.check_export"
    bl_label = "Check"

    def execute(self, context: bpy.types.Context) -> set[str]:
        target = state.find_target(context)
        findings = examine_head(context, target)
        keep_findings(target, findings)
        counts = [sum(f.severity == s for f in findings) for s in (ERROR, NOTE)]
        repaired = sum(bool(f.remedy) for f in findings)
        if not findings:
            self.report({"INFO"}, said("Nothing found: this head can be exported as it is"))
        elif counts[0]:
            self.report({"WARNING"}, said(findings[0].sentence))
        else:
            self.report({"INFO"}, said(f"{len(findings)} found, {repaired} repaired in the copy"))
        return {"FINISHED"}
