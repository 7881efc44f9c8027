"""Presets in Blender's asset browser: write them there, and play one from there."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import StringProperty

from facegen_core.errors import FacegenError
from facegen_core.portraits import preset_picture

from .. import preset_shelf
from ..preferences import bundle_path
from ..refusals import refused
from ..scene import preset_assets, state
from ..translations import said
from . import polling
from .presets import HIDDEN, Staged


def write_library(context: bpy.types.Context) -> tuple[Path, int]:
    """Write all presets as assets; returns the file and how many. Raises FacegenError."""
    folder = preset_shelf.user_folder("asset_library", is_needed=True)
    bundle = state.open_bundle(bundle_path(context)).bundle
    known = set(bundle.config.expressions)
    presets = [shelved.preset for shelved in preset_shelf.shelf()]
    drawn = [
        (preset, preset_picture(bundle, preset) if known.issuperset(preset.expressions) else None)
        for preset in presets
    ]
    return preset_assets.write_library(context.scene, folder, drawn), len(drawn)


class FACEGEN_OT_presets_to_assets(bpy.types.Operator):
    """Write every preset as an asset with its picture, and add their folder to the asset libraries
    in Blender's preferences. Press again after saving presets of your own"""

    bl_idname = "facegen.presets_to_assets"
    bl_label = "Presets as Asset Library"
    bl_options = {"REGISTER"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            path, count = write_library(context)
        except FacegenError as error:
            return refused(self, error)
        preset_assets.register_library(context.preferences, path.parent)
        sentence = (
            f"{count} presets are in the asset library '{preset_assets.LIBRARY}': open the Asset "
            "Browser, right-click one, Play on Head"
        )
        self.report({"INFO"}, said(sentence))
        return {"FINISHED"}


class FACEGEN_OT_apply_preset_asset(polling.OnHead, Staged, bpy.types.Operator):
    """Play the expressions of this action asset on the active head, from the current frame on"""

    bl_idname = "facegen.apply_preset_asset"
    bl_label = "Play on Head"
    bl_options = {"REGISTER", "UNDO"}

    # What was clicked; the redo panel has no asset under the mouse any more.
    action: StringProperty(name="Action", options=HIDDEN)
    library_file: StringProperty(name="File", subtype="FILE_PATH", options=HIDDEN)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        asset = getattr(context, "asset", None)
        if asset is not None and asset.id_type != "ACTION":
            cls.poll_message_set(said("This asset is no action: choose one of the Facegen presets"))
            return False
        return super().poll(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        if not self.action:
            asset = getattr(context, "asset", None)
            if asset is None:
                self.report({"ERROR"}, said("Choose an action in the Asset Browser first"))
                return {"CANCELLED"}
            self.action = asset.name
            self.library_file = asset.full_library_path
        render = context.scene.render
        try:
            preset = preset_assets.read_asset(
                self.action,
                Path(bpy.path.abspath(self.library_file)) if self.library_file else None,
                render.fps / render.fps_base,
            )
        except FacegenError as error:
            return refused(self, error)
        return self.play(context, preset)


def draw_in_asset_menu(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    """In the asset browser, over an action."""
    asset = getattr(context, "asset", None)
    if asset is not None and asset.id_type == "ACTION":
        menu.layout.operator(FACEGEN_OT_apply_preset_asset.bl_idname, icon="USER")
        menu.layout.separator()


CLASSES = (FACEGEN_OT_presets_to_assets, FACEGEN_OT_apply_preset_asset)
# Menus of Blender that show it.
MENUS = ("ASSETBROWSER_MT_context_menu", "ASSETBROWSER_MT_asset")
