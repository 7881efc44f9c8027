"""Export FBX: the head with its shape keys and curves, read back to prove it."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty
from bpy_extras.io_utils import ExportHelper

from facegen_core.errors import FacegenError

from ..refusals import refused
from ..scene import export_check, fbx, frame_limits, heat_map, live_key, state
from ..translations import said
from . import generate, polling


def export_head(
    context: bpy.types.Context,
    target: bpy.types.Object,
    path: Path,
    is_read_back: bool = True,
) -> float | None:
    """Export a head by its settings; returns the largest error in mm when it is read back."""
    live_key.remove_all()  # a clip is exported, not the pose of one frame
    objects = state.objects_of(context, target, is_new_match=False)
    frame_range = generate.frame_span(context, target)
    frame_limits.check(frame_range)
    if is_read_back:
        frame_limits.check_fits_memory(objects, frame_range, export_check.CHECK_EVERY)
    with heat_map.taken_off(objects):
        fbx.export_file(context, objects, path, frame_range)
    if not is_read_back:
        return None
    scale = state.mm_per_unit(target)
    return fbx.read_back_error_mm(context, objects, path, frame_range, scale)


class FACEGEN_OT_export_fbx(polling.OnHead, bpy.types.Operator, ExportHelper):
    """Write the head with its shape keys and their animation as FBX.
    To import it into another Blender, set Animation Offset to 0 there"""

    bl_idname = "facegen.export_fbx"
    bl_label = "Export FBX"

    filename_ext = ".fbx"
    filter_glob: StringProperty(default="*.fbx", options={"HIDDEN"})
    is_read_back: BoolProperty(
        name="Read Back",
        description="Read the file again, compare it with the viewport on every fifth frame and "
        "report the largest difference",
        default=True,
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        target, path = state.find_target(context), Path(bpy.path.abspath(self.filepath))
        try:
            for sentence in fbx.preflight(state.objects_of(context, target, is_new_match=False)):
                self.report({"WARNING"}, said(sentence))
            error_mm = export_head(context, target, path, self.is_read_back)
        except FacegenError as error:
            return refused(self, error)
        proof = "" if error_mm is None else f", read back within {error_mm:.4f} mm"
        self.report({"INFO"}, said(f"Wrote {path.name}{proof}"))
        return {"FINISHED"}
