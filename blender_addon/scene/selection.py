"""Selecting vertices of a head, and objects, as a click would."""

from __future__ import annotations

import bmesh
import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import FacegenError

from .mesh_bridge import Head


def edit_vertices(context: bpy.types.Context, head: Head, joined: NDArray[np.integer]) -> None:
    """Enter Edit Mode with just these vertices of the joined mesh selected.

    Raises FacegenError when an object of them is hidden.
    """
    objects = head.objects()
    chosen = []
    for part, obj in zip(head.parts, objects, strict=True):
        own = part.own_vertices(joined)
        if len(own) == 0:
            continue
        if obj.name not in context.view_layer.objects or not obj.visible_get():
            raise FacegenError(f"'{obj.name}' is hidden: show it first.")
        chosen.append((obj, own))
    if not chosen:
        raise FacegenError("This part has no vertices any more: Match again.")
    select_objects(context, [obj for obj, _ in chosen])
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_mode(type="VERT")
    bpy.ops.mesh.select_all(action="DESELECT")
    for obj, own in chosen:
        _select_vertices(obj.data, own)


def select_objects(context: bpy.types.Context, objects: list[bpy.types.Object]) -> None:
    """Select these objects only, the first being active."""
    for obj in context.view_layer.objects:
        obj.select_set(obj in objects)
    context.view_layer.objects.active = objects[0]


def _select_vertices(mesh: bpy.types.Mesh, vertices: NDArray[np.integer]) -> None:
    """Select vertices, and the edges and faces between them, of a mesh in Edit Mode."""
    edited = bmesh.from_edit_mesh(mesh)
    edited.verts.ensure_lookup_table()
    for index in vertices:
        edited.verts[index].select_set(True)
    edited.select_flush_mode()
    bmesh.update_edit_mesh(mesh, loop_triangles=False, destructive=False)
