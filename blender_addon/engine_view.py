"""The engine's part of the preferences: which one, with what Python, and what is known of it."""

from __future__ import annotations

import importlib
import inspect
import textwrap
from importlib.util import find_spec
from types import ModuleType

import bpy

from . import engine, jobs, preferences
from .translations import CONTEXT, said


def setup_operators() -> ModuleType | None:
    """What sets up the GPU engine; None in the zip for Blender's extension platform."""
    if find_spec(f"{__package__}.engine_setup") is None:
        return None
    return importlib.import_module(f"{__package__}.engine_setup.operators")


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    settings = preferences.preferences_of(context)
    if settings is None:
        return
    column = layout.box().column()
    column.row().prop(settings, "engine", expand=True)
    if settings.engine != preferences.WORKER:
        return
    choice = preferences.engine_choice(context)
    setup = setup_operators()
    placeholder = "The one that was set up here" if setup else "A Python that has PyTorch"
    column.prop(settings, "engine_python", placeholder=placeholder)
    column.prop(settings, "engine_device")
    _draw_acts(column)
    _draw_state(column, choice)
    if setup is not None:
        setup.draw(column, context)


def _draw_acts(column: bpy.types.UILayout) -> None:
    row = column.row(align=True)
    for act, icon in (("facegen.check_engine", "VIEWZOOM"), ("facegen.test_engine", "TIME")):
        job = jobs.running()
        if job is not None and job.act == act:
            row.operator(act, text=said(f"{job.message}: {job.fraction:.0%}"), depress=True)
        else:
            row.operator(act, icon=icon)


def _draw_state(column: bpy.types.UILayout, choice: engine.Choice) -> None:
    """Device, memory and versions of the worker that runs; the last self-test of this choice."""
    report = engine.running_report(choice)
    if report is None:
        why = engine.last_problem(choice)
        _sentence(column, why or "Not started yet; the first Generate does, or Check Engine", why)
        return
    memory = f"{report.memory_bytes / 1e9:.1f} GB" if report.memory_bytes else "–"
    for label, value in (
        ("Device", f"{report.device_name} ({report.device})"),
        ("Memory", memory),
        ("PyTorch", f"{report.torch_version}, Python {report.python_version}"),
    ):
        row = column.split(factor=0.2)
        row.label(text=label)
        row.label(text=value)
    tested = engine.last_test(choice)
    if tested is not None:
        _sentence(column, engine.test_sentence(tested), "" if engine.is_equal(tested) else "apart")


def _sentence(column: bpy.types.UILayout, sentence: str, problem: str) -> None:
    icon = "ERROR" if problem else "INFO"
    for line in textwrap.wrap(said(sentence), preferences.LINE_LENGTH):
        column.label(text=line, icon=icon)
        icon = "BLANK1"


def register() -> None:
    setup = setup_operators()
    for cls in setup.CLASSES if setup else ():
        cls.bl_description = inspect.cleandoc(cls.__doc__)
        cls.bl_translation_context = CONTEXT
        bpy.utils.register_class(cls)


def unregister() -> None:
    setup = setup_operators()
    for cls in reversed(setup.CLASSES if setup else ()):
        bpy.utils.unregister_class(cls)
