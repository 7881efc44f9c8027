"""Curves that Facegen wrote on shape keys that are not only its own, and nothing else is touched.

Which they are is kept on the Key data-block, with what they looked like: a curve that was edited
since is the artist's from then on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import bpy
import numpy as np

from . import actions, kept

# JSON {clip: {key: [digest of the curve, value of the key before]}} on a Key data-block.
CURVES = "facegen_curves"
_ENTRIES = ([str, float], [str, int])


def value_path(name: str) -> str:
    """Where the value of a key lives on its Key data-block, as F-curves name it."""
    return f'key_blocks["{bpy.utils.escape_identifier(name)}"].value'


def written(obj: bpy.types.Object, clip: str) -> dict[str, tuple[str, float]]:
    """{key: (digest of its curve, its value before)} that a clip wrote on an object's keys."""
    shape_keys = obj.data.shape_keys
    return dict(on(shape_keys).get(clip, {})) if shape_keys else {}


def on(shape_keys: bpy.types.Key) -> dict[str, dict[str, tuple[str, float]]]:
    """{clip: {key: (digest, value before)}} of a Key; what is not of this form is left out."""
    return {
        clip: {
            name: (entry[0], entry[1])
            for name, entry in curves.items()
            if isinstance(entry, list) and [type(item) for item in entry] in _ENTRIES
        }
        for clip, curves in kept.mapping(shape_keys.get(CURVES)).items()
        if isinstance(curves, dict)
    }


def clips_of(obj: bpy.types.Object) -> list[str]:
    """Clips that wrote curves on keys of an object."""
    shape_keys = obj.data.shape_keys
    return list(on(shape_keys)) if shape_keys else []


def artist_curves(obj: bpy.types.Object) -> set[str]:
    """Paths of curves on an object's keys that are not Facegen's, or were edited since."""
    own = {
        value_path(name): digest
        for clip in clips_of(obj)
        for name, (digest, _) in written(obj, clip).items()
    }
    curves = actions.fcurves_of(obj.data.shape_keys) if obj.data.shape_keys else None
    return {c.data_path for c in curves or () if own.get(c.data_path) != digest_of(c)}


def remove_curves(obj: bpy.types.Object, clip: str) -> int:
    """Remove what a clip wrote on keys that stay, and give them their values back.

    Curves that were edited since stay. Returns how many went.
    """
    shape_keys, known = obj.data.shape_keys, written(obj, clip)
    if not known:
        return 0
    curves = {c.data_path: c for c in actions.fcurves_of(shape_keys) or ()}
    going = []
    for name, (digest, value) in known.items():
        curve, block = curves.get(value_path(name)), shape_keys.key_blocks.get(name)
        if curve is not None and digest_of(curve) == digest:
            going.append(value_path(name))
            if block is not None:
                block.value = value
    actions.remove_fcurves(shape_keys, set(going))
    record(shape_keys, clip, {})
    return len(going)


def record(shape_keys: bpy.types.Key, clip: str, curves: Mapping[str, tuple[str, float]]) -> None:
    """Note which curves a clip wrote; {} forgets the clip."""
    known = on(shape_keys)
    known.pop(clip, None)
    if curves:
        known[clip] = dict(curves)
    shape_keys[CURVES] = json.dumps(known)


def forget(shape_keys: bpy.types.Key, name: str, value: float) -> float:
    """No clip has written a curve on this key any more; its value before the first that had.

    value: what it is where none had.
    """
    known = on(shape_keys)
    for curves in known.values():
        _, value = curves.pop(name, (None, value))
    shape_keys[CURVES] = json.dumps({clip: curves for clip, curves in known.items() if curves})
    return value


def digest_of(curve: bpy.types.FCurve) -> str:
    """A hash of the keys of a curve: frames and values."""
    points = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get("co", points)
    return hashlib.sha256(points.tobytes()).hexdigest()[:16]
