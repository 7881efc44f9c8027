"""Blendshapes become relative shape keys with F-curves; and only what Facegen made is removed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Literal

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.blendshapes import BlendshapeSet
from facegen_core.errors import FacegenError

from . import actions, kept, key_checks, key_drivers, solved_curves
from .mesh_bridge import Head, HeadPart, neutral_vertices

FloatArray = NDArray[np.floating]

# Every name starts with it; ASCII, because engines and FBX readers trip over anything else.
PREFIX = "FG"
# Longer clip names would push key names past Blender's 63 bytes.
MAX_CLIP_NAME = 40
# Which keys of a Key data-block are Facegen's: JSON {clip: [names]}, kept on the data-block.
RECORD = "facegen_clips"
# Curves that Facegen wrote stand under this heading, also when their key was renamed since.
GROUP = "Facegen"
# Keys are written under names with this mark and renamed when every object has succeeded.
UNFINISHED = "~"
# A shape that moves an object less than this share of the head's size leaves it still: 0.25 µm.
STILL_SHARE = 1e-6


def safe_clip_name(name: str) -> str:
    """The ASCII letters, digits and underscores of a clip's name."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:MAX_CLIP_NAME] or "clip"


def key_names(
    clip_name: str, mode: Literal["compact", "frames"], shapes: BlendshapeSet, frames: FloatArray
) -> list[str]:
    """(K,) names: FG_<clip>_01, … for a compact bake, FG_<clip>_F0001, … for one key a frame.

    Frames before 0 are called FM0001 and so on: engines take no minus sign in a name.
    """
    clip = safe_clip_name(clip_name)
    if mode == "frames":
        numbers = [round(frames[i]) for i in shapes.pose_frames]
        return [f"{PREFIX}_{clip}_F{'M' if n < 0 else ''}{abs(n):04d}" for n in numbers]
    return [f"{PREFIX}_{clip}_{number:02d}" for number in range(1, len(shapes.shapes) + 1)]


def write_clip(
    head: Head, clip_name: str, names: Sequence[str], shapes: BlendshapeSet, frames: FloatArray
) -> int:
    """Write K shapes as keys called `names`, and weights (T, K) as curves over (T,) frames.

    Replaces what an earlier call wrote under the same clip name; nothing else is touched. An
    object gets the keys that move it, so still parts get none. Returns how many keys were made.
    Raises FacegenError before anything is changed; an error half-way takes back what was written.
    """
    clip = safe_clip_name(clip_name)
    objects = head.objects()
    check_shapes(head, shapes, frames)
    moving = [moving_shapes(head, part, shapes.shapes) for part in head.parts]
    _check_writable(objects, moving, clip, names)
    had_keys = [obj.data.shape_keys is not None for obj in objects]
    try:
        keys = [obj.data.shape_keys for obj in objects if obj.data.shape_keys]
        action = actions.home_action(objects[0], keys)
        for obj, part, indices in zip(objects, head.parts, moving, strict=True):
            local = part.local_displacements(shapes.shapes[indices])
            own_names = [names[k] for k in indices]
            write_unfinished_keys(obj, clip, own_names, local)
            action = _write_curves(obj, own_names, frames, shapes.weights[:, indices], action)
    except Exception:
        for obj, had in zip(objects, had_keys, strict=True):
            remove_clip(obj, clip + UNFINISHED)
            if not had and obj.data.shape_keys is not None:
                obj.shape_key_clear()
        raise
    for obj in objects:
        remove_clip(obj, clip)
    _finish(objects, clip)
    return len(set().union(*(indices.tolist() for indices in moving)))


