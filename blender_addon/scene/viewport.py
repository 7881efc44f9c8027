"""The head as the viewport shows it at a frame."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from . import axes
from .mesh_bridge import Head

FloatArray = NDArray[np.floating]


def vertices_at(head: Head, frame: float) -> FloatArray:
    """(M, 3) vertices of the head at a scene frame, in the coordinates of `head.mesh`.

    Shape keys are evaluated by Blender; modifiers but Mirror are left out, as when a head is read.
    Leaves the scene at that frame.
    """
    scene = bpy.context.scene
    scene.frame_set(int(np.floor(frame)), subframe=float(frame % 1.0))
    depsgraph = bpy.context.evaluated_depsgraph_get()
    placed = []
    for obj, part in zip(head.objects(), head.parts, strict=True):
        evaluated = obj.evaluated_get(depsgraph)
        mixed = _mixed_keys(obj.data, evaluated.data.shape_keys or obj.data.shape_keys)
        mixed = part.joined_vertices(mixed)
        matrix = np.array(evaluated.matrix_world, np.float64)
        placed.append(mixed @ matrix[:3, :3].T + matrix[:3, 3])
    return axes.to_core(np.concatenate(placed))


def _mixed_keys(mesh: bpy.types.Mesh, keys: bpy.types.Key | None) -> FloatArray:
    """(P, 3) Basis plus every unmuted relative key at its current value."""
    if keys is None:
        return _positions(mesh.vertices)
    mixed = _positions(keys.reference_key.data)
    for block in keys.key_blocks[1:]:
        if not block.mute and block.value != 0.0:
            mixed = mixed + block.value * (
                _positions(block.data) - _positions(block.relative_key.data)
            )
    return mixed


def _positions(points: bpy.types.bpy_prop_collection) -> FloatArray:
    coordinates = np.empty(3 * len(points), np.float32)
    points.foreach_get("co", coordinates)
    return coordinates.reshape(-1, 3).astype(np.float64)
