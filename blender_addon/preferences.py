"""Add-on preferences: which model bundle to use."""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.props import StringProperty

DEFAULT_BUNDLE = Path(__file__).parent / "assets" / "default.facegen"


class FacegenPreferences(bpy.types.AddonPreferences):
    bl_idname = __package__

    bundle: StringProperty(
        name="Model",
        description="A .facegen model bundle; empty for the one that comes with Facegen",
        subtype="FILE_PATH",
    )

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.prop(self, "bundle", placeholder="The model that comes with Facegen")


def bundle_path(context: bpy.types.Context) -> Path:
    """The bundle chosen in the preferences, or the one that comes with the add-on."""
    addon = context.preferences.addons.get(__package__)
    chosen = addon.preferences.bundle if addon else ""
    return Path(bpy.path.abspath(chosen)) if chosen else DEFAULT_BUNDLE


def register() -> None:
    bpy.utils.register_class(FacegenPreferences)


def unregister() -> None:
    bpy.utils.unregister_class(FacegenPreferences)
