"""Place Landmarks: empties on the face, for heads that are not found by themselves."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty

from facegen_core.errors import FacegenError
from facegen_core.numeric import counted

from ..refusals import refused
from ..scene import landmarks, mesh_bridge, state
from ..translations import said
from . import polling


def place_on(context: bpy.types.Context, target: bpy.types.Object) -> list[bpy.types.Object]:
    """Add the missing landmark empties of a head: where its match says, else at a first guess."""
    is_matched = target.facegen.is_matched
    head = mesh_bridge.gather(state.objects_of(context, target, is_new_match=not is_matched))
    places = None
    for key in (landmarks.landmark_key(target), ""):
        known = state.recall((head.fingerprint, key, target.facegen.bundle_hash))
        if is_matched and known is not None:
            places = dict(enumerate(landmarks.places_on_target(known.head, known.alignment)))
            break
    return landmarks.place_by_hand(context, target, head, places)


class FACEGEN_OT_place_landmarks(polling.OnHead, bpy.types.Operator):
    """For a face that is not found: add thirteen named points to drag onto it.
    Match then goes by these and searches no more"""

    bl_idname = "facegen.place_landmarks"
    bl_label = "Place by Hand"
    bl_options = {"REGISTER", "UNDO"}

    use_snap: BoolProperty(
        name="Snap to Faces",
        description="Switch on snapping to faces, so that the points stay on the skin",
        default=True,
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            made = place_on(context, state.find_target(context))
        except FacegenError as error:
            return refused(self, error)
        if self.use_snap:
            context.scene.tool_settings.use_snap = True
            context.scene.tool_settings.snap_elements = {"FACE"}
        self.report(
            {"INFO"},
            said(f"{counted(len(made), 'landmark')} added: drag each to its place, then Match"),
        )
        return {"FINISHED"}
