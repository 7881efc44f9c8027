"""A painted vertex group as how much of the motion every vertex takes."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import FacegenError

from .mesh_bridge import Head

FloatArray = NDArray[np.floating]


def read_mask(head: Head, group_name: str, is_inverted: bool = False) -> FloatArray | None:
    """(M,) float32 in [0, 1] of the joined mesh, or None when no group is named.

    Objects without the group take 1. Raises FacegenError when no object of the head has it.
    """
    if not group_name:
        return None
    objects = head.objects()
    if not any(group_name in obj.vertex_groups for obj in objects):
        raise FacegenError(
            f"'{objects[0].name}' has no vertex group '{group_name}': choose another under "
            "Weaken by Vertex Group, or clear that field."
        )
    mask = np.ones(head.mesh.num_vertices, np.float32)
    for part, obj in zip(head.parts, objects, strict=True):
        group = obj.vertex_groups.get(group_name)
        if group is None:
            continue
        weights = group_weights(obj.data, group.index)
        mask[part.start : part.end] = part.joined_values(1.0 - weights if is_inverted else weights)
    return mask


def group_weights(mesh: bpy.types.Mesh, index: int) -> FloatArray:
    """(P,) weights of one vertex group; vertices that are not in it have 0."""
    weights = np.zeros(len(mesh.vertices), np.float32)
    for vertex in mesh.vertices:
        for element in vertex.groups:
            if element.group == index:
                weights[vertex.index] = element.weight
    return weights
