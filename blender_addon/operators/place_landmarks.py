"""Place Landmarks: empties on the face, for heads that are not found by themselves."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty

from facegen_core.errors import FacegenError

from ..scene import landmarks, mesh_bridge, state
from . import match, polling


def place_on(context: bpy.types.Context, target: bpy.types.Object) -> list[bpy.types.Object]:
    """Add the missing landmark empties of a head: where its match says, else at a first guess."""
    is_matched = target.facegen.is_matched
    head = mesh_bridge.gather(state.objects_of(context, target, is_new_match=not is_matched))
    places = None
    if is_matched and not landmarks.landmark_empties(target):
        request = match.request_match(context, target, is_new_match=False)
        recalled = state.recall(request.key(target.facegen.bundle_hash))
        if recalled is not None:
            places = landmarks.matched_places(recalled.alignment, recalled.head, head)
    return landmarks.place_landmarks(context, target, head, places)


class FACEGEN_OT_place_landmarks(bpy.types.Operator):
    """Add thirteen named points to drag onto the face; Match then goes by them"""

    bl_idname = "facegen.place_landmarks"
    bl_label = "Place Landmarks"
    bl_options = {"REGISTER", "UNDO"}

    use_snap: BoolProperty(
        name="Snap to Faces",
        description="Switch on snapping to faces, so that the points stay on the skin",
        default=True,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return polling.head_is_ready(cls, context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            made = place_on(context, state.find_target(context))
        except FacegenError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if self.use_snap:
            context.scene.tool_settings.use_snap = True
            context.scene.tool_settings.snap_elements = {"FACE"}
        self.report({"INFO"}, f"{len(made)} landmarks added: drag each to its place, then Match")
        return {"FINISHED"}
