"""Clips in the NLA: resting ones as muted strips, pushed down ones as strips that play.

A resting clip lies in muted tracks rather than in the file alone, because Blender then follows when
a shape key is renamed, saves the action, and the artist sees in the NLA editor what there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import bpy
import numpy as np

from . import actions
from .actions import Assigned

# On an action: the number of the clip of its head that it belongs to.
NUMBER = "facegen_clip"


def tracks_of(
    owner: bpy.types.ID, number: int
) -> Iterator[tuple[bpy.types.NlaTrack, bpy.types.NlaStrip]]:
    """The tracks of a data-block that play a clip, each with the first strip that does."""
    data = owner.animation_data
    for track in data.nla_tracks if data is not None else ():
        for strip in track.strips:
            if strip.action is not None and strip.action.get(NUMBER) == number:
                yield track, strip
                break


def mark(action: bpy.types.Action, number: int) -> None:
    """Note that an action belongs to a clip, unless it belongs to another one already."""
    if NUMBER not in action:
        action[NUMBER] = number


def strip_assigned(strip: bpy.types.NlaStrip) -> Assigned:
    """The action of a strip and the slot it plays."""
    slot = strip.action_slot.handle if actions.HAS_SLOTS and strip.action_slot else None
    return Assigned(strip.action, slot)


def play_in(strip: bpy.types.NlaStrip, found: Assigned) -> None:
    """Let a strip play another action by a slot of it, over the frames it has."""
    strip.action = found.action
    if actions.HAS_SLOTS:
        strip.action_slot = actions.slot_in(found)


def assigned_in(owner: bpy.types.ID, number: int) -> Assigned | None:
    """What a strip of the clip plays on a data-block, None where it has none."""
    for _, strip in tracks_of(owner, number):
        return strip_assigned(strip)
    return None


def lay_down(
    played: Sequence[tuple[bpy.types.ID, Assigned]], name: str, number: int, is_muted: bool
) -> None:
    """A strip on every data-block, all of one name and span, frame for frame as the actions are.

    Data-blocks that have strips of the clip already keep those.
    """
    curves = [curve for _, found in played for curve in actions.fcurves_in(found)]
    start, end = _span(curves)
    for owner, found in played:
        mark(found.action, number)
        if found.action[NUMBER] != number:  # another head's clip plays it too
            found = Assigned(actions.copy_of(found.action, {found.slot}, name), found.slot)
            found.action[NUMBER] = number
        if next(tracks_of(owner, number), None) is not None:
            continue
        tracks = owner.animation_data.nla_tracks
        track = tracks.new(prev=tracks[-1] if len(tracks) else None)
        track.name = name
        strip = track.strips.new(name, start, found.action)
        if actions.HAS_SLOTS:
            strip.action_slot = actions.slot_in(found)
        strip.use_auto_blend, strip.blend_type = False, "REPLACE"
        strip.action_frame_start, strip.action_frame_end = start, end
        strip.scale = 1.0
        strip.frame_start, strip.frame_end = start, end
        strip.name = name
        strip.extrapolation = "NOTHING" if _rests_outside(owner, found) else "HOLD"
        track.mute = is_muted


def set_muted(owners: Sequence[bpy.types.ID], number: int, is_muted: bool) -> None:
    """Mute the tracks of a clip on all data-blocks, or let them play."""
    for owner in owners:
        for track, _ in tracks_of(owner, number):
            track.mute = is_muted


def take_up(owners: Sequence[bpy.types.ID], number: int) -> None:
    """Remove the strips of a clip, and tracks that hold nothing else; its actions stay."""
    for owner in owners:
        data = owner.animation_data
        for track in list(data.nla_tracks) if data is not None else ():
            own = [
                strip
                for strip in track.strips
                if strip.action is not None and strip.action.get(NUMBER) == number
            ]
            for strip in own:
                track.strips.remove(strip)
            if own and not len(track.strips):
                data.nla_tracks.remove(track)


def rename(owners: Sequence[bpy.types.ID], number: int, name: str) -> None:
    for owner in owners:
        for track, strip in tracks_of(owner, number):
            track.name = strip.name = name


def _span(curves: Sequence[bpy.types.FCurve]) -> tuple[int, int]:
    """First and last whole frame of the keys, at least one frame apart."""
    ranges = np.array([curve.range() for curve in curves if not curve.is_empty] or [(1.0, 2.0)])
    start, end = int(np.floor(ranges[:, 0].min())), int(np.ceil(ranges[:, 1].max()))
    return start, max(end, start + 1)


def _rests_outside(owner: bpy.types.ID, found: Assigned) -> bool:
    """Whether a strip can end where it ends: every curve is Facegen's and leaves at 0.

    Expressions are those of all clips, so no strip should hold them beside another. Keys are the
    clip's own; their strips hold, since a key without a curve is at 1 in Blender 5.0.
    """
    if not isinstance(owner, bpy.types.Object):
        return False
    for curve in actions.fcurves_in(found):
        values = [point.co[1] for point in curve.keyframe_points]
        if (
            not curve.data_path.startswith("facegen.")
            or curve.modifiers
            or (values and (values[0] or values[-1]))
        ):
            return False
    return True