def remove_clip(obj: bpy.types.Object, clip_name: str) -> int:
    """Remove the keys, curves and drivers of one clip from an object; returns how many keys went.

    Curves that the clip has on keys that are not its own go too.
    """
    shape_keys = obj.data.shape_keys
    solved_curves.remove_curves(obj, clip_name)
    names = clips_of(obj).get(clip_name, [])
    if shape_keys is None or not names:
        return 0
    key_drivers.remove_drivers(shape_keys, names)
    kept_active = obj.active_shape_key.name if obj.active_shape_key else ""
    paths = {value_path(name) for name in names}
    actions.remove_strip_fcurves(shape_keys, paths)
    actions.remove_fcurves(shape_keys, paths)
    for name in names:
        block = shape_keys.key_blocks.get(name)
        if block is not None:  # the artist may have deleted or adopted it by renaming
            obj.shape_key_remove(block)
    record(shape_keys, clip_name, None)
    obj.active_shape_key_index = max(shape_keys.key_blocks.find(kept_active), 0)
    return len(names)


def clips_of(obj: bpy.types.Object) -> dict[str, list[str]]:
    """{clip: names of its keys} that Facegen wrote on the object's mesh."""
    return clips_on(obj.data.shape_keys) if obj.data.shape_keys else {}


def clips_on(shape_keys: bpy.types.Key) -> dict[str, list[str]]:
    """The same of a Key."""
    return kept.names(shape_keys.get(RECORD))


def check_unlocked(obj: bpy.types.Object, clips: Iterable[str]) -> None:
    """Raise FacegenError where the artist locked a key of these clips."""
    blocks = obj.data.shape_keys.key_blocks if obj.data.shape_keys else {}
    for clip in clips:
        for name in clips_of(obj).get(clip, []):
            if name in blocks and blocks[name].lock_shape:
                raise FacegenError(
                    f"The shape key '{name}' of '{obj.name}' is locked: unlock it, or give the "
                    "clip another name."
                )


def check_shapes(head: Head, shapes: BlendshapeSet, frames: FloatArray) -> None:
    """Raise FacegenError unless shapes and weights fit head and frames and may be written."""
    num_shapes, num_vertices = len(shapes.shapes), head.mesh.num_vertices
    expected = (num_shapes, num_vertices, 3), (len(frames), num_shapes)
    if (shapes.shapes.shape, shapes.weights.shape) != expected:
        raise FacegenError(
            f"Expected shapes {expected[0]} and weights {expected[1]}, got "
            f"{shapes.shapes.shape} and {shapes.weights.shape}."
        )
    if not np.isfinite(shapes.shapes).all() or not np.isfinite(shapes.weights).all():
        bad = np.flatnonzero(~np.isfinite(shapes.shapes).all(axis=(1, 2)))
        raise FacegenError(f"Shape {bad[:1]} of the clip is not finite; nothing was written.")
    if num_shapes and (shapes.weights.min() < 0 or shapes.weights.max() > 1):
        raise FacegenError("A weight of the clip leaves 0 to 1; nothing was written.")


def moving_shapes(head: Head, part: HeadPart, shapes: FloatArray) -> NDArray[np.intp]:
    """(N,) those of (K, M, 3) shapes that move a part."""
    size = float(np.ptp(head.mesh.vertices, axis=0).max())
    lengths = np.abs(shapes[:, part.start : part.end]).max(axis=(1, 2), initial=0.0)
    return np.flatnonzero(lengths > STILL_SHARE * size)


def _check_writable(
    objects: Sequence[bpy.types.Object],
    moving: Sequence[NDArray[np.intp]],
    clip: str,
    names: Sequence[str],
) -> None:
    owners: dict[bpy.types.Mesh, str] = {}
    for obj, indices in zip(objects, moving, strict=True):
        if len(indices) == 0:
            continue
        if obj.data in owners:
            raise FacegenError(
                f"'{owners[obj.data]}' and '{obj.name}' share one mesh but move differently: make "
                "it single-user first (Object > Relations > Make Single User)."
            )
        owners[obj.data] = obj.name
    for obj, indices in zip(objects, moving, strict=True):
        if len(indices):
            check_keys(obj, clip, [names[k] for k in indices])


def check_keys(obj: bpy.types.Object, clip: str, names: Sequence[str]) -> None:
    """Raise FacegenError where an object could not be given a clip's keys of these names."""
    key_checks.check_takes_keys(obj)
    check_unlocked(obj, [clip])
    shape_keys = obj.data.shape_keys
    if shape_keys is None:
        return
    own = clips_of(obj).get(clip, [])
    taken = [n for n in names if n in shape_keys.key_blocks and n not in own]
    if taken:
        raise FacegenError(
            f"'{obj.name}' already has a shape key '{taken[0]}' that Facegen did not make: "
            "rename it, or give the clip another name."
        )


