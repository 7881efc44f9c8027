"""Correct Part: the artist says what a part is; the head follows without a new fit."""

from __future__ import annotations

from dataclasses import replace

import bpy
from bpy.props import EnumProperty, IntProperty

from .. import jobs
from ..scene import corrections, part_rows, state
from . import match, polling

AUTOMATIC = "AUTOMATIC"
_KINDS = [(AUTOMATIC, "Automatic", "What Facegen takes it for"), *part_rows.kind_items()]


def request_correction(
    context: bpy.types.Context, target: bpy.types.Object, keys: list[int], kind: str | None
) -> match.MatchRequest:
    """What to match so that parts count as a kind, None being what Facegen takes them for."""
    request = match.request_same_match(context, target)
    changed = corrections.changed(request.corrections, keys, kind)
    return replace(request, corrections=changed)


class FACEGEN_OT_correct_part(polling.OnMatchedHead, jobs.JobOperator, bpy.types.Operator):
    """Say what this part is; it then moves as such parts do, now and after every new match"""

    bl_idname = "facegen.correct_part"
    bl_label = "Correct Part"
    bl_options = {"UNDO"}

    kind: EnumProperty(name="Kind", items=_KINDS)
    row: IntProperty(name="Row", default=-1, options={"SKIP_SAVE", "HIDDEN"})

    def begin(self, context: bpy.types.Context) -> jobs.Work:
        target = state.find_target(context)
        row = part_rows.row_of(target, self.row)
        kind = None if self.kind == AUTOMATIC else self.kind
        self._target_name, self._keys = target.name, part_rows.keys_of(row)
        self._request = request_correction(context, target, self._keys, kind)
        return lambda progress: match.run_match(self._request, progress)

    def finish(self, context: bpy.types.Context, found: state.Match) -> str:
        target = state.head_named(self._target_name)
        match.keep_match(context, target, self._request, found)
        row = _follow(target, self._keys)
        words = part_rows.kind_words(row.name)
        motion = part_rows.MOTION_SENTENCES.get(row.motion, row.motion)
        return f"{words}: {motion} from the next Generate on"


def _follow(target: bpy.types.Object, keys: list[int]) -> bpy.types.PropertyGroup:
    """Make the row active in which the corrected parts are now."""
    rows = target.facegen.found_parts
    wanted = set(keys)
    numbers = [n for n, row in enumerate(rows) if wanted & set(part_rows.keys_of(row))]
    target.facegen.active_part = numbers[0] if numbers else 0
    return rows[target.facegen.active_part]
