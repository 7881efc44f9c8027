"""Whether a head follows its curves at once."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty


def _turned(settings: bpy.types.PropertyGroup, context: bpy.types.Context) -> None:
    from .. import live

    live.wake()


PROPERTIES = {
    "is_live": BoolProperty(
        name="Live",
        description="The face follows keys and sliders at once, and the clip a moment later; off, "
        "the last clip stays",
        default=False,
        update=_turned,
    ),
}
