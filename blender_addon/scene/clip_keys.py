"""The shape keys of a clip on all objects of its head, and the properties its curves move."""

from __future__ import annotations

import re
from collections.abc import Iterator

import bpy
import numpy as np

from . import actions, animated, clip_strips, shape_keys, solved_curves
from .clip_store import head_objects

# The heading of curves whose key the artist made their own.
ADOPTED = "Adopted"


def free_name(target: bpy.types.Object, name: str, besides: int | None = None) -> str:
    """The name, or with a number behind, that no other clip of the head and no key goes by."""
    rows = [row for row in target.facegen.clips if row.number != besides]
    own = next((row.key_name for row in target.facegen.clips if row.number == besides), None)
    taken = {row.key_name for row in rows}
    blocks = {block.name for _, keys in _keys(target) for block in keys.key_blocks}
    base, count = re.sub(r" \d+$", "", name), 1
    while True:
        key_name = shape_keys.safe_clip_name(name)
        prefix = f"{shape_keys.PREFIX}_{key_name}_"
        is_used = key_name != own and any(block.startswith(prefix) for block in blocks)
        if key_name not in taken and not is_used:
            return name
        count += 1
        ending = f" {count}"
        # What stands beyond the longest name is cut off, and a number there would tell nothing.
        room = shape_keys.MAX_CLIP_NAME - len(ending)
        name = base.encode()[:room].decode(errors="ignore") + ending


def is_facegens(owner: bpy.types.ID, data_path: str) -> bool:
    """Whether a property is Facegen's: a channel or layer of the head, a key of a clip."""
    if isinstance(owner, bpy.types.Object):
        return data_path.startswith("facegen.")
    return data_path in value_paths(owner)


def is_made(owner: bpy.types.ID, curve: bpy.types.FCurve) -> bool:
    """Whether Facegen made a curve: of its own property, of a key that was renamed since, or the
    one a clip was solved into and that nobody edited."""
    is_own = is_facegens(owner, curve.data_path) or _is_grouped(owner, curve)
    return is_own or solved_curves.digest_of(curve) in _solved(owner).get(curve.data_path, ())


def let_drive(target: bpy.types.Object, owner: bpy.types.ID) -> None:
    """Drivers of a clip's rig move its keys while that clip plays, or strips do; else none does."""
    if isinstance(owner, bpy.types.Object) or owner.animation_data is None:
        return
    playing = target.facegen.clip_playing
    resting = {row.key_name for row in target.facegen.clips if row.number != playing}
    if not any(row.number == playing for row in target.facegen.clips):
        resting = {row.key_name for row in target.facegen.clips if not row.is_pushed}
    made = shape_keys.clips_on(owner)
    clips = {row.key_name for row in target.facegen.clips}
    for clip in clips & made.keys():
        paths = {shape_keys.value_path(name) for name in made[clip]}
        for driver in owner.animation_data.drivers:
            if driver.data_path in paths:
                driver.mute = clip in resting


def rest_adopted(target: bpy.types.Object) -> None:
    """Mute what Facegen wrote for keys that the artist made their own by renaming them.

    A new generation moves the face by new keys; the old motion on top would play it twice.
    """
    for _, keys in _keys(target):
        own = value_paths(keys)
        for curve in actions.fcurves_of(keys) or ():
            if curve.data_path not in own and _is_grouped(keys, curve):
                # Under another heading: from now on the curve is the artist's as the key is.
                curve.mute = True
                actions.group_fcurve(keys, curve, ADOPTED)
                animated.to_default(keys, curve.data_path)


def value_paths(owner: bpy.types.ID) -> set[str]:
    """Data paths of the values of all keys that clips have on a Key; none on an object."""
    if isinstance(owner, bpy.types.Object):
        return set()
    names = {name for made in shape_keys.clips_on(owner).values() for name in made}
    return {shape_keys.value_path(name) for name in names if name in owner.key_blocks}


