"""Acts of the artist, one a file; each is also a plain function for the Python console."""

from __future__ import annotations

import inspect

import bpy

from .. import refusals
from ..translations import CONTEXT
from . import clips, engine_check, events, preset_assets, presets
from .add_expression import FACEGEN_OT_add_expression
from .add_head import FACEGEN_OT_add_head, draw_in_add_menu
from .check_export import FACEGEN_OT_check_export
from .copy_report import FACEGEN_OT_copy_report
from .correct_part import FACEGEN_OT_correct_part
from .drag_event import FACEGEN_OT_drag_event
from .export_clip import FACEGEN_OT_export_clip
from .export_fbx import FACEGEN_OT_export_fbx
from .generate import FACEGEN_OT_generate
from .heat_map import FACEGEN_OT_heat_map
from .match import FACEGEN_OT_match
from .pick_variation import FACEGEN_OT_pick_variation
from .place_landmarks import FACEGEN_OT_place_landmarks
from .regenerate import FACEGEN_OT_regenerate, FACEGEN_OT_restore_curves
from .remove_keys import FACEGEN_OT_remove_keys
from .remove_landmarks import FACEGEN_OT_remove_landmarks
from .reset_layers import FACEGEN_OT_reset_layers
from .select_part import FACEGEN_OT_select_part
from .show_landmarks import FACEGEN_OT_select_landmark, FACEGEN_OT_show_landmarks
from .variations import FACEGEN_OT_variations

CLASSES = (
    FACEGEN_OT_add_head,
    FACEGEN_OT_match,
    FACEGEN_OT_heat_map,
    FACEGEN_OT_correct_part,
    FACEGEN_OT_select_part,
    FACEGEN_OT_show_landmarks,
    FACEGEN_OT_select_landmark,
    FACEGEN_OT_place_landmarks,
    FACEGEN_OT_remove_landmarks,
    FACEGEN_OT_add_expression,
    *events.CLASSES,
    FACEGEN_OT_drag_event,
    *presets.CLASSES,
    *preset_assets.CLASSES,
    FACEGEN_OT_reset_layers,
    FACEGEN_OT_generate,
    FACEGEN_OT_variations,
    FACEGEN_OT_pick_variation,
    *clips.CLASSES,
    FACEGEN_OT_regenerate,
    FACEGEN_OT_restore_curves,
    FACEGEN_OT_remove_keys,
    FACEGEN_OT_check_export,
    FACEGEN_OT_export_clip,
    FACEGEN_OT_export_fbx,
    *engine_check.CLASSES,
    FACEGEN_OT_copy_report,
)


def register() -> None:
    for cls in CLASSES:
        # Blender would show the indentation of a docstring's second line in the tooltip.
        cls.bl_description = inspect.cleandoc(cls.__doc__)
        cls.bl_translation_context = CONTEXT
        refusals.watch(cls)
        bpy.utils.register_class(cls)
    bpy.types.VIEW3D_MT_mesh_add.append(draw_in_add_menu)
    for menu in preset_assets.MENUS:
        getattr(bpy.types, menu).prepend(preset_assets.draw_in_asset_menu)


def unregister() -> None:
    for menu in preset_assets.MENUS:
        if hasattr(bpy.types, menu):  # when Blender quits, menus of others may be gone already
            getattr(bpy.types, menu).remove(preset_assets.draw_in_asset_menu)
    bpy.types.VIEW3D_MT_mesh_add.remove(draw_in_add_menu)
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
