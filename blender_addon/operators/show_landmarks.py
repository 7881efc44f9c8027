"""Show Landmarks: where the match saw the face's points, to be dragged where it was wrong."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, IntProperty

from facegen_core.numeric import counted

from .. import jobs
from ..scene import landmarks, selection, state
from ..translations import said
from . import match, polling


class FACEGEN_OT_show_landmarks(polling.OnMatchedHead, jobs.JobOperator, bpy.types.Operator):
    """Show the landmarks of the match as points on the face: thirteen, and all it is unsure of.
    Drag those that are wrong, then Match again; the others follow"""

    bl_idname = "facegen.show_landmarks"
    bl_label = "Show Landmarks"
    bl_options = {"UNDO"}

    is_all: BoolProperty(name="All 68", description="Show every landmark", default=False)

    def begin(self, context: bpy.types.Context) -> jobs.Work:
        target = state.find_target(context)
        self._target_name = target.name
        self._request = request = match.request_same_match(context, target)
        return lambda progress: match.run_match(request, progress)

    def finish(self, context: bpy.types.Context, found: state.Match) -> str:
        match.remember(self._request, found)
        target = state.head_named(self._target_name)
        made = landmarks.show_found(context, target, found.head, found.alignment, self.is_all)
        context.scene.tool_settings.use_snap = True
        context.scene.tool_settings.snap_elements = {"FACE"}
        unsure = len(landmarks.unsure_first(target))
        doubt = f", {unsure} of them unsure" if unsure else ""
        return f"{counted(len(made), 'landmark')} shown{doubt}: drag what is wrong, then Match"


class FACEGEN_OT_select_landmark(polling.OnHead, bpy.types.Operator):
    """Select this landmark, ready to be moved"""

    bl_idname = "facegen.select_landmark"
    bl_label = "Select Landmark"
    bl_options = {"REGISTER", "UNDO"}

    landmark: IntProperty(name="Landmark", default=-1, min=-1, max=67)

    def execute(self, context: bpy.types.Context) -> set[str]:
        target = state.find_target(context)
        empty = landmarks.landmark_empties(target).get(self.landmark)
        if empty is None or not empty.visible_get():
            self.report({"ERROR"}, said("This landmark is gone or hidden: Show Landmarks again."))
            return {"CANCELLED"}
        selection.select_objects(context, [empty])
        return {"FINISHED"}
