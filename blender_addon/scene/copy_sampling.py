"""What an artist sees of a head, frame by frame: weights of its keys, places, and vertices.

Seen on doubles in a scene aside, so that stepping through the frames touches nothing: Blender
writes what it evaluates back to what it evaluates. Whatever moves a key (curves, drivers, NLA
strips, absolute keys) has become a plain weight here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import FacegenError

from . import live_key

FloatArray = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Track:
    """An object over T frames.

    double: the copy it was seen on; lives as long as the scene aside. key_names: K names, without
    Basis. weights: (T, K). places: (T, 4, 4) world matrices. seen: (N, P, 3) world positions at
    the N rows asked for, with modifiers but without those of an armature.
    """

    name: str
    double: bpy.types.Object
    key_names: tuple[str, ...]
    weights: FloatArray
    places: FloatArray
    seen: FloatArray


def sample(
    scene: bpy.types.Scene,
    objects: Sequence[bpy.types.Object],
    frames: Sequence[int],
    seen_rows: Sequence[int],
    has_modifiers: bool = True,
) -> list[Track]:
    """Watch the objects over the frames. Raises FacegenError for a weight that is no number.

    has_modifiers: whether the vertices seen are those under the modifiers.
    """
    doubles = [_double(scene, obj, has_modifiers) for obj in objects]
    probes = [_absolute_probe(scene, double) for double in doubles]
    weights = [np.zeros((len(frames), len(_keys(double)))) for double in doubles]
    places = [np.empty((len(frames), 4, 4)) for _ in doubles]
    seen: list[list[FloatArray]] = [[] for _ in doubles]
    layer = scene.view_layers[0]
    for row, frame in enumerate(frames):
        scene.frame_set(frame)
        layer.update()
        for k, (double, probe) in enumerate(zip(doubles, probes, strict=True)):
            weights[k][row] = _weights(double, probe, layer.depsgraph)
            evaluated = double.evaluated_get(layer.depsgraph)
            places[k][row] = np.array(evaluated.matrix_world, np.float64)
            if row in seen_rows:
                seen[k].append(_world_positions(evaluated))
    for probe in filter(None, probes):
        bpy.data.objects.remove(probe)
    tracks = []
    for obj, double, w, m, s in zip(objects, doubles, weights, places, seen, strict=True):
        names = tuple(block.name for block in _keys(double))
        _check_weights(obj.name, names, w, frames)
        tracks.append(Track(obj.name, double, names, w, m, np.stack(s)))
    return tracks


def live_modifiers(obj: bpy.types.Object) -> list[bpy.types.Modifier]:
    """The modifiers that change the mesh one sees, without those that follow an armature."""
    return [m for m in obj.modifiers if m.show_viewport and m.type != "ARMATURE"]


def _keys(obj: bpy.types.Object) -> list[bpy.types.ShapeKey]:
    shape_keys = obj.data.shape_keys
    if shape_keys is None:
        return []
    reference = shape_keys.reference_key
    return [block for block in shape_keys.key_blocks if block != reference]


def _double(scene: bpy.types.Scene, obj: bpy.types.Object, has_modifiers: bool) -> bpy.types.Object:
    """The object again, with a mesh and keys of its own; whatever drives them drives these too."""
    double = obj.copy()
    double.data = obj.data.copy()
    scene.collection.objects.link(double)
    double.show_only_shape_key = double.hide_viewport = double.hide_render = False
    for modifier in list(double.modifiers):
        if not has_modifiers or modifier.type == "ARMATURE" or not modifier.show_viewport:
            double.modifiers.remove(modifier)
        elif modifier.type == "TRIANGULATE":
            # Else every key, and every frame, would choose diagonals of its own.
            modifier.quad_method, modifier.ngon_method = "FIXED", "CLIP"
    live_key.remove_from_copy(double)  # a pose that is tried out is no part of a clip
    shape_keys = double.data.shape_keys
    if shape_keys and live_key.NAME in shape_keys.key_blocks:
        double.shape_key_remove(shape_keys.key_blocks[live_key.NAME])
    return double


def _weights(
    double: bpy.types.Object,
    probe: bpy.types.Object | None,
    depsgraph: bpy.types.Depsgraph,
) -> FloatArray:
    """(K,) weights as evaluated; a muted key has none."""
    blocks = _keys(double)
    if not blocks:
        return np.zeros(0)
    if probe is not None:
        local = _local_positions(probe.evaluated_get(depsgraph))
        return local[1 : len(blocks) + 1, 0]
    evaluated = double.data.shape_keys.evaluated_get(depsgraph).key_blocks
    return np.array([0.0 if b.mute else evaluated[b.name].value for b in blocks])


def _absolute_probe(scene: bpy.types.Scene, double: bpy.types.Object) -> bpy.types.Object | None:
    """For absolute keys: an object whose vertex k is moved by key k alone, by its weight along X.

    Blender blends up to four absolute keys by their interpolation; this reads the shares.
    """
    shape_keys = double.data.shape_keys
    if shape_keys is None or shape_keys.use_relative:
        return None
    count = len(double.data.vertices)
    if count < len(shape_keys.key_blocks):
        raise FacegenError(
            f"'{double.name}' has more absolute shape keys than vertices: make them relative."
        )
    probe = double.copy()
    probe.data = double.data.copy()
    probe.modifiers.clear()
    scene.collection.objects.link(probe)
    for k, block in enumerate(probe.data.shape_keys.key_blocks):
        places = np.zeros((count, 3), np.float32)
        places[k, 0] = 1.0
        block.data.foreach_set("co", places.ravel())
    return probe


def _local_positions(evaluated: bpy.types.Object) -> FloatArray:
    local = np.empty(3 * len(evaluated.data.vertices), np.float32)
    evaluated.data.vertices.foreach_get("co", local)
    return local.reshape(-1, 3).astype(np.float64)


def _world_positions(evaluated: bpy.types.Object) -> FloatArray:
    matrix = np.array(evaluated.matrix_world, np.float64)
    return _local_positions(evaluated) @ matrix[:3, :3].T + matrix[:3, 3]


def _check_weights(
    name: str, key_names: Sequence[str], weights: FloatArray, frames: Sequence[int]
) -> None:
    rows, columns = np.nonzero(~np.isfinite(weights))
    if len(rows):
        raise FacegenError(
            f"The value of '{key_names[columns[0]]}' of '{name}' is not a finite number at frame "
            f"{frames[rows[0]]}: repair its curve or driver first."
        )
