"""Labels for pictures, drawn with Blender's own font as text objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from .picture_render import new_camera, new_scene, remove_scene, render


@dataclass(frozen=True)
class Label:
    """Text whose baseline starts at (left, baseline) pixels from the upper left; sRGB colour."""

    text: str
    left: float
    baseline: float
    height: float
    colour: tuple[float, float, float]


def draw_labels(
    labels: Sequence[Label], columns: int, rows: int, folder: Path
) -> NDArray[np.floating]:
    """(rows, columns, 4) the labels on nothing, sRGB with straight alpha."""
    scene = new_scene("Facegen labels", (columns, rows))
    try:
        scene.display.shading.light = "FLAT"
        scene.display.shading.color_type = "OBJECT"
        scene.display.render_aa = "8"
        camera = new_camera(scene)
        camera.data.type = "ORTHO"
        camera.data.ortho_scale = max(columns, rows)
        camera.data.clip_end = 10.0
        camera.location = (columns / 2, -rows / 2, 5.0)
        for label in labels:
            scene.collection.objects.link(_text_object(label))
        return render(scene, folder)
    finally:
        remove_scene(scene)


def _text_object(label: Label) -> bpy.types.Object:
    curve = bpy.data.curves.new("Facegen label", "FONT")
    curve.body = label.text
    curve.size = label.height
    text = bpy.data.objects.new("Facegen label", curve)
    text.location = (label.left, -label.baseline, 0.0)
    linear = np.power(label.colour, 2.2)  # object colours are linear, labels are given in sRGB
    text.color = (*linear, 1.0)
    return text
