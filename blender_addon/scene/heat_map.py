"""The residual of a match as colours on the head, and everything back as it was afterwards.

The colours live in an attribute of the meshes, so undo and files carry them. How a viewport is
shaded belongs to the screen, which undo leaves alone: `sync_shading` therefore makes it follow
the scene, after every act, undo and load.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import FacegenError
from facegen_core.registration.alignment import FAIR_RESIDUAL_MM, GOOD_RESIDUAL_MM

from . import kept
from .mesh_bridge import Head

FloatArray = NDArray[np.floating]

ATTRIBUTE = "Facegen Residual"
# Millimetres and the colour (sRGB) they are shown in; the two in the middle bound the verdicts.
SCALE: tuple[tuple[float, tuple[float, float, float]], ...] = (
    (0.0, (0.16, 0.36, 0.80)),
    (GOOD_RESIDUAL_MM, (0.20, 0.68, 0.34)),
    (FAIR_RESIDUAL_MM, (0.96, 0.82, 0.20)),
    (5.0, (0.84, 0.15, 0.13)),
)
# Where there is no skin, so nothing to measure.
NO_SKIN = (0.42, 0.42, 0.42)
# Custom property of a screen: the shading of its 3D viewports from before the heat map.
_SHADING_BEFORE = "facegen_shading_before"


def colours(residuals: FloatArray) -> FloatArray:
    """(N, 4) sRGB of (N,) millimetres; NaN is grey."""
    marks = [mm for mm, _ in SCALE]
    channels = np.array([colour for _, colour in SCALE]).T
    known = np.nan_to_num(residuals)
    rgb = np.stack([np.interp(known, marks, channel) for channel in channels], axis=1)
    rgb[np.isnan(residuals)] = NO_SKIN
    return np.hstack([rgb, np.ones((len(rgb), 1))])


def show(head: Head, residuals: FloatArray) -> None:
    """Colour the objects of a head by (M,) millimetres; shown already, the colours are renewed.

    Raises FacegenError, before anything is changed, when an artist's attribute has the name.
    """
    objects = head.objects()
    for obj in objects:
        if not obj.facegen.heat_map and ATTRIBUTE in obj.data.attributes:
            raise FacegenError(
                f"'{obj.name}' has an attribute '{ATTRIBUTE}' that Facegen did not make: rename it."
            )
    for part, obj in zip(head.parts, objects, strict=True):
        attributes = obj.data.attributes
        if not obj.facegen.heat_map:
            obj.facegen.heat_map = json.dumps(
                {"active": attributes.active_color_name, "render": attributes.default_color_name}
            )
        _paint(obj.data, colours(part.own_values(residuals)))


def hide(objects: Sequence[bpy.types.Object]) -> None:
    """Take the colours off and make the former colour attributes active again."""
    for obj in objects:
        if not obj.facegen.heat_map:
            continue
        before = kept.mapping(obj.facegen.heat_map)
        obj.facegen.heat_map = ""
        attribute = obj.data.color_attributes.get(ATTRIBUTE)
        if attribute is not None:
            obj.data.color_attributes.remove(attribute)
        _activate(obj.data, before.get("active", ""), before.get("render", ""))


def is_shown(target: bpy.types.Object) -> bool:
    return bool(target.facegen.heat_map)


@contextmanager
def taken_off(objects: Sequence[bpy.types.Object]) -> Iterator[None]:
    """Without the colours while a file is written; they are no part of the artist's head."""
    kept = []
    for obj in objects:
        attribute = obj.data.color_attributes.get(ATTRIBUTE) if obj.facegen.heat_map else None
        if attribute is not None:
            values = np.empty(4 * len(attribute.data), np.float32)
            attribute.data.foreach_get("color_srgb", values)
            kept.append((obj, obj.facegen.heat_map, values.reshape(-1, 4)))
    hide([obj for obj, _, _ in kept])
    try:
        yield
    finally:
        for obj, before, values in kept:
            obj.facegen.heat_map = before
            _paint(obj.data, values)


def sync_shading(context: bpy.types.Context) -> None:
    """Let the 3D viewports show vertex colours while a heat map is on, else what they had."""
    is_on = any(obj.facegen.heat_map for obj in context.scene.objects)
    for window in context.window_manager.windows:
        screen = window.screen
        if is_on and _SHADING_BEFORE not in screen:
            _shade_by_vertex(screen)
        elif not is_on and _SHADING_BEFORE in screen:
            _shade_as_before(screen)


def _paint(mesh: bpy.types.Mesh, values: FloatArray) -> None:
    """Fill and activate our attribute with (P, 4) sRGB."""
    attribute = mesh.color_attributes.get(ATTRIBUTE)
    if attribute is None:
        render = mesh.attributes.default_color_name
        attribute = mesh.color_attributes.new(ATTRIBUTE, "BYTE_COLOR", "POINT")
        mesh.attributes.default_color_name = render
    attribute.data.foreach_set("color_srgb", np.ascontiguousarray(values, np.float32).ravel())
    mesh.attributes.active_color_name = ATTRIBUTE
    mesh.update()


def _activate(mesh: bpy.types.Mesh, active: str, render: str) -> None:
    """Make colour attributes active by name; one that is gone by now leaves Blender's choice."""
    for attribute, name in (("active_color_name", active), ("default_color_name", render)):
        if not name or name in mesh.color_attributes:
            setattr(mesh.attributes, attribute, name)
    mesh.update()


def _shade_by_vertex(screen: bpy.types.Screen) -> None:
    before = {}
    for number, area in enumerate(screen.areas):
        if area.type == "VIEW_3D":
            shading = area.spaces.active.shading
            kind = shading.type
            shading.type = "SOLID"  # the colour type belongs to the solid shading
            before[str(number)] = [kind, shading.color_type]
            shading.color_type = "VERTEX"
    screen[_SHADING_BEFORE] = json.dumps(before)


def _shade_as_before(screen: bpy.types.Screen) -> None:
    """Put shading back, except where the artist has chosen another in the meantime."""
    before = kept.mapping(screen[_SHADING_BEFORE])
    del screen[_SHADING_BEFORE]
    for number, area in enumerate(screen.areas):
        if area.type != "VIEW_3D" or str(number) not in before:
            continue
        shading = area.spaces.active.shading
        if (shading.type, shading.color_type) == ("SOLID", "VERTEX"):
            shading.color_type = before[str(number)][1]
            shading.type = before[str(number)][0]
