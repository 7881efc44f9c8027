"""Figures of a head for a report: how much of what there is, never where a vertex lies."""

from __future__ import annotations

from collections.abc import Iterable

import bpy
import numpy as np

from facegen_core.numeric import counted

from . import state


def rows(target: bpy.types.Object) -> list[tuple[str, str]]:
    """(label, value) of a head and of each of its objects; names of objects are left out."""
    settings = target.facegen
    found = [("Head", _match_of(settings))]
    if settings.num_keys >= 0:
        found.append(
            (
                "Clip",
                f"{counted(settings.num_keys, 'key')}, {settings.bake_mode}, {settings.made_by}",
            )
        )
    for number, obj in enumerate(state.matched_objects(target) or [target], start=1):
        label = f"Object {number}"
        found.append((label, _mesh_of(obj)))
        found.append((label, _transform_of(obj)))
        found.append((label, _on_top_of(obj)))
    return found


def _match_of(settings: bpy.types.PropertyGroup) -> str:
    if not settings.is_matched:
        return "not matched"
    return (
        f"matched, {settings.verdict}, {settings.residual_mean_mm:.2f} mm mean and "
        f"{settings.residual_p95_mm:.2f} mm at 95 %, {counted(len(settings.found_parts), 'part')}"
    )


def _mesh_of(obj: bpy.types.Object) -> str:
    if obj.type != "MESH":
        return f"a {obj.type.lower()}"
    mesh = obj.data
    corners = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_total", corners)
    sizes = {int(n): int((corners == n).sum()) for n in np.unique(corners)}
    counts = ", ".join(f"{count} of {size} corners" for size, count in sizes.items())
    return (
        f"{counted(len(mesh.vertices), 'vertex', 'vertices')}, {counted(len(mesh.edges), 'edge')}, "
        f"{counted(len(mesh.polygons), 'polygon')} "
        f"({counts or 'none'})"
    )


def _transform_of(obj: bpy.types.Object) -> str:
    world = obj.matrix_world
    return (
        f"size {_numbers(obj.dimensions)}, location {_numbers(world.translation)}, rotation "
        f"{_numbers(world.to_euler())}, scale {_numbers(world.to_scale())}, "
        f"{'mirrored, ' if world.determinant() < 0 else ''}{'child' if obj.parent else 'no parent'}"
    )


def _on_top_of(obj: bpy.types.Object) -> str:
    keys = getattr(obj.data, "shape_keys", None)
    num_keys = len(keys.key_blocks) if keys else 0
    modifiers = ", ".join(modifier.type for modifier in obj.modifiers) or "none"
    return f"{counted(num_keys, 'shape key')}, modifiers: {modifiers}"


def _numbers(values: Iterable[float]) -> str:
    return "(" + ", ".join(f"{value:.4g}" for value in values) + ")"
