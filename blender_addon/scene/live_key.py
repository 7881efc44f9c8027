"""The pose that live update shows: one passing shape key per object of a head, and only that.

While it is shown the keys of the clip are muted. What was muted, and whether the object had keys at
all, is kept on the Key data-block itself, so that whatever comes back by undo or from a file can be
taken away again by anyone, without knowing how it came about.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import bpy
import numpy as np
from numpy.typing import NDArray

from . import kept, shape_keys
from .mesh_bridge import Head, neutral_vertices

FloatArray = NDArray[np.floating]

NAME = "FG_Live"
# On a Key data-block: JSON, the name of the passing key, what was muted for it, and whether the
# mesh had keys before.
RECORD = "facegen_live"

_times_taken_away = 0


def show(head: Head, displacements: FloatArray, clip_name: str) -> None:
    """Show (M, 3) displacements of the head instead of its clip. FacegenError if an object is gone.

    Objects that neither move nor have keys of the clip are left alone.
    """
    for obj, part in zip(head.objects(), head.parts, strict=True):
        local = part.local_displacements(displacements)
        if local.any() or _clip_keys(obj, clip_name) or _record(obj.data.shape_keys):
            block = _block(obj, clip_name)
            block.data.foreach_set(
                "co", (neutral_vertices(obj.data) + local).astype(np.float32).ravel()
            )
            obj.data.update_tag()


def remove(objects: Iterable[bpy.types.Object]) -> None:
    """Take the passing key of some objects away."""
    for keys in {obj.data.shape_keys for obj in objects if _record(obj.data.shape_keys)}:
        _take_away(keys)


def remove_from_copy(obj: bpy.types.Object) -> None:
    """Take the passing key of a copied object away; whoever shows the original is not told."""
    if _record(obj.data.shape_keys):
        _remove(obj)


def remove_all() -> None:
    """Take away every passing key, whoever left it.

    Objects in Edit Mode only stop showing it: their keys are not to be touched now.
    """
    for keys in list(_shown()):
        _take_away(keys)


def times_taken_away() -> int:
    """Grows whenever a pose is taken away, so that whoever showed it can tell."""
    return _times_taken_away


def silence_all() -> None:
    """Play the clips again at once without freeing anything: safe while Blender is rendering."""
    global _times_taken_away
    for keys in _shown():
        _times_taken_away += 1
        _silence(keys)


def _take_away(keys: bpy.types.Key) -> None:
    global _times_taken_away
    _times_taken_away += 1
    owners = [o for o in bpy.data.objects if o.type == "MESH" and o.data.shape_keys == keys]
    if any(obj.mode == "EDIT" for obj in owners):
        _silence(keys)
    elif owners:
        _remove(owners[0])
    else:  # a mesh without an object: only objects can let go of a key
        passing = bpy.data.objects.new(NAME, keys.user)
        _remove(passing)
        bpy.data.objects.remove(passing)


def _shown() -> Iterator[bpy.types.Key]:
    return (keys for keys in bpy.data.shape_keys if RECORD in keys and not keys.library)


def _record(keys: bpy.types.Key | None) -> dict:
    return kept.mapping(keys.get(RECORD), "key", "muted") if keys else {}


def _clip_keys(obj: bpy.types.Object, clip_name: str) -> list[str]:
    return shape_keys.clips_of(obj).get(shape_keys.safe_clip_name(clip_name), [])


def _block(obj: bpy.types.Object, clip_name: str) -> bpy.types.ShapeKey:
    """The passing key of an object, shown alone; made where it is not there."""
    record = _record(obj.data.shape_keys)
    blocks = obj.data.shape_keys.key_blocks if obj.data.shape_keys else None
    if record and blocks.get(record["key"]) is not None:
        block = blocks[record["key"]]
        if block.value == 1.0 and not block.mute:
            return block
        _silence(obj.data.shape_keys)
    else:
        had_keys, active = obj.data.shape_keys is not None, obj.active_shape_key_index
        if not had_keys:
            obj.shape_key_add(name="Basis", from_mix=False)
        block = obj.shape_key_add(name=NAME, from_mix=False)
        block.relative_key = obj.data.shape_keys.reference_key
        block.slider_min, block.slider_max = 0.0, 1.0
        obj.active_shape_key_index = active
        record = {"key": block.name, "had_keys": had_keys}
    keys = obj.data.shape_keys
    names = [n for n in _clip_keys(obj, clip_name) if n in keys.key_blocks]
    muted = [n for n in names if not keys.key_blocks[n].mute]
    for name in muted:
        keys.key_blocks[name].mute = True
    keys[RECORD] = json.dumps({**record, "muted": muted})
    block.mute, block.value = False, 1.0
    return block


def _silence(keys: bpy.types.Key) -> None:
    """Hide the passing key, and let those play that were muted for it."""
    record = _record(keys)
    block = keys.key_blocks.get(record.get("key", ""))
    if block is not None:
        block.mute, block.value = True, 0.0
    for name in record.get("muted", []):
        if name in keys.key_blocks:
            keys.key_blocks[name].mute = False
    keys[RECORD] = json.dumps({**record, "muted": []})


def _remove(obj: bpy.types.Object) -> None:
    keys = obj.data.shape_keys
    _silence(keys)
    record = _record(keys)
    del keys[RECORD]
    block, active = keys.key_blocks.get(record.get("key", "")), obj.active_shape_key
    kept = active.name if active is not None and active != block else ""
    if block is not None:
        obj.shape_key_remove(block)
    if len(keys.key_blocks) == 1 and not record.get("had_keys", True):
        obj.shape_key_clear()
    elif kept:
        obj.active_shape_key_index = max(keys.key_blocks.find(kept), 0)
    obj.data.update_tag()
