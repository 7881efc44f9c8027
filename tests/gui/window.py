"""Runs inside Blender with a window: an artist's first visit to the Facegen tab, step by step.

Installs the zip and takes the chapters in order, with the mouse wherever an artist would; a
screenshot and a check after each step. Steps are driven from a timer, because modal operators need
the event loop between them.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import bpy

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER))  # Blender does not look beside the script it runs

import visit_events  # noqa: E402
import visit_files  # noqa: E402
import visit_german  # noqa: E402
import visit_interruptions  # noqa: E402
import visit_motion  # noqa: E402
import visit_newcomer  # noqa: E402
import visit_parts  # noqa: E402
import visit_variations  # noqa: E402
from findings import check, failed, report, screenshot  # noqa: E402
from hand import show_tab, view  # noqa: E402

CHAPTERS = (
    visit_newcomer,
    visit_parts,
    visit_variations,
    visit_motion,
    visit_files,
    visit_german,
    visit_interruptions,
    visit_events,
)


def visit() -> Iterator[float]:
    """The visit; every yield hands control back to Blender for so many seconds."""
    yield 1.5
    bpy.ops.extensions.package_install_files(
        filepath=str(FOLDER / "facegen.zip"),
        repo="user_default",
        enable_on_install=True,
        overwrite=True,
    )
    check("the zip installs and enables", hasattr(bpy.types.Object, "facegen"))
    yield 0.5
    with view():
        bpy.ops.object.select_all(action="SELECT")
        bpy.ops.object.delete()
    yield from show_tab()
    for chapter in CHAPTERS:
        print(f"chapter {chapter.__name__}", flush=True)
        try:
            yield from chapter.visit()
        except Exception:
            failed.append(f"{chapter.__name__}: {traceback.format_exc()}")
            screenshot(f"error-{chapter.__name__}")


def tick() -> float | None:
    try:
        return next(STEPS)
    except StopIteration:
        pass
    except Exception:
        failed.append(traceback.format_exc())
        screenshot("error")
    report()
    bpy.ops.wm.quit_blender()
    return None


STEPS = visit()
bpy.context.preferences.view.show_splash = False
# In the window itself, where the hand can reach it; no windows of their own.
bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
bpy.context.preferences.system.viewport_aa = "OFF"  # drawn without a graphics card
bpy.app.timers.register(tick, first_interval=1.0, persistent=True)
