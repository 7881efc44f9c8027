"""Properties that F-curves move: putting them where a curve is, or where they are without one."""

from __future__ import annotations

import bpy


def to_default(owner: bpy.types.ID, data_path: str) -> None:
    """Put a property back to what it is without any curve; none where it is gone."""
    holder, name = _holder(owner, data_path)
    if holder is None:
        return
    rna = holder.bl_rna.properties[name]
    if isinstance(holder, bpy.types.ShapeKey):
        holder.value = 0.0  # its own default is 1 from Blender 5.0 on
    elif getattr(rna, "is_array", False):
        setattr(holder, name, rna.default_array)
    else:
        setattr(holder, name, rna.default)


def set_value(owner: bpy.types.ID, curve: bpy.types.FCurve, value: float) -> None:
    """Put a property where its curve is, since curves act only on the next frame change."""
    holder, name = _holder(owner, curve.data_path)
    if holder is None:
        return
    rna = holder.bl_rna.properties[name]
    if getattr(rna, "is_array", False):
        getattr(holder, name)[curve.array_index] = value
    elif rna.type == "BOOLEAN":
        setattr(holder, name, bool(round(value)))
    elif rna.type == "INT":
        setattr(holder, name, round(value))
    elif rna.type == "FLOAT":
        setattr(holder, name, value)


def _holder(owner: bpy.types.ID, data_path: str) -> tuple[bpy.types.bpy_struct | None, str]:
    path, _, name = data_path.rpartition(".")
    try:
        holder = owner.path_resolve(path)
        holder.path_resolve(name)
    except (ValueError, AttributeError):
        return None, name
    return holder, name
