"""What an artist does to a mesh in Blender, done by Blender: modifiers evaluated on arrays.

Needs the bpy wheel; nothing stays behind in the file that bpy has open.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facegen_core.mesh import Mesh

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]


def decimated(mesh: Mesh, num_vertices: int) -> Mesh:
    """Edges collapsed until about so many vertices are left."""

    def set_up(modifier: Any) -> None:
        modifier.decimate_type = "COLLAPSE"
        modifier.ratio = num_vertices / mesh.num_vertices

    return _modified(mesh, "DECIMATE", set_up)


def subdivided(mesh: Mesh, levels: int = 1) -> Mesh:
    """Catmull–Clark, as the Subdivision Surface modifier does it."""

    def set_up(modifier: Any) -> None:
        modifier.levels = modifier.render_levels = levels

    return _modified(mesh, "SUBSURF", set_up)


def voxel_remeshed(mesh: Mesh, voxel_size: float) -> Mesh:
    """A new closed surface of quads of one size; openings of the mesh are closed first."""

    def set_up(modifier: Any) -> None:
        modifier.mode = "VOXEL"
        modifier.voxel_size = voxel_size

    return _modified(with_holes_filled(mesh), "REMESH", set_up)


def mirrored(mesh: Mesh, merge_distance: float) -> Mesh:
    """A half and its mirror image about x = 0, joined where they meet."""

    def set_up(modifier: Any) -> None:
        modifier.use_axis = (True, False, False)
        modifier.use_mirror_merge = modifier.use_clip = True
        modifier.merge_threshold = merge_distance

    return _modified(mesh, "MIRROR", set_up)


def with_holes_filled(mesh: Mesh) -> Mesh:
    """Every loop of boundary edges closed by one polygon, cut into triangles."""
    bmesh = _bmesh()
    edit = _as_bmesh(mesh)
    boundary = [edge for edge in edit.edges if edge.is_boundary]
    filled = bmesh.ops.holes_fill(edit, edges=boundary, sides=0)["faces"]
    bmesh.ops.triangulate(edit, faces=filled)
    result = _of_bmesh(edit)
    edit.free()
    return result


def suzanne() -> Mesh:
    """Blender's monkey: a face, though of no human."""
    edit = _bmesh().new()
    _bmesh().ops.create_monkey(edit)
    result = _of_bmesh(edit)
    edit.free()
    # Blender's Z up, facing -Y; ours is Y up, facing +Z.
    x, y, z = result.vertices.T
    return result.with_vertices(100.0 * np.stack([x, z, -y], axis=1))


def _modified(mesh: Mesh, kind: str, set_up: Callable[[Any], None]) -> Mesh:
    import bpy

    data = bpy.data.meshes.new("head")
    polygons = np.split(mesh.polygon_vertices, mesh.polygon_starts[1:-1])
    data.from_pydata(mesh.vertices.tolist(), [], [p.tolist() for p in polygons])
    head = bpy.data.objects.new("head", data)
    bpy.context.scene.collection.objects.link(head)
    try:
        set_up(head.modifiers.new("edit", kind))
        evaluated = head.evaluated_get(bpy.context.evaluated_depsgraph_get())
        result = _of_data(evaluated.to_mesh())
        evaluated.to_mesh_clear()
    finally:
        bpy.data.objects.remove(head)
        bpy.data.meshes.remove(data)
    return result


def _of_data(data: Any) -> Mesh:
    vertices = np.empty(3 * len(data.vertices), np.float32)
    data.vertices.foreach_get("co", vertices)
    corners = np.empty(len(data.loops), np.int32)
    data.loops.foreach_get("vertex_index", corners)
    starts = np.empty(len(data.polygons), np.int32)
    data.polygons.foreach_get("loop_start", starts)
    return Mesh(vertices.reshape(-1, 3), corners, np.append(starts, len(corners)))


def _bmesh() -> Any:
    """Blender's editing of meshes: it can be imported once bpy has been."""
    importlib.import_module("bpy")
    return importlib.import_module("bmesh")


def _as_bmesh(mesh: Mesh) -> Any:
    edit = _bmesh().new()
    vertices = [edit.verts.new(v) for v in mesh.vertices.tolist()]
    for polygon in np.split(mesh.polygon_vertices, mesh.polygon_starts[1:-1]):
        edit.faces.new([vertices[i] for i in polygon])
    return edit


def _of_bmesh(edit: Any) -> Mesh:
    edit.verts.index_update()
    vertices = np.array([v.co[:] for v in edit.verts])
    return Mesh.from_polygons(vertices, [[v.index for v in f.verts] for f in edit.faces])
