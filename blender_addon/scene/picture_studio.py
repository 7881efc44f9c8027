"""The studio for pictures: the head in template millimetres, painted, lit, in front of a camera."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import bpy
import numpy as np
from mathutils import Vector
from numpy.typing import NDArray

from facegen_core.registration.alignment import Alignment, Part

from .head_paint import (
    TINTS,
    FacePaint,
    eye_coordinates,
    paint_eye,
    paint_face,
    tint_of,
)
from .picture_render import new_camera, new_scene, remove_scene, render

FloatArray = NDArray[np.floating]

# One Blender unit is a decimetre: Workbench's cavity and shadows suit objects of a few units.
_UNITS_PER_MM = 0.01
# The camera: a portrait lens, aimed a little below the eyes; millimetres.
_LENS_MM, _DISTANCE_MM = 85.0, 1150.0
_FRAME_HEIGHT_MM, _AIM_BELOW_EYES_MM, _AIM_BEHIND_EYES_MM = 276.0, 12.0, 52.0
_CAMERA_RISE_MM = 25.0
# Geometry farther from the face than this is left out: hands of a body never enter the picture.
_REACH_MM = 420.0
# The frontal paint belongs to what lies less than this behind the eyes (in front of the ears).
_PAINT_DEPTH_MM = 45.0
_MOUTH_BAG = 0.5
# So many parts are single teeth; what is wider than three of them in a row is gums.
_SINGLE_TEETH, _ARCH_MM = 8, 30.0
# Left out of a picture of a face where they would hide it.
_COVERS = ("hair", "clothes")


class Studio:
    """``with Studio(alignment, (columns, rows), folder) as s: s.pose(vertices); s.shoot(yaw)``."""

    def __init__(self, alignment: Alignment, size: tuple[int, int], folder: Path) -> None:
        self._alignment = alignment
        self._size = size
        self._folder = folder
        landmarks = alignment.fit.landmarks
        self._eyes = landmarks[[36, 39, 42, 45]].mean(axis=0)

    def __enter__(self) -> Studio:
        columns, rows = self._size
        self._scene = new_scene("Facegen picture", (2 * columns, 2 * rows))
        self._images: list[bpy.types.Image] = []
        self._materials: list[bpy.types.Material] = []
        _light(self._scene)
        self._camera = new_camera(self._scene)
        self._camera.data.lens = _LENS_MM
        self._camera.data.sensor_fit = "VERTICAL"
        self._camera.data.sensor_height = _LENS_MM * _FRAME_HEIGHT_MM / _DISTANCE_MM
        self._mesh = self._build_head()
        head = bpy.data.objects.new("Facegen picture", self._mesh)
        self._scene.collection.objects.link(head)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        remove_scene(self._scene)
        bpy.data.batch_remove([*self._materials, *self._images])

    def pose(self, vertices: FloatArray) -> None:
        """Move the head to (M, 3) vertices in the target's own coordinates."""
        points = _to_scene(self._alignment.fit.similarity.apply(vertices) - self._eyes)
        self._mesh.vertices.foreach_set("co", points.astype(np.float32).ravel())
        self._mesh.update()

    def shoot(self, yaw_degrees: float) -> FloatArray:
        """(rows, columns, 4) the head from the front, or turned about its vertical axis."""
        aim = _to_scene(np.array([0.0, -_AIM_BELOW_EYES_MM, -_AIM_BEHIND_EYES_MM]))
        yaw = math.radians(yaw_degrees)
        away = np.array(
            [_DISTANCE_MM * math.sin(yaw), _CAMERA_RISE_MM, _DISTANCE_MM * math.cos(yaw)]
        )
        position = aim + _to_scene(away)
        self._camera.location = position
        self._camera.rotation_euler = Vector(aim - position).to_track_quat("-Z", "Y").to_euler()
        return _halved(render(self._scene, self._folder))

    def _build_head(self) -> bpy.types.Mesh:
        target = self._alignment.target
        rest = self._alignment.fit.similarity.apply(target.vertices) - self._eyes
        paint = paint_face(self._alignment.fit.landmarks - self._eyes)
        tints, coordinates = self._paint_parts(rest, paint)
        slots = self._polygon_slots(tints, rest, coordinates)
        kept = slots >= 0
        sizes = np.diff(target.polygon_starts)
        corners = target.polygon_vertices[np.repeat(kept, sizes)]
        starts = np.concatenate([[0], np.cumsum(sizes[kept])[:-1]]).astype(np.int32)

        mesh = bpy.data.meshes.new("Facegen picture")
        mesh.vertices.add(len(rest))
        mesh.vertices.foreach_set("co", _to_scene(rest).astype(np.float32).ravel())
        mesh.loops.add(len(corners))
        mesh.loops.foreach_set("vertex_index", corners)
        mesh.polygons.add(int(kept.sum()))
        mesh.polygons.foreach_set("loop_start", starts)
        mesh.polygons.foreach_set("use_smooth", np.ones(int(kept.sum()), bool))
        mesh.polygons.foreach_set("material_index", slots[kept].astype(np.int32))
        for material in self._make_materials(paint):
            mesh.materials.append(material)
        mesh.uv_layers.new(name="paint").data.foreach_set(
            "uv", coordinates[corners].astype(np.float32).ravel()
        )
        mesh.update(calc_edges=True)
        return mesh

    def _paint_parts(self, rest: FloatArray, paint: FacePaint) -> tuple[NDArray, FloatArray]:
        """(M,) slot of each vertex (-1 hidden) and (M, 2) texture coordinates in its paint."""
        slots = np.full(len(rest), _SLOTS.index("skin"))
        coordinates = paint.coordinates(rest)
        covering = self._covering_tints(rest)
        gums = _gums(self._alignment.parts, rest)
        for part in self._alignment.parts:
            tint, indices = tint_of(part.kind), part.vertex_indices
            tint = None if tint in covering else tint
            tint = "gums" if part.index in gums else tint
            slots[indices] = _SLOTS.index(tint) if tint else -1
            if tint == "eyeball":
                coordinates[indices] = eye_coordinates(rest[indices])
        bag = self._alignment.region_weights.get("mouth_bag")
        if bag is not None:
            slots[(bag > _MOUTH_BAG) & (slots == _SLOTS.index("skin"))] = _SLOTS.index("mouth")
        return slots, coordinates

    def _covering_tints(self, rest: FloatArray) -> set[str]:
        """Hair or clothes, where a polygon of theirs hangs in front of eyes, nose or mouth."""
        target, inner = self._alignment.target, self._alignment.fit.landmarks[36:68] - self._eyes
        corners, starts = rest[target.polygon_vertices], target.polygon_starts[:-1]
        low = np.minimum.reduceat(corners, starts)
        high = np.maximum.reduceat(corners, starts)
        overlaps = (low < inner.max(axis=0))[:, :2].all(axis=1)
        overlaps &= (high > inner.min(axis=0)).all(axis=1)
        first_vertices = target.polygon_vertices[starts][overlaps]
        kinds = {
            part.kind
            for part in self._alignment.parts
            if tint_of(part.kind) in _COVERS and np.isin(first_vertices, part.vertex_indices).any()
        }
        return {tint_of(kind) for kind in kinds}

    def _polygon_slots(
        self, vertex_slots: NDArray, rest: FloatArray, coordinates: FloatArray
    ) -> NDArray:
        """(G,) the slot of every polygon, -1 for those left out of the picture."""
        target = self._alignment.target
        skin, face = _SLOTS.index("skin"), _SLOTS.index("face")
        painted = (coordinates > 0).all(axis=1) & (coordinates < 1).all(axis=1)
        in_front = painted & (rest[:, 2] > -_PAINT_DEPTH_MM)
        near = np.linalg.norm(rest, axis=1) < _REACH_MM
        starts = target.polygon_starts[:-1]
        slots = np.minimum.reduceat(vertex_slots[target.polygon_vertices], starts)
        whole_face = np.logical_and.reduceat(in_front[target.polygon_vertices], starts)
        slots = np.where((slots == skin) & whole_face, face, slots)
        all_near = np.logical_and.reduceat(near[target.polygon_vertices], starts)
        return np.where(all_near, slots, -1)

    def _make_materials(self, paint: FacePaint) -> list[bpy.types.Material]:
        pictures = {"face": paint.pixels, "eyeball": paint_eye()}
        for name in _SLOTS:
            material = bpy.data.materials.new(f"Facegen picture {name}")
            self._materials.append(material)
            tint = np.power(TINTS["skin" if name == "face" else name], 2.2)
            material.diffuse_color = (*tint, 1.0)
            material.roughness = 0.25 if name in ("eyeball", "teeth", "tongue") else 0.55
            if name in pictures:
                self._add_texture(material, pictures[name])
        return self._materials

    def _add_texture(self, material: bpy.types.Material, pixels: FloatArray) -> None:
        rows, columns, _ = pixels.shape
        image = bpy.data.images.new(material.name, columns, rows)
        self._images.append(image)
        opaque = np.concatenate([pixels, np.ones((rows, columns, 1))], axis=-1)
        image.pixels.foreach_set(opaque.astype(np.float32).ravel())
        image.update()
        if bpy.app.version < (5, 0, 0):
            material.use_nodes = True
        node = material.node_tree.nodes.new("ShaderNodeTexImage")
        node.image = image
        material.node_tree.nodes.active = node


