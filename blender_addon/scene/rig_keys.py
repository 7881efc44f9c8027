"""Writing rigs and solved weights: keys of a head that are not poses of one clip.

A rig is recorded under its clip, as other keys are. ARKit keys belong to the head, not to a clip,
and go when no clip plays them; keys of the artist's only ever get curves.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.blendshapes import BlendshapeSet
from facegen_core.errors import FacegenError

from . import actions, existing_keys, key_drivers, shape_keys, solved_curves
from .key_drivers import Drive
from .mesh_bridge import Head
from .shape_keys import PREFIX, UNFINISHED
from .solved_curves import value_path

FloatArray = NDArray[np.floating]

# Under this the ARKit keys that Facegen made are recorded; no clip can be called so.
ARKIT_SET = "ARKit keys"


@dataclass(frozen=True, eq=False)
class KeysToWrite:
    """K keys. names: (K,); is_new: (K,) whether they are made; record: under what.

    drives: (K,) what drives each, empty for curves. replaces_curves: an artist's own curves give
    way.
    """

    names: tuple[str, ...]
    is_new: NDArray[np.bool_]
    record: str
    drives: tuple[Drive, ...] = ()
    replaces_curves: bool = False


@dataclass(frozen=True, eq=False)
class _Share:
    """What one object of the head gets: (N,) columns of keys to make, and of curves to write."""

    obj: bpy.types.Object
    made: list[int]
    played: list[int]


def write_keys(
    head: Head,
    clip_name: str,
    keys: KeysToWrite,
    shapes: BlendshapeSet,
    frames: FloatArray,
    target: bpy.types.Object,
) -> int:
    """Make the new keys, and let curves over (T,) frames or drivers of `target` play them all.

    Replaces what an earlier call wrote under the same clip name; nothing else is touched. An object
    gets the keys that move it. Returns how many keys are played. Raises FacegenError before
    anything is changed; an error half-way takes back what was written.
    """
    clip = shape_keys.safe_clip_name(clip_name)
    objects = head.objects()
    shape_keys.check_shapes(head, shapes, frames)
    shares = _shares(head, objects, keys, shapes)
    _check(shares, keys, clip)
    had_keys = [obj.data.shape_keys is not None for obj in objects]
    try:
        action = None
        for share, part in zip(shares, head.parts, strict=True):
            local = part.local_displacements(shapes.shapes[share.made])
            made = [keys.names[k] for k in share.made]
            shape_keys.write_unfinished_keys(share.obj, keys.record, made, local)
            if keys.drives:
                _write_drivers(share, keys, target)
            else:
                action = _write_curves(share, keys, frames, shapes.weights, action)
    except Exception:
        for share, had in zip(shares, had_keys, strict=True):
            _take_back(share, keys, had)
        raise
    for obj in objects:
        shape_keys.remove_clip(obj, clip)
        if keys.record != clip:
            _remove_set(obj, keys.record)
    _finish(shares, keys, clip)
    tidy(objects)
    played = set().union(*(share.made if keys.drives else share.played for share in shares))
    return len(played)


def tidy(objects: Sequence[bpy.types.Object]) -> None:
    """Remove the ARKit keys of Facegen's that nothing plays any more."""
    for obj in objects:
        names = shape_keys.clips_of(obj).get(ARKIT_SET, [])
        if names and not _is_played(obj.data.shape_keys, names):
            shape_keys.remove_clip(obj, ARKIT_SET)


def _shares(
    head: Head, objects: Sequence[bpy.types.Object], keys: KeysToWrite, shapes: BlendshapeSet
) -> list[_Share]:
    is_used = shapes.weights.max(axis=0, initial=0.0) > 0
    shares = []
    for obj, part in zip(objects, head.parts, strict=True):
        moving = set(shape_keys.moving_shapes(head, part, shapes.shapes).tolist())
        blocks = obj.data.shape_keys.key_blocks if obj.data.shape_keys else {}
        made = [k for k in sorted(moving) if keys.is_new[k]]
        there = [k for k, name in enumerate(keys.names) if not keys.is_new[k] and name in blocks]
        # A chosen key that plays nothing is held at 0 where the artist left it elsewhere.
        played = [
            k
            for k in sorted([*made, *there])
            if is_used[k] or (k in there and blocks[keys.names[k]].value != 0.0)
        ]
        shares.append(_Share(obj, made, played))
    return shares


def _check(shares: Sequence[_Share], keys: KeysToWrite, clip: str) -> None:
    owners: dict[bpy.types.Mesh, str] = {}
    for share in shares:
        obj = share.obj
        if not (share.made or share.played):
            continue
        if obj.data in owners:
            raise FacegenError(
                f"'{owners[obj.data]}' and '{obj.name}' share one mesh but move differently: make "
                "it single-user first (Object > Relations > Make Single User)."
            )
        owners[obj.data] = obj.name
        shape_keys.check_keys(obj, keys.record, [keys.names[k] for k in share.made])
    if not keys.replaces_curves:
        existing_keys.check_curves([share.obj for share in shares], keys.names)


