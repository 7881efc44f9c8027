"""Add-on preferences: which model bundle to use, and what is known about it."""

from __future__ import annotations

import textwrap
from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty

from facegen_core.bundle_info import BundleInfo, error_sentence, error_table, summary_rows
from facegen_core.errors import FacegenError

from . import DEFAULT_BUNDLE
from .scene import state

__all__ = ["DEFAULT_BUNDLE", "FacegenPreferences", "bundle_path", "model_in_use"]

# Characters of a line in the preferences window as it opens; labels do not wrap by themselves.
LINE_LENGTH = 72


class FacegenPreferences(bpy.types.AddonPreferences):
    bl_idname = __package__

    bundle: StringProperty(
        name="Model",
        description="A .facegen model bundle; empty for the one that comes with Facegen. "
        "Keys of expressions that another model has stay on the head",
        subtype="FILE_PATH",
    )
    show_event_handles: BoolProperty(
        name="Event Handles",
        description="Show the events of the active head in the Graph Editor, the Dope Sheet and "
        "the timeline, to drag: Shift for subframes, Ctrl to snap, ESC to let go",
        default=True,
    )

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.prop(self, "bundle", placeholder="The model that comes with Facegen")
        self.layout.prop(self, "show_event_handles")
        try:
            info = model_in_use(context)
        except FacegenError as error:
            self.layout.label(text=str(error), icon="ERROR")
            return
        _draw_info(self.layout, info)


def preferences_of(context: bpy.types.Context) -> FacegenPreferences | None:
    """The preferences of the add-on; None where it was not installed, as for the command."""
    addon = context.preferences.addons.get(__package__)
    return addon.preferences if addon else None


def bundle_path(context: bpy.types.Context) -> Path:
    """The bundle chosen in the preferences, or the one that comes with the add-on."""
    preferences = preferences_of(context)
    chosen = preferences.bundle if preferences else ""
    return Path(bpy.path.abspath(chosen)) if chosen else DEFAULT_BUNDLE


def model_in_use(context: bpy.types.Context) -> BundleInfo:
    """What the chosen bundle tells of itself. Raises BundleError with one sentence."""
    return state.bundle_info(bundle_path(context))


def register() -> None:
    bpy.utils.register_class(FacegenPreferences)


def unregister() -> None:
    bpy.utils.unregister_class(FacegenPreferences)


def _draw_info(layout: bpy.types.UILayout, info: BundleInfo) -> None:
    column = layout.box().column(align=True)
    for label, value in [*summary_rows(info), ("Error", error_sentence(info))]:
        for line in textwrap.wrap(value, LINE_LENGTH):
            row = column.split(factor=0.2)
            row.label(text=label)
            row.label(text=line)
            label = ""
    for line in error_table(info):
        row = column.split(factor=0.2)
        row.label(text=line[0])
        for cell in line[1:]:
            row.label(text=cell)
