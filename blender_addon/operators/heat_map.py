"""Heat Map: how far the fit lies from the head, in colours; the same button takes them off."""

from __future__ import annotations

import bpy

from .. import jobs
from ..scene import heat_map, state
from . import match, polling


def take_off(context: bpy.types.Context, target: bpy.types.Object) -> None:
    """Remove the colours from a head, and from objects that a later match let go.

    The viewports are shaded as before once no other head has any.
    """
    let_go = [o for o in context.scene.objects if not o.facegen.is_matched and not o.facegen.head]
    heat_map.hide([*state.matched_objects(target), *let_go])
    heat_map.sync_shading(context)


class FACEGEN_OT_heat_map(polling.OnMatchedHead, jobs.JobOperator, bpy.types.Operator):
    """Colour the head by its distance from the fitted face in millimetres.
    Press again to take the colours off; they are never exported"""

    bl_idname = "facegen.heat_map"
    bl_label = "Heat Map"
    bl_options = {"UNDO"}

    def begin(self, context: bpy.types.Context) -> jobs.Work:
        target = state.find_target(context)
        if heat_map.is_shown(target):
            return lambda progress: None
        self._request = request = match.request_same_match(context, target)

        def work(progress: jobs.Progress) -> state.Match:
            found = match.run_match(request, progress)
            state.residuals_of(found)
            return found

        return work

    def finish(self, context: bpy.types.Context, found: state.Match | None) -> str:
        if found is None:
            take_off(context, state.find_target(context))
            return "The colours are off"
        match.remember(self._request, found)
        heat_map.show(found.head, state.residuals_of(found))
        heat_map.sync_shading(context)
        residual = found.alignment.fit.residual
        return f"The fit lies {residual.mean_mm:.2f} mm from this head on average"