def _write_drivers(share: _Share, keys: KeysToWrite, target: bpy.types.Object) -> None:
    for k in share.made:
        name = keys.names[k] + UNFINISHED
        key_drivers.drive(share.obj.data.shape_keys, name, target, keys.drives[k])


def _write_curves(
    share: _Share,
    keys: KeysToWrite,
    frames: FloatArray,
    weights: FloatArray,
    shared: bpy.types.Action | None,
) -> bpy.types.Action | None:
    """Linear curves under unfinished names; returns the action that the next object may share."""
    if not share.played:
        return shared
    owner = share.obj.data.shape_keys
    fcurves = actions.ensure_fcurves(owner, f"{PREFIX} {share.obj.name}", shared)
    for k in share.played:
        keep = shape_keys.needed_keys(weights[:, k])
        path = value_path(keys.names[k] + UNFINISHED)
        actions.write_linear_fcurve(fcurves, path, frames[keep], weights[keep, k])
    action = owner.animation_data.action
    return action if action.get(actions.MADE_BY_FACEGEN) else shared


def _take_back(share: _Share, keys: KeysToWrite, had_keys: bool) -> None:
    obj = share.obj
    if obj.data.shape_keys is not None:
        unfinished = {value_path(name + UNFINISHED) for name in keys.names}
        actions.remove_fcurves(obj.data.shape_keys, unfinished)
    shape_keys.remove_clip(obj, keys.record + UNFINISHED)
    if not had_keys and obj.data.shape_keys is not None:
        obj.shape_key_clear()


def _finish(shares: Sequence[_Share], keys: KeysToWrite, clip: str) -> None:
    """Final names, and a record of what was written.

    All curves are looked up before the first key is renamed: Blender 4.5 follows a rename in every
    slot of the action, not only in the slot of the renamed key.
    """
    found = []
    for share in shares:
        owner = share.obj.data.shape_keys
        curves = actions.fcurves_of(owner) if owner else None
        for k in share.played if not keys.drives else ():
            old = curves.find(value_path(keys.names[k]))
            if old is not None:
                curves.remove(old)
        for k in share.played if not keys.drives else ():
            found.append((share, k, curves.find(value_path(keys.names[k] + UNFINISHED))))
    for share in shares:
        owner = share.obj.data.shape_keys
        for k in share.made:
            owner.key_blocks[keys.names[k] + UNFINISHED].name = keys.names[k]
        if share.made:
            if keys.drives:
                key_drivers.rename(
                    owner, {keys.names[k] + UNFINISHED: keys.names[k] for k in share.made}
                )
            shape_keys.record(owner, keys.record + UNFINISHED, None)
            shape_keys.record(owner, keys.record, [keys.names[k] for k in share.made])
    _finish_curves(found, keys, clip)
    for share in shares:
        if share.made or share.played:
            share.obj.data.shape_keys.update_tag()
            share.obj.data.update_tag()


def _finish_curves(
    found: Sequence[tuple[_Share, int, bpy.types.FCurve]], keys: KeysToWrite, clip: str
) -> None:
    now = bpy.context.scene.frame_current_final
    written: dict[bpy.types.Key, dict[str, tuple[str, float]]] = {}
    for share, k, curve in found:
        owner, name = share.obj.data.shape_keys, keys.names[k]
        block = owner.key_blocks[name]
        curve.data_path = value_path(name)
        if keys.record != clip or not keys.is_new[k]:  # the key outlives the clip
            before = solved_curves.forget(owner, name, block.value)
            before = 0.0 if keys.is_new[k] else before
            written.setdefault(owner, {})[name] = solved_curves.digest_of(curve), before
        block.value = curve.evaluate(now)
    for owner, curves in written.items():
        solved_curves.record(owner, clip, curves)


def _remove_set(obj: bpy.types.Object, record: str) -> None:
    """Remove recorded keys, but not the curves that play them under other clips."""
    owner = obj.data.shape_keys
    for name in shape_keys.clips_of(obj).get(record, []):
        block = owner.key_blocks.get(name)
        if block is not None:
            obj.shape_key_remove(block)
    if owner is not None:
        shape_keys.record(owner, record, None)


def _is_played(owner: bpy.types.Key, names: Collection[str]) -> bool:
    paths = {value_path(name) for name in names}
    data = owner.animation_data
    curves = [*(actions.fcurves_of(owner) or ()), *(data.drivers if data else ())]
    return any(curve.data_path in paths for curve in curves)
