"""Why a button is grey: cheap checks shared by the operators, each with a sentence."""

from __future__ import annotations

import bpy

from .. import jobs
from ..scene import schema, state
from ..translations import said


def head_is_ready(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """True when the active object is a local mesh, or part of one, in Object Mode."""
    reason = _why_not(operator, context)
    if reason:
        operator.poll_message_set(said(reason))
    return not reason


def head_is_matched(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bool:
    """The same, and the head has been matched."""
    if not head_is_ready(operator, context):
        return False
    if not state.find_target(context).facegen.is_matched:
        operator.poll_message_set(said("Match first"))
        return False
    return True


class OnHead:
    """Operator that needs a head."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return head_is_ready(cls, context)


class OnMatchedHead:
    """Operator that needs a head that has been matched."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return head_is_matched(cls, context)


def _why_not(operator: type[bpy.types.Operator], context: bpy.types.Context) -> str:
    job = jobs.running()
    # The button of the act that is at work shows how far it is, and looks alive.
    if job is not None and job.act != operator.bl_idname:
        return jobs.STILL_WORKING
    target = state.find_target(context)
    if target is None or not (context.selected_objects or target.select_get()):
        return "Nothing is selected: select the mesh of a head first"
    if target.type != "MESH":
        return f"'{target.name}' is not a mesh: select the mesh of a head"
    if schema.is_newer(target):
        found, known = target.facegen.schema, schema.VERSION
        return (
            f"'{target.name}' was made by a newer Facegen (schema version {found}, expected at "
            f"most version {known}): update Facegen"
        )
    if not target.visible_get():
        return f"'{target.name}' is hidden: show it in the Outliner first"
    if target.library or target.data.library:
        return f"'{target.name}' is linked from another file: make it local first"
    if context.mode != "OBJECT":
        return "Switch to Object Mode first"
    return ""
