"""Reading the state of the scene; names, not objects, because an undo replaces those."""

from __future__ import annotations

import importlib
from types import ModuleType

import bpy
import numpy as np

HEAD = "Facegen Head"


def addon(name: str) -> ModuleType:
    return importlib.import_module(f"bl_ext.user_default.facegen.{name}")


def head() -> bpy.types.Object | None:
    return bpy.data.objects.get(HEAD)


def num_keys() -> int:
    """Shape keys of the head, with the Basis."""
    keys = head().data.shape_keys
    return len(keys.key_blocks) if keys else 0


def keyed_channels() -> list[str]:
    """Expressions of the head that have an F-curve."""
    curves = addon("scene.actions").fcurves_of(head()) or ()
    return sorted(curve.data_path.removeprefix("facegen.") for curve in curves)


def key_places(channel: str) -> list[tuple[float, float]]:
    """(frame, value) of the keys of an expression."""
    curve = addon("scene.actions").fcurves_of(head()).find(f"facegen.{channel}")
    return [tuple(point.co) for point in curve.keyframe_points]


def shown_vertices() -> np.ndarray:
    """(P, 3) of the head as the viewport shows it now."""
    evaluated = head().evaluated_get(bpy.context.evaluated_depsgraph_get())
    coordinates = np.empty(3 * len(evaluated.data.vertices), np.float32)
    evaluated.data.vertices.foreach_get("co", coordinates)
    return coordinates.reshape(-1, 3)
