"""The template's own head as a Blender object: skin, eyes, teeth and tongue, in real size."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.mesh import Mesh
from facegen_core.template import InnerPart, Template

from . import axes
from .sample_eyes import round_eye

FloatArray = NDArray[np.floating]

OBJECT_NAME = "Facegen Head"
# Linear base colours and roughness of the materials, in slot order.
MATERIALS: dict[str, tuple[tuple[float, float, float], float]] = {
    "Skin": ((0.72, 0.46, 0.34), 0.5),
    "Eye White": ((0.83, 0.80, 0.77), 0.15),
    "Iris": ((0.09, 0.16, 0.19), 0.15),
    "Pupil": ((0.005, 0.005, 0.005), 0.1),
    "Teeth": ((0.78, 0.72, 0.60), 0.25),
    "Gums": ((0.52, 0.20, 0.18), 0.4),
    "Tongue": ((0.48, 0.14, 0.13), 0.4),
}


def new_head(context: bpy.types.Context, template: Template) -> bpy.types.Object:
    """Add the template's head at the 3D cursor, standing on it, looking along -Y, selected."""
    head, materials = _head_with_eyes(template)
    scale = axes.units_per_mm(context.scene.unit_settings.scale_length)
    mesh = _new_mesh(head, axes.to_blender(_standing(head.vertices)) * scale)
    _assign_materials(mesh, materials)
    obj = bpy.data.objects.new(OBJECT_NAME, mesh)
    context.collection.objects.link(obj)
    obj.location = context.scene.cursor.location
    for other in context.selected_objects:
        other.select_set(False)
    obj.select_set(True)
    context.view_layer.objects.active = obj
    context.view_layer.update()
    return obj


def _head_with_eyes(template: Template) -> tuple[Mesh, NDArray[np.str_]]:
    """The template with round eyes, in mm, and the material of every triangle."""
    pieces = [(template.vertices, template.triangles, np.full(len(template.triangles), "Skin"))]
    for part in template.inner_parts:
        if part.name.startswith("eyeball"):
            pieces.append(round_eye(part))
        elif part.name.endswith("teeth"):
            pieces.append((part.vertices, part.triangles, _teeth_materials(part)))
        else:
            pieces.append((part.vertices, part.triangles, np.full(len(part.triangles), "Tongue")))
    firsts = np.cumsum([0, *(len(vertices) for vertices, _, _ in pieces)])
    triangles = [faces + first for (_, faces, _), first in zip(pieces, firsts, strict=False)]
    vertices = np.concatenate([vertices for vertices, _, _ in pieces])
    head = Mesh.from_triangles(vertices, np.concatenate(triangles))
    return head, np.concatenate([materials for _, _, materials in pieces])


def _teeth_materials(part: InnerPart) -> NDArray[np.str_]:
    """(Q,) material of every triangle of a jaw: its widest loose part are the gums."""
    labels = Mesh.from_triangles(part.vertices, part.triangles).loose_parts
    widths = [np.ptp(part.vertices[labels == label, 0]) for label in range(labels.max() + 1)]
    in_gums = labels[part.triangles[:, 0]] == np.argmax(widths)
    return np.where(in_gums, "Gums", "Teeth")


def _standing(vertices: FloatArray) -> FloatArray:
    """(M, 3) mm with the rim of the neck on the ground and the origin in its middle."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    rim = vertices[vertices[:, 1] <= low[1] + 0.02 * (high[1] - low[1])]
    return vertices - np.array([0.0, low[1], (rim[:, 2].min() + rim[:, 2].max()) / 2.0])


def _new_mesh(head: Mesh, vertices: FloatArray) -> bpy.types.Mesh:
    mesh = bpy.data.meshes.new(OBJECT_NAME)
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", vertices.astype(np.float32).ravel())
    mesh.loops.add(len(head.polygon_vertices))
    mesh.loops.foreach_set("vertex_index", head.polygon_vertices)
    mesh.polygons.add(head.num_polygons)
    mesh.polygons.foreach_set("loop_start", head.polygon_starts[:-1])
    mesh.polygons.foreach_set("use_smooth", np.ones(head.num_polygons, bool))
    mesh.update(calc_edges=True)
    return mesh


def _assign_materials(mesh: bpy.types.Mesh, materials: NDArray[np.str_]) -> None:
    slots = list(MATERIALS)
    for name in slots:
        mesh.materials.append(_material(name))
    indices = np.zeros(len(materials), np.int32)
    for slot, name in enumerate(slots):
        indices[materials == name] = slot
    mesh.polygons.foreach_set("material_index", indices)


def _material(name: str) -> bpy.types.Material:
    """The material of an earlier sample head if it is still there, else a new one."""
    full_name = f"Facegen {name}"
    material = bpy.data.materials.get(full_name)
    if material is not None and material.library is None:
        return material
    colour, roughness = MATERIALS[name]
    material = bpy.data.materials.new(full_name)
    material.diffuse_color = (*colour, 1.0)
    material.roughness = roughness
    material.use_nodes = True
    shader = material.node_tree.nodes.get("Principled BSDF")
    if shader is not None:
        shader.inputs["Base Color"].default_value = (*colour, 1.0)
        shader.inputs["Roughness"].default_value = roughness
    return material