_SLOTS = ("face", *TINTS)


def _gums(parts: Sequence[Part], rest: FloatArray) -> set[int]:
    """Parts taken for teeth that span the arch of many single ones: they hold them."""
    found = set()
    for kind in ("upper_teeth", "lower_teeth"):
        jaw = [part for part in parts if part.kind == kind]
        widths = [float(np.ptp(rest[part.vertex_indices, 0])) for part in jaw]
        if len(jaw) >= _SINGLE_TEETH:
            found |= {p.index for p, width in zip(jaw, widths, strict=True) if width > _ARCH_MM}
    return found


def _light(scene: bpy.types.Scene) -> None:
    """Soft studio light with enough cavity shading to show lids, lips and folds."""
    shading = scene.display.shading
    shading.light = "STUDIO"
    shading.color_type = "TEXTURE"
    shading.show_specular_highlight = True
    shading.show_cavity = True
    shading.cavity_type = "BOTH"
    shading.curvature_ridge_factor, shading.curvature_valley_factor = 1.0, 1.8
    shading.cavity_ridge_factor, shading.cavity_valley_factor = 0.4, 1.1
    shading.show_shadows = True
    shading.shadow_intensity = 0.18
    scene.view_settings.exposure = 0.3  # stops
    scene.display.light_direction = (-0.45, 0.45, 0.77)
    scene.display.matcap_ssao_distance = 0.1
    scene.display.render_aa = "FXAA"  # with the halving as smooth as 8 samples, in half the time


def _halved(pixels: FloatArray) -> FloatArray:
    """Every 2 by 2 pixels of (2 rows, 2 columns, 4) as one; colours count as much as they cover."""
    covering = np.concatenate([pixels[..., :3] * pixels[..., 3:], pixels[..., 3:]], axis=-1)
    rows, columns = pixels.shape[0] // 2, pixels.shape[1] // 2
    mean = covering.reshape(rows, 2, columns, 2, 4).mean(axis=(1, 3))
    mean[..., :3] /= np.maximum(mean[..., 3:], 1e-6)
    return mean


def _to_scene(points: FloatArray) -> FloatArray:
    """Template mm (Y up, face +Z) to scene units (Z up, face -Y)."""
    x, y, z = np.moveaxis(np.asarray(points, np.float64), -1, 0)
    return np.stack([x, -z, y], axis=-1) * _UNITS_PER_MM
