"""Check and Self-Test of the chosen engine: what it is, how fast, and whether both agree."""

from __future__ import annotations

from typing import Any

import bpy

from facegen_core.progress import Progress

from .. import engine, jobs
from ..preferences import bundle_path, engine_choice
from ..scene import state
from ..translations import said


class _OnWorker(jobs.JobOperator):
    """Operator that needs a GPU worker to be chosen."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        job, choice = jobs.running(), engine_choice(context)
        reason = ""
        if job is not None and job.act != cls.bl_idname:
            reason = jobs.STILL_WORKING
        elif not choice.is_worker:
            reason = "The built-in engine is chosen: choose GPU Worker first"
        elif choice.python is None:
            reason = "Choose a Python with PyTorch first, or set up the GPU engine"
        if reason:
            cls.poll_message_set(said(reason))
        return not reason


class FACEGEN_OT_check_engine(_OnWorker, bpy.types.Operator):
    """Start the GPU worker and show its device, its memory and its version of PyTorch"""

    bl_idname = "facegen.check_engine"
    bl_label = "Check Engine"

    def begin(self, context: bpy.types.Context) -> jobs.Work:
        choice = engine_choice(context)
        return lambda progress: engine.check(choice, progress)

    def finish(self, context: bpy.types.Context, report: Any) -> str:
        return f"The GPU worker is ready: {report.device_name} ({report.device})"


class FACEGEN_OT_test_engine(_OnWorker, bpy.types.Operator):
    """Generate the same motion with both engines: how long each takes, and how far they differ"""

    bl_idname = "facegen.test_engine"
    bl_label = "Self-Test"

    def begin(self, context: bpy.types.Context) -> jobs.Work:
        choice, bundle_file = engine_choice(context), bundle_path(context)

        def work(progress: Progress) -> Any:
            progress(0.0, "Starting the GPU worker")
            bundle = state.open_bundle(bundle_file).bundle
            return engine.self_test(choice, bundle, bundle_file, progress)

        return work

    def finish(self, context: bpy.types.Context, tested: Any) -> str:
        if not engine.is_equal(tested):
            self.warnings = (
                f"Both engines should agree within {engine.TOLERANCE_MM} mm: use the built-in "
                "engine, and send a report (Copy Report).",
            )
        return engine.test_sentence(tested)


CLASSES = (FACEGEN_OT_check_engine, FACEGEN_OT_test_engine)
