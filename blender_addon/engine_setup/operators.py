"""Set Up GPU Engine and its removal, and what the preferences show of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty

from facegen_core.errors import FacegenError

from .. import engine, jobs
from ..preferences import set_up_folder
from ..translations import said
from . import environment, recipes

BUILDS = {
    "cuda": ("cuda", "NVIDIA (CUDA)", "For an NVIDIA graphics card"),
    "mps": ("mps", "Apple (Metal)", "For the graphics processor of an Apple computer"),
    "cpu": ("cpu", "Processor", "PyTorch without a graphics card: smaller, and rarely faster"),
}


def base_python(chosen: str) -> Path:
    """The Python that makes the environment: the chosen one, or that of Blender."""
    return Path(bpy.path.abspath(chosen)) if chosen else Path(sys.executable)


def _builds(_operator: bpy.types.Operator, _context: bpy.types.Context) -> list[Any]:
    return [BUILDS[name] for name in recipes.builds()]


def _why_not(operator: type[bpy.types.Operator]) -> str:
    job = jobs.running()
    if job is not None and job.act != operator.bl_idname:
        return jobs.STILL_WORKING
    if set_up_folder() is None:
        return "Install Facegen as an extension first (Preferences, Get Extensions)"
    return ""


def _why_offline(operator: type[bpy.types.Operator]) -> str:
    if not bpy.app.online_access:
        return "Allow Online Access in Blender's preferences (System, Network) first"
    return _why_not(operator)


class _Settings:
    """What setting up asks for, in the dialog and in the act."""

    build: EnumProperty(name="Build", description="Which PyTorch is downloaded", items=_builds)
    base: StringProperty(
        name="Base Python",
        description="A Python, 3.10 or newer, to make the environment with; empty for Blender's",
        subtype="FILE_PATH",
    )
    index: StringProperty(
        name="Package Index",
        description="The address of a mirror that has all packages; empty for those of PyTorch "
        "and Python",
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = _why_offline(cls)
        if reason:
            cls.poll_message_set(said(reason))
        return not reason


class FACEGEN_OT_set_up_engine(_Settings, bpy.types.Operator):
    """Download PyTorch into a folder of Facegen's own and use it; Blender's own stays as it is"""

    bl_idname = "facegen.set_up_engine"
    bl_label = "Set Up GPU Engine"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(self, width=460)

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        for name in ("build", "base", "index"):
            layout.prop(self, name)
        download, disk = recipes.recipe_of(self.build).sizes
        size = f"About {download} to download, {disk} on the disk"
        layout.label(text=said(size), icon="IMPORT")
        layout.label(text="ESC stops it and leaves nothing behind", icon="INFO")

    def execute(self, context: bpy.types.Context) -> set[str]:
        return bpy.ops.facegen.install_engine(
            "INVOKE_DEFAULT", build=self.build, base=self.base, index=self.index
        )


class FACEGEN_OT_install_engine(_Settings, jobs.JobOperator, bpy.types.Operator):
    """Download PyTorch into a folder of Facegen's own and use it"""

    bl_idname = "facegen.install_engine"
    bl_label = "Set Up GPU Engine"
    bl_options = {"INTERNAL"}

    def begin(self, context: bpy.types.Context) -> jobs.Work:
        engine.close()  # what it runs on is about to be replaced
        folder, python = set_up_folder(), base_python(self.base)
        recipe = recipes.recipe_of(self.build, self.index)
        return lambda progress: environment.install(folder, python, recipe, progress)

    def finish(self, context: bpy.types.Context, python: Path) -> str:
        engine.close()
        return "The GPU engine is set up: Check Engine shows what it found"


class FACEGEN_OT_remove_engine(bpy.types.Operator):
    """Remove the GPU engine that was set up here, and all that was downloaded for it"""

    bl_idname = "facegen.remove_engine"
    bl_label = "Remove GPU Engine"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = _why_not(cls)
        if not reason and not environment.is_anything_there(set_up_folder()):
            reason = "No GPU engine was set up here"
        if reason:
            cls.poll_message_set(said(reason))
        return not reason

    def execute(self, context: bpy.types.Context) -> set[str]:
        engine.close()
        try:
            environment.remove(set_up_folder())
        except FacegenError as error:
            self.report({"ERROR"}, said(str(error)))
            return {"CANCELLED"}
        self.report({"INFO"}, said("The GPU engine is removed"))
        return {"FINISHED"}


CLASSES = (FACEGEN_OT_set_up_engine, FACEGEN_OT_install_engine, FACEGEN_OT_remove_engine)


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The buttons, and how far the work is."""
    row = layout.row(align=True)
    job = jobs.running()
    if job is not None and job.act == FACEGEN_OT_install_engine.bl_idname:
        text = said(f"{job.message}: {job.fraction:.0%}")
        row.operator(FACEGEN_OT_install_engine.bl_idname, text=text, depress=True)
    else:
        text = f"{said('Set Up GPU Engine')}…"
        row.operator(FACEGEN_OT_set_up_engine.bl_idname, text=text, icon="IMPORT")
    row.operator(FACEGEN_OT_remove_engine.bl_idname, icon="TRASH")
