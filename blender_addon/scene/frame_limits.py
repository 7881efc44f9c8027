"""Whether frames from first to last can be exported: one sentence where not."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from facegen_core.errors import FacegenError
from facegen_core.memory import check_fits
from facegen_core.numeric import counted

# Blender has no frame beyond it, and none as far before 0 (MAXFRAME).
LAST_FRAME = 1_048_574
# A vertex at a frame that is compared: float64, as it is seen, made and read back.
_BYTES_PER_VERTEX = 3 * 3 * 8


def why_not(frame_range: tuple[int, int]) -> str:
    """Why nothing can be played from the first to the last frame; empty where it can."""
    start, end = frame_range
    if end < start:
        return f"The frame range is empty: it ends at {end}, before it starts at {start}."
    beyond = next((frame for frame in frame_range if abs(frame) > LAST_FRAME), None)
    if beyond is not None:
        return (
            f"The frame range reaches to frame {beyond:,}, and Blender counts to {LAST_FRAME:,}: "
            "choose a custom range, or move the keys that lie so far out."
        )
    return ""


def check(frame_range: tuple[int, int]) -> None:
    """Raise FacegenError where `why_not` has a reason."""
    reason = why_not(frame_range)
    if reason:
        raise FacegenError(reason)


def check_fits_memory(
    objects: Sequence[bpy.types.Object], frame_range: tuple[int, int], check_every: int
) -> None:
    """Raise FacegenError where the frames that are compared, every so many, do not fit."""
    num_frames = frame_range[1] - frame_range[0] + 1
    num_vertices = sum(len(obj.data.vertices) for obj in objects)
    check_fits(
        _BYTES_PER_VERTEX * num_vertices * (num_frames / check_every + 1),
        f"An export of {counted(num_frames, 'frame')} of this head",
        "shorten the frame range, or export it in pieces",
    )
