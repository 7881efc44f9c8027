"""The switch of live update, and what it waits for."""

from __future__ import annotations

import bpy

from .. import live
from .base import draw_sentence


def draw_live(layout: bpy.types.UILayout, target: bpy.types.Object) -> None:
    """A toggle, and a sentence while there is something to say."""
    layout.prop(target.facegen, "is_live")
    if not target.facegen.is_live:
        return
    note, is_working = live.note_of(target)
    if note:
        draw_sentence(layout, note, "INFO")
    elif is_working:
        layout.label(text="Making the clip", icon="SORTTIME")
