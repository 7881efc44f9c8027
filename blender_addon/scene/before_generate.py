"""What would make a generation useless or too large, found before the work: a sentence each."""

from __future__ import annotations

import re

import bpy
import numpy as np

from facegen_core.errors import FacegenError, IntensityError
from facegen_core.numeric import counted

from . import actions, channels, key_checks, shape_keys

# A clip is held in memory as one float32 displacement of 12 bytes a vertex and frame.
BYTES_PER_VERTEX = 12
MAX_CLIP_BYTES = 8e9


def check(head: bpy.types.Object, num_frames: int, num_vertices: int) -> None:
    """Raise FacegenError where curves, keys or the length of the clip could not work out.

    num_vertices: of all objects of the head together.
    """
    _check_clip_name(head.facegen.clip_name)
    key_checks.check_takes_keys(head)
    _check_length(head, num_frames, num_vertices)
    _check_curves(head)


def _check_clip_name(name: str) -> None:
    """Raise FacegenError for a name that would leave nothing to tell the clip's keys by."""
    if shape_keys.safe_clip_name(name) == "clip" and not re.search("[Cc]", name) and name.strip():
        raise FacegenError(
            f"The clip name '{name}' has no letter that engines accept in a key: use A to Z, 0 to "
            "9 and underscores."
        )


def _check_length(head: bpy.types.Object, num_frames: int, num_vertices: int) -> None:
    longest = int(MAX_CLIP_BYTES / (BYTES_PER_VERTEX * num_vertices))
    if num_frames > longest:
        raise IntensityError(
            f"'{head.name}' does not fit into memory for {counted(num_frames, 'frame')}: shorten "
            f"the range to {counted(longest, 'frame')} at most."
        )


def _check_curves(head: bpy.types.Object) -> None:
    labels = {channel.data_path: channel.label for channel in channels.all_channels(head)}
    curves = [c for c in actions.fcurves_of(head) or () if c.data_path in labels]
    if curves and all(curve.mute for curve in curves):
        raise IntensityError(
            f"Every expression curve of '{head.name}' is muted: unmute one in the Graph Editor "
            "(select it, Channel > Toggle Channel Setting), or delete them."
        )
    for curve in curves:
        places = np.empty(2 * len(curve.keyframe_points), np.float32)
        curve.keyframe_points.foreach_get("co", places)
        if not np.isfinite(places).all():
            raise IntensityError(
                f"The curve of {labels[curve.data_path]} has a key that is no number: delete it in "
                "the Graph Editor."
            )
    data = head.animation_data
    for curve in data.drivers if data else ():
        if curve.data_path in labels and not curve.mute and not curve.driver.is_valid:
            raise IntensityError(
                f"The driver of {labels[curve.data_path]} has an error: repair or delete it "
                "(right click on the slider, Edit Driver)."
            )
