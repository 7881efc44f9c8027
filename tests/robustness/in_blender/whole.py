"""All that Blender keeps of a scene, as values to compare: every property of every data-block.

Saved bytes will not do: they hold addresses, and two files saved from one scene differ in them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np

# What belongs to the window, or is worked out anew whenever somebody looks.
NOT_KEPT = (bpy.types.WindowManager, bpy.types.Screen, bpy.types.WorkSpace, bpy.types.Library)
DERIVED = {
    "rna_type",
    "depsgraph",
    "is_updated",
    "is_updated_data",
    "is_evaluated",
    "original",
    "session_uid",
    "is_missing",
    "bl_rna",
    "users",
    "preview",
    "loop_triangles",
    "loop_triangle_polygons",
    "corner_normals",
    "polygon_normals",
    "vertex_normals",
    "id_data",
    "children_recursive",
    "users_collection",
    "users_scene",
    "view_center",
    "attributes",
    "color_attributes",
    # Of the viewport and of colour management, which nobody here touches; some warn when asked.
    "display",
    "colorspace_settings",
    "linear_colorspace_settings",
    "display_settings",
    "view_settings",
    "sequencer_colorspace_settings",
    "image_settings",
    "shading",
    "node_tree",
}
# Arrays are read at once: {type of the items: (property, values an item)}.
ARRAYS: dict[str, tuple[tuple[str, int, type], ...]] = {
    "MeshVertex": (("co", 3, np.float32), ("hide", 1, bool), ("select", 1, bool)),
    "MeshEdge": (("vertices", 2, np.int32),),
    "MeshLoop": (("vertex_index", 1, np.int32),),
    "MeshPolygon": (("loop_start", 1, np.int32), ("material_index", 1, np.int32)),
    "ShapeKeyPoint": (("co", 3, np.float32),),
    "Keyframe": (("co", 2, np.float32), ("handle_left", 2, np.float32)),
}
MAX_DEPTH = 6


def whole() -> dict[str, str]:
    """{path of a property: what it holds}, of the file and its custom properties."""
    found: dict[str, str] = {}
    for block in bpy.data.user_map():
        if isinstance(block, NOT_KEPT):
            continue
        name = f"{type(block).__name__}[{block.name_full}]"
        found.update(_walk(block, name, 0))
        found.update(_custom(block, name))
    layer = bpy.context.view_layer
    found["active"] = getattr(layer.objects.active, "name", "")
    found["selected"] = str(sorted(o.name for o in bpy.context.selected_objects))
    found["mode"] = bpy.context.mode
    return found


def difference(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Paths of what differs, the first few."""
    names = sorted(before.keys() | after.keys())
    return [name for name in names if before.get(name) != after.get(name)][:6]


def _walk(owner: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    for prop in owner.bl_rna.properties:
        name = prop.identifier
        # Fields of the chosen event show its curve and keep nothing themselves.
        if name in DERIVED or name.startswith("event_"):
            continue
        try:
            value = getattr(owner, name)
        except Exception:  # some properties cannot be asked of some owners
            continue
        if prop.type == "POINTER":
            if isinstance(value, bpy.types.ID):
                yield f"{path}.{name}", value.name_full
                if value.is_embedded_data:
                    yield from _walk(value, f"{path}.{name}", depth + 1)
            elif value is not None and depth < MAX_DEPTH:
                yield from _walk(value, f"{path}.{name}", depth + 1)
        elif prop.type == "COLLECTION":
            yield from _items(value, prop, f"{path}.{name}", depth)
        else:
            is_array = getattr(prop, "is_array", False)
            yield f"{path}.{name}", repr(np.array(value).tolist() if is_array else value)


def _items(items: Any, prop: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    kind = prop.fixed_type.identifier
    yield f"{path}#", str(len(items))
    if kind in ARRAYS:
        for attribute, width, dtype in ARRAYS[kind]:
            values = np.empty(width * len(items), dtype)
            items.foreach_get(attribute, values)
            yield f"{path}.{attribute}", hashlib.sha256(values.tobytes()).hexdigest()
    elif len(items) and isinstance(items[0], bpy.types.ID):
        yield path, str([item.name_full for item in items])
    elif depth < MAX_DEPTH and len(items) < 500:
        for index, item in enumerate(items):
            yield from _walk(item, f"{path}[{index}]", depth + 1)


def _custom(block: Any, name: str) -> Iterator[tuple[str, str]]:
    groups = [("custom", block)]
    if hasattr(block, "bl_system_properties_get"):  # Blender 5.0: those of add-ons lie apart
        groups.append(("system", block.bl_system_properties_get()))
    for where, group in groups:
        for key in group.keys() if group is not None else ():
            value = group[key]
            if key != "facegen" or isinstance(value, str):  # the group itself is walked
                text = str(value.to_dict() if hasattr(value, "to_dict") else value)
                yield f"{name}.{where}[{key}]", text
