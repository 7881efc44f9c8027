"""The sample head as a file of its own, for trying the command on."""

from __future__ import annotations

from pathlib import Path

import bpy

from . import sample_head, state


def write_sample_head(bundle_file: Path, path: Path) -> None:
    """Write the template's head as an OBJ in metres, Y up. Replaces what is open in Blender."""
    bundle = state.open_bundle(bundle_file).bundle
    bpy.ops.wm.read_factory_settings(use_empty=True)
    sample_head.new_head(bpy.context, bundle.template)
    bpy.ops.wm.obj_export(
        filepath=str(path), export_selected_objects=True, export_materials=False, export_uv=False
    )