def duplicate(target: bpy.types.Object, clip: str, twin: str) -> None:
    """Copies of a clip's keys under another clip's name, moved by the curves that play now."""
    for obj, keys in _keys(target):
        names = [name for name in shape_keys.clips_of(obj).get(clip, []) if name in keys.key_blocks]
        if not names:
            continue
        active, made = obj.active_shape_key_index, []
        for name in names:
            block, copy = keys.key_blocks[name], obj.shape_key_add(from_mix=False)
            coordinates = np.empty(3 * len(block.data), np.float32)
            block.data.foreach_get("co", coordinates)
            copy.data.foreach_set("co", coordinates)
            copy.relative_key, copy.value = block.relative_key, 0.0
            copy.slider_min, copy.slider_max = block.slider_min, block.slider_max
            copy.vertex_group = block.vertex_group
            copy.name = _renamed(name, clip, twin)
            made.append(copy.name)
        for curve in actions.fcurves_of(keys) or ():
            for name, new in zip(names, made, strict=True):
                if curve.data_path == shape_keys.value_path(name):
                    curve.data_path = shape_keys.value_path(new)
                    break
        obj.active_shape_key_index = active
        shape_keys.record(keys, twin, made)


def rename(target: bpy.types.Object, old: str, new: str) -> None:
    """Give a clip's keys the names of another clip; keys the artist renamed keep theirs.

    Curves in the action that plays and in strips are looked up first: Blender 4.5 follows a rename
    in every slot of an action.
    """
    if old == new:
        return
    for obj, keys in _keys(target):
        names = shape_keys.clips_of(obj).get(old)
        if names is None:
            continue
        curves = [
            (curve, name)
            for name in names
            for curve in _curves_of_key(keys)
            if curve.data_path == shape_keys.value_path(name)
        ]
        made = {}
        for name in names:
            block = keys.key_blocks.get(name)
            if block is not None:
                block.name = _renamed(name, old, new)
                made[name] = block.name
        for curve, name in curves:
            if name in made:
                curve.data_path = shape_keys.value_path(made[name])
        shape_keys.record(keys, old, None)
        shape_keys.record(keys, new, list(made.values()))


def remove(target: bpy.types.Object, clip: str) -> None:
    """Remove the keys of a clip from all objects of the head."""
    for obj, _ in _keys(target):
        shape_keys.remove_clip(obj, clip)


def _keys(target: bpy.types.Object) -> Iterator[tuple[bpy.types.Object, bpy.types.Key]]:
    seen = set()
    for obj in head_objects(target):
        keys = obj.data.shape_keys
        if keys is not None and keys not in seen:
            seen.add(keys)
            yield obj, keys


def _solved(owner: bpy.types.ID) -> dict[str, set[str]]:
    """{data path: digests} of the curves that clips wrote on keys that are not theirs."""
    found: dict[str, set[str]] = {}
    if not isinstance(owner, bpy.types.Object):
        for curves in solved_curves.on(owner).values():
            for name, (digest, _) in curves.items():
                found.setdefault(solved_curves.value_path(name), set()).add(digest)
    return found


def _is_grouped(owner: bpy.types.ID, curve: bpy.types.FCurve) -> bool:
    is_key = not isinstance(owner, bpy.types.Object)
    return is_key and curve.group is not None and curve.group.name == shape_keys.GROUP


def _curves_of_key(keys: bpy.types.Key) -> list[bpy.types.FCurve]:
    """The curves of a Key in the action that plays and in its strips."""
    found = list(actions.fcurves_of(keys) or ())
    for track in keys.animation_data.nla_tracks if keys.animation_data else ():
        for strip in track.strips:
            if strip.action is not None and clip_strips.NUMBER in strip.action:
                found += actions.fcurves_in(clip_strips.strip_assigned(strip))
    return found


def _renamed(name: str, old: str, new: str) -> str:
    prefix = f"{shape_keys.PREFIX}_"
    return f"{prefix}{new}" + name.removeprefix(f"{prefix}{old}")
