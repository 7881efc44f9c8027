"""What an export would lose of what moves the keys: drivers, strips, slots, curves, frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import bpy
import numpy as np

from . import actions, frame_limits
from .finding import ERROR, NOTE, WARNING, Finding

# A key of a curve this near a whole frame lies on it.
ON_FRAME = 1e-3


def of_keys(obj: bpy.types.Object) -> Iterator[Finding]:
    """Findings about the animation of one object's shape keys."""
    shape_keys = obj.data.shape_keys
    data = shape_keys.animation_data if shape_keys else None
    if data is None:
        return
    yield from _of_drivers(obj, data)
    if any(not track.mute and len(track.strips) for track in data.nla_tracks):
        yield Finding(
            "nla",
            WARNING,
            f"NLA strips play the shape keys of '{obj.name}', which FBX and glTF leave out.",
            "The copy has what they play as plain curves.",
        )
    if data.action is None:
        return
    if actions.HAS_SLOTS and data.action_slot is None:
        yield Finding(
            "slot",
            WARNING,
            f"'{obj.name}' has the action '{data.action.name}' but no slot of it, so nothing "
            "plays: choose the slot in the Action Editor.",
        )
        return
    yield from _of_curves(obj)


def of_range(
    scene: bpy.types.Scene,
    objects: Sequence[bpy.types.Object],
    frame_range: tuple[int, int],
    starts_at_zero: bool,
) -> Iterator[Finding]:
    """Findings about frames: the range, the rate, and curves outside the range."""
    start, end = frame_range
    rate = scene.render.fps / scene.render.fps_base
    reason = frame_limits.why_not(frame_range)
    if reason:
        yield Finding("empty_range" if end < start else "far_range", ERROR, reason)
        return
    if start < 0 and not starts_at_zero:
        yield Finding(
            "negative_start",
            WARNING,
            f"The clip starts at frame {start}: several programs cut what is before 0; turn Start "
            "at 0 on.",
        )
    if rate < 1.0:
        yield Finding(
            "frame_rate",
            WARNING,
            f"At {rate:.3g} frames per second several readers play another speed: use 1 or more.",
        )
    if scene.render.frame_map_old != scene.render.frame_map_new:
        yield Finding(
            "time_stretching",
            NOTE,
            "The scene stretches time (Output > Frame Range).",
            "The copy has the stretched motion on whole frames.",
        )
    frames = [f for obj in objects for f in _key_frames(obj)]
    if frames and (min(frames) < start - ON_FRAME or max(frames) > end + ON_FRAME):
        yield Finding(
            "cut",
            NOTE,
            f"Shape keys are animated from frame {min(frames):g} to {max(frames):g}, and only "
            f"{start} to {end} are exported.",
        )
    between = [f for f in frames if abs(f - round(f)) > ON_FRAME]
    if between:
        yield Finding(
            "subframes",
            NOTE,
            f"There are keys between frames (first at {min(between):g}): the file has whole "
            "frames only.",
        )
    if start == end:
        yield Finding("one_frame", NOTE, "The frame range is one frame: nothing will move.")


def _of_drivers(obj: bpy.types.Object, data: bpy.types.AnimData) -> Iterator[Finding]:
    driven = [d for d in data.drivers if d.data_path.startswith("key_blocks") and not d.mute]
    if not driven:
        return
    broken = [d.data_path.split('"')[1] for d in driven if not d.driver.is_valid]
    if broken:
        yield Finding(
            "broken_driver",
            WARNING,
            f"The driver of '{broken[0]}' of '{obj.name}' does not work: repair it, or the key "
            "keeps its value.",
        )
    yield Finding(
        "drivers",
        WARNING,
        f"Drivers move shape keys of '{obj.name}' ({len(driven)}), which are exported as they "
        "stand now, or as zero.",
        "The copy has their values as plain curves.",
    )


def _of_curves(obj: bpy.types.Object) -> Iterator[Finding]:
    curves = _value_curves(obj)
    muted = [curve for curve in curves if curve.mute]
    if muted:
        yield Finding(
            "muted_curves",
            NOTE,
            f"'{obj.name}' has muted curves ({len(muted)}): those keys will not move.",
        )
    for curve in curves:
        points = np.empty(2 * len(curve.keyframe_points), np.float32)
        curve.keyframe_points.foreach_get("co", points)
        bad = np.flatnonzero(~np.isfinite(points[1::2]))
        if len(bad):
            name = curve.data_path.split('"')[1]
            yield Finding(
                "curve_not_finite",
                ERROR,
                f"The curve of '{name}' of '{obj.name}' is not a finite number at frame "
                f"{points[2 * bad[0]]:g}: delete that key of the curve first.",
            )


def _value_curves(obj: bpy.types.Object) -> list[bpy.types.FCurve]:
    shape_keys = obj.data.shape_keys
    curves = (actions.fcurves_of(shape_keys) or ()) if shape_keys else ()
    return [curve for curve in curves if curve.data_path.startswith("key_blocks")]


def _key_frames(obj: bpy.types.Object) -> list[float]:
    return [p.co[0] for curve in _value_curves(obj) for p in curve.keyframe_points]
