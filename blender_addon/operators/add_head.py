"""Add ▸ Mesh ▸ Facegen Head: the template's own head as a sample to start from."""

from __future__ import annotations

import bpy

from facegen_core.errors import FacegenError

from ..preferences import bundle_path
from ..refusals import refused
from ..scene import sample_head, state
from ..translations import said


def add_head(context: bpy.types.Context) -> bpy.types.Object:
    """Add the sample head at the 3D cursor, selected and active."""
    bundle = state.open_bundle(bundle_path(context)).bundle
    return sample_head.new_head(context, bundle.template)


class FACEGEN_OT_add_head(bpy.types.Operator):
    """Add a neutral head with eyes, teeth and tongue, in real size"""

    bl_idname = "facegen.add_head"
    bl_label = "Facegen Head"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if context.mode != "OBJECT":
            cls.poll_message_set(said("Switch to Object Mode first"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            add_head(context)
        except FacegenError as error:
            return refused(self, error)
        return {"FINISHED"}


def draw_in_add_menu(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    """The entry of Add ▸ Mesh."""
    menu.layout.operator(FACEGEN_OT_add_head.bl_idname, icon="USER")
