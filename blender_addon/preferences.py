"""Add-on preferences: which model bundle and which engine to use, and what is known of them."""

from __future__ import annotations

import textwrap
from importlib.util import find_spec
from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from facegen_core.bundle_info import BundleInfo, error_sentence, error_table, summary_rows
from facegen_core.errors import FacegenError

from . import DEFAULT_BUNDLE, engine
from .scene import state

__all__ = ["DEFAULT_BUNDLE", "FacegenPreferences", "bundle_path", "model_in_use"]

# Characters of a line in the preferences window as it opens; labels do not wrap by themselves.
LINE_LENGTH = 72
BUILT_IN, WORKER = "built_in", "worker"
ENGINES = (
    (BUILT_IN, "Built-in", "NumPy, in Blender itself: needs nothing else, on any computer"),
    (
        WORKER,
        "GPU Worker",
        "PyTorch in a process of its own, on a graphics card if there is one",
    ),
)
DEVICES = (
    ("auto", "Automatic", "The first graphics card PyTorch can use, else the processor"),
    ("cuda:0", "CUDA 0", "The first NVIDIA card"),
    ("cuda:1", "CUDA 1", "The second NVIDIA card"),
    ("cuda:2", "CUDA 2", "The third NVIDIA card"),
    ("cuda:3", "CUDA 3", "The fourth NVIDIA card"),
    ("mps", "Metal", "The graphics processor of an Apple computer"),
    ("cpu", "Processor", "PyTorch without a graphics card"),
)
# Of the folder, in the add-on's own user folder, that a GPU engine is set up in.
_SET_UP = "gpu_engine"


def _end_worker(_preferences: bpy.types.AddonPreferences, _context: bpy.types.Context) -> None:
    """Another engine was chosen: the one that runs is not the one that is meant any more."""
    engine.close()


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

    engine: EnumProperty(
        name="Engine",
        description="What computes the motion. Both make the same one within 0.0001 mm",
        items=ENGINES,
        default=BUILT_IN,
        update=_end_worker,
    )
    engine_python: StringProperty(
        name="Python",
        description="The python program of an environment that has PyTorch, NumPy and SciPy; "
        "empty for the one that was set up here",
        subtype="FILE_PATH",
        update=_end_worker,
    )
    engine_device: EnumProperty(
        name="Device",
        description="Where PyTorch computes",
        items=DEVICES,
        default="auto",
        update=_end_worker,
    )

    def draw(self, context: bpy.types.Context) -> None:
        from . import engine_view

        self.layout.prop(self, "bundle", placeholder="The model that comes with Facegen")
        self.layout.prop(self, "show_event_handles")
        engine_view.draw(self.layout, context)
        try:
            info = model_in_use(context)
        except FacegenError as error:
            self.layout.label(text=str(error), icon="ERROR")
        else:
            _draw_info(self.layout, info)
        self.layout.operator("facegen.copy_report", icon="COPYDOWN")


def preferences_of(context: bpy.types.Context) -> FacegenPreferences | None:
    """The preferences of the add-on; None where it was not installed, as for the command."""
    addon = context.preferences.addons.get(__package__)
    return addon.preferences if addon else None


def bundle_path(context: bpy.types.Context) -> Path:
    """The bundle chosen in the preferences, or the one that comes with the add-on."""
    preferences = preferences_of(context)
    chosen = preferences.bundle if preferences else ""
    return Path(bpy.path.abspath(chosen)) if chosen else DEFAULT_BUNDLE


def engine_choice(context: bpy.types.Context) -> engine.Choice:
    """The engine chosen in the preferences; the built-in one for the command."""
    preferences = preferences_of(context)
    if preferences is None or preferences.engine != WORKER:
        return engine.BUILT_IN
    chosen = preferences.engine_python
    python = Path(bpy.path.abspath(chosen)) if chosen else set_up_python()
    return engine.Choice(True, python, preferences.engine_device)


def set_up_folder() -> Path | None:
    """Where a GPU engine is set up; None where the add-on is not an extension."""
    try:
        return Path(bpy.utils.extension_path_user(__package__, path=_SET_UP))
    except ValueError:
        return None


def set_up_python() -> Path | None:
    """The Python of the GPU engine that was set up; None where none was."""
    folder = set_up_folder()
    if folder is None or find_spec(f"{__package__}.engine_setup") is None:
        return None
    from .engine_setup import environment

    return environment.python_of(folder) if environment.is_complete(folder) else None


def model_in_use(context: bpy.types.Context) -> BundleInfo:
    """What the chosen bundle tells of itself. Raises BundleError with one sentence."""
    return state.bundle_info(bundle_path(context))


def register() -> None:
    bpy.utils.register_class(FacegenPreferences)


def unregister() -> None:
    engine.close()
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
