"""The rows of the Generate panel about keys: how they are made, and what came of it."""

from __future__ import annotations

import bpy

from facegen_core.numeric import counted

from ..baking import KEY_MODES
from ..operators import bake_keys
from ..translations import said
from .base import draw_sentence


def draw_bake(layout: bpy.types.UILayout, settings: bpy.types.PropertyGroup) -> None:
    """What the chosen way to bake asks for."""
    column = layout.column()
    if settings.bake_mode == "compact":
        column.prop(settings, "tolerance_mm")
    if settings.bake_mode == "rig":
        column.prop(settings, "rig_by")
    if settings.bake_mode == "existing":
        column.prop(settings, "onto")
        if settings.onto == "named":
            column.prop(settings, "onto_names")
    if settings.bake_mode in KEY_MODES and not _is_driven(settings):
        column.prop(settings, "solve_smoothness")
        column.prop(settings, "solve_sparsity")
    if settings.bake_mode in ("existing", "arkit"):
        column.prop(settings, "replaces_curves")


def draw_baked(layout: bpy.types.UILayout, target: bpy.types.Object) -> None:
    """How many keys play the clip, and how far they are from it."""
    settings, figures = target.facegen, bake_keys.figures_of(target)
    if not figures:
        keys = counted(settings.num_keys, "shape key")
        layout.label(
            text=said(f"{keys}, within {settings.bake_error_mm:.3f} mm"),
            icon="SHAPEKEY_DATA",
        )
        return
    column = layout.column(align=True)
    used, keys = figures["keys_used"], figures["keys"]
    count = counted(keys, "shape key") if used == keys else f"{used} of {keys} shape keys used"
    column.label(text=said(f"{count}, by {figures['by']}"), icon="SHAPEKEY_DATA")
    draw_sentence(column, bake_keys.error_words(figures["error_mm"]))
    if figures.get("overlap_error_mm"):
        words = bake_keys.error_words(figures["overlap_error_mm"])
        draw_sentence(column, f"Overlapping expressions add up: {words}")
    left = bake_keys.left_out_words(figures["left_out"])
    if left:
        draw_sentence(column, left[:1].upper() + left[1:])


def _is_driven(settings: bpy.types.PropertyGroup) -> bool:
    return settings.bake_mode == "rig" and settings.rig_by == "drivers"