def write_unfinished_keys(
    obj: bpy.types.Object, clip: str, names: Sequence[str], displacements: FloatArray
) -> None:
    """Keys under unfinished names, one `foreach_set` each; displacements (K, P, 3) are local."""
    if not names:
        return
    if obj.data.shape_keys is None:
        obj.shape_key_add(name="Basis", from_mix=False)
    shape_keys, neutral = obj.data.shape_keys, neutral_vertices(obj.data)
    active = obj.active_shape_key_index
    record(shape_keys, clip + UNFINISHED, [name + UNFINISHED for name in names])
    for name, moved in zip(names, displacements, strict=True):
        block = obj.shape_key_add(name=name + UNFINISHED, from_mix=False)
        block.relative_key = shape_keys.reference_key
        block.slider_min, block.slider_max, block.value = 0.0, 1.0, 0.0
        block.data.foreach_set("co", (neutral + moved).astype(np.float32).ravel())
    obj.active_shape_key_index = active


def _write_curves(
    obj: bpy.types.Object,
    names: Sequence[str],
    frames: FloatArray,
    weights: FloatArray,
    shared: bpy.types.Action | None,
) -> bpy.types.Action | None:
    """Linear curves of weights (T, K); returns the action that the next object may share."""
    if not names:
        return shared
    shape_keys = obj.data.shape_keys
    fcurves = actions.ensure_fcurves(shape_keys, f"{PREFIX} {obj.name}", shared, obj.name)
    for name, column in zip(names, weights.T, strict=True):
        keep = needed_keys(column)
        path = value_path(name + UNFINISHED)
        fcurve = actions.write_linear_fcurve(fcurves, path, frames[keep], column[keep])
        actions.group_fcurve(shape_keys, fcurve, GROUP)
    action = shape_keys.animation_data.action
    return action if action.get(actions.MADE_BY_FACEGEN) else shared


def needed_keys(weights: FloatArray) -> NDArray[np.bool_]:
    """(T,) False where a weight equals both neighbours, so a linear curve loses nothing."""
    keep = np.ones(len(weights), bool)
    keep[1:-1] = (weights[1:-1] != weights[:-2]) | (weights[1:-1] != weights[2:])
    return keep


def _finish(objects: Sequence[bpy.types.Object], clip: str) -> None:
    """Give unfinished keys and their curves the final names, and show the current frame.

    All curves are looked up before the first key is renamed: Blender 4.5 follows a rename in every
    slot of the action, not only in the slot of the renamed key.
    """
    unfinished = [
        (obj.data.shape_keys, name, actions.fcurves_of(obj.data.shape_keys).find(value_path(name)))
        for obj in objects
        for name in clips_of(obj).get(clip + UNFINISHED, [])
    ]
    for shape_keys, name, curve in unfinished:
        block = shape_keys.key_blocks[name]
        block.name = name.removesuffix(UNFINISHED)
        curve.data_path = value_path(block.name)
        block.value = curve.evaluate(bpy.context.scene.frame_current_final)
    for obj in objects:
        names = clips_of(obj).get(clip + UNFINISHED)
        if names:
            record(obj.data.shape_keys, clip + UNFINISHED, None)
            finished = [name.removesuffix(UNFINISHED) for name in names]
            record(obj.data.shape_keys, clip, finished)
            obj.data.update_tag()


def value_path(name: str) -> str:
    """Where the value of a key lives on its Key, as F-curves name it."""
    return f'key_blocks["{name}"].value'


def record(shape_keys: bpy.types.Key, clip: str, names: Sequence[str] | None) -> None:
    """Note which keys are a clip's; None forgets the clip."""
    known = clips_on(shape_keys)
    known.pop(clip, None)
    if names is not None:
        known[clip] = list(names)
    shape_keys[RECORD] = json.dumps(known)
