"""Select Part: show which vertices a row of Parts Found stands for."""

from __future__ import annotations

import bpy
import numpy as np
from bpy.props import IntProperty

from facegen_core.numeric import counted

from .. import jobs
from ..scene import part_rows, selection, state
from . import match, polling


class FACEGEN_OT_select_part(polling.OnMatchedHead, jobs.JobOperator, bpy.types.Operator):
    """Select the vertices of this part in Edit Mode; Tab brings you back"""

    bl_idname = "facegen.select_part"
    bl_label = "Select Vertices"
    bl_options = {"UNDO"}

    row: IntProperty(name="Row", default=-1, options={"SKIP_SAVE", "HIDDEN"})

    def begin(self, context: bpy.types.Context) -> jobs.Work:
        target = state.find_target(context)
        self._keys = part_rows.keys_of(part_rows.row_of(target, self.row))
        self._request = request = match.request_same_match(context, target)
        return lambda progress: match.run_match(request, progress)

    def finish(self, context: bpy.types.Context, found: state.Match) -> str:
        match.remember(self._request, found)
        vertices = part_rows.vertices_of(found.alignment, self._keys)
        selection.edit_vertices(context, found.head, np.sort(vertices))
        return f"{counted(len(vertices), 'vertex', 'vertices')} selected"
