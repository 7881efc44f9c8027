"""Runs inside Blender with a window: an artist's first visit to the Facegen tab, step by step.

Installs the zip, adds the sample head, matches, adds expressions, picks one of nine variations,
cancels a generation with a real ESC key, generates, undoes, redoes, exports; a screenshot and a
check after each step. Steps are driven from a timer, because modal operators need the event loop
between them.
"""

from __future__ import annotations

import importlib
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import bpy

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER))  # Blender does not look beside the script it runs

from findings import check, failed, figures, report, screenshot  # noqa: E402
from hand import (  # noqa: E402
    PATIENCE_SECONDS,
    click,
    click_until,
    frame_the_face,
    is_generating,
    press,
    scroll_sidebar,
    sidebar,
    view,
    view_area,
    wait_while,
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
    view_area().spaces.active.show_region_ui = True
    yield 1.0
    sidebar().active_panel_category = "Facegen"
    view_area().tag_redraw()
    yield 1.0
    screenshot("1-tab-without-head")

    with view():
        bpy.ops.facegen.add_head()
        bpy.ops.ed.undo_push(message="Facegen Head")
    head_name = bpy.context.object.name
    frame_the_face()
    yield 1.5
    screenshot("2-sample-head")

    yield from click_until("Match", lambda: bpy.context.object.facegen.is_matched)
    screenshot("4-matched")
    yield from look_and_correct(bpy.context.object)

    with view():
        bpy.ops.facegen.add_expression(
            "EXEC_DEFAULT",
            True,  # an undo step, as a click on the button makes
            expression="happy",
            onset_start=1,
            apex_start=12,
            apex_end=30,
            offset_end=45,
        )
        bpy.ops.facegen.add_expression(
            "EXEC_DEFAULT",
            True,  # an undo step, as a click on the button makes
            expression="surprise",
            onset_start=50,
            apex_start=56,
            apex_end=70,
            offset_end=85,
        )
        bpy.ops.facegen.add_expression("INVOKE_DEFAULT")
    yield 1.0
    screenshot("5-add-expression-dialog")
    press("Escape")
    yield 1.0
    bpy.context.scene.frame_set(21)
    channel = bpy.context.object.facegen.happy
    check("the happy channel is 1 at its apex", abs(channel - 1.0) < 1e-6)

    yield from pick_a_variation(head_name)

    with view():
        bpy.ops.facegen.generate("INVOKE_DEFAULT")
    yield 0.3
    check("generating runs modally", is_generating())
    screenshot("6-generating")
    press("Escape")
    yield from wait_while(is_generating)
    yield 0.2
    check("ESC leaves no shape key", bpy.data.objects[head_name].data.shape_keys is None)
    screenshot("7-cancelled")

    start = time.time()
    with view():
        bpy.ops.facegen.generate("INVOKE_DEFAULT")
    gaps, before = [], time.time()
    while is_generating() and time.time() - start < PATIENCE_SECONDS:
        yield 0.05
        gaps.append(time.time() - before)
        before = time.time()
    figures["generate_seconds"] = round(time.time() - start, 2)
    figures["longest_freeze_seconds"] = round(max(gaps, default=0.0), 2)
    check("generating writes shape keys", num_keys(head_name) > 1)
    figures["keys"] = num_keys(head_name) - 1
    for frame, name in ((1, "neutral"), (21, "happy"), (63, "surprise"), (85, "end")):
        bpy.context.scene.frame_set(frame)
        yield 1.0
        screenshot(f"8-{name}")

    with view():
        bpy.ops.ed.undo()
    yield 1.0
    check("one undo removes every key", num_keys(head_name) == 0)
    check("and leaves the expressions", bpy.data.objects[head_name].animation_data is not None)
    screenshot("9-undone")
    with view():
        bpy.ops.ed.redo()
    yield 1.0
    check("redo brings them back", num_keys(head_name) > 1)

    with view():
        bpy.ops.facegen.export_fbx("EXEC_DEFAULT", filepath=str(FOLDER / "clip.fbx"))
    check("the FBX is written", (FOLDER / "clip.fbx").is_file())
    yield 1.0
    screenshot("10-exported")


def look_and_correct(head: bpy.types.Object) -> Iterator[float]:
    """Heat map on and off, landmarks, and one part corrected through its menu, all by mouse."""
    yield from click_until(
        "Heat_Map", lambda: bool(head.facegen.heat_map), round(figures["match_height"]) + 40
    )
    yield 0.5
    screenshot("4a-heat-map")
    with view():
        bpy.ops.facegen.heat_map("INVOKE_DEFAULT")
    yield from wait_while(is_generating)
    yield 0.5
    check("the heat map goes away again", not head.facegen.heat_map)
    shading = view_area().spaces.active.shading
    check("and the shading is as before", shading.color_type == "MATERIAL")

    region, height = sidebar(), round(figures["heat_map_height"]) + 32
    click(region.x + 60, region.y + region.height - height)
    yield 2.0
    screenshot("4b-parts-found")
    for row_height in range(height + 58, height + 130, 22):  # the second row and those below
        click(region.x + 70, region.y + region.height - row_height)
        yield 1.0
        screenshot("4c-kind-menu")
        press("Down", "Down", "Down", "Return")
        yield 2.0
        yield from wait_while(is_generating)
        yield 0.3
        if any(row.is_corrected for row in head.facegen.found_parts):
            break
    corrected = [row for row in head.facegen.found_parts if row.is_corrected]
    check("a part is corrected through its menu", bool(corrected))
    screenshot("4d-corrected")
    if corrected:
        with view():
            bpy.ops.facegen.correct_part(
                "INVOKE_DEFAULT", kind="AUTOMATIC", row=head.facegen.active_part
            )
        yield from wait_while(is_generating)
        yield 0.3
    check("reset brings it back", not head.facegen.corrections)
    with view():
        bpy.ops.facegen.show_landmarks("INVOKE_DEFAULT")
    yield from wait_while(is_generating)
    yield 0.5
    screenshot("4e-landmarks")
    with view():
        bpy.ops.facegen.remove_landmarks()
    yield 0.5


def pick_a_variation(head_name: str) -> Iterator[float]:
    """The sheet of variations drawn, looked at while it moves, and one of it clicked and undone."""
    sheets = addon("variation_sheet")
    if not addon("preferences").model_in_use(bpy.context).has_variations:
        figures["variations"] = 0  # the model of this zip has none; the panel says so
        return
    start = time.time()
    with view():
        bpy.ops.facegen.variations("INVOKE_DEFAULT")
    yield 0.3
    check("drawing variations runs modally", is_generating())
    yield from wait_while(is_generating)
    figures["variations_seconds"] = round(time.time() - start, 2)
    check("the sheet is in memory", sheets.sheet_of(head_name) is not None)
    check("drawing leaves no shape key", num_keys(head_name) == 0)
    yield from scroll_sidebar("5")
    shown = set()
    for k in range(12):
        shown.add(sheets._player.shown)
        if k in (0, 5, 9):
            screenshot(f"5a-variations-{k}")
        yield 0.15
    check("its pictures move", len(shown) > 3)
    region = sidebar()
    for above_bottom in range(122, 220, 6):  # the left button below the last row of pictures
        click(region.x + 40, region.y + above_bottom)
        yield 1.0
        if is_generating():
            break
    check("a click on a picture's button generates", is_generating())
    yield from wait_while(is_generating)
    yield 3.0  # until the panels have slid to their new places
    settings = bpy.data.objects[head_name].facegen
    check("with the seed that was clicked", settings.made_by.startswith("Varied, seed 6"))
    check("and writes its keys", num_keys(head_name) > 1)
    screenshot("5b-variation-picked")
    view_area().spaces.active.show_region_ui = False
    yield 2.5
    check("hidden pictures stand still", not bpy.app.timers.is_registered(sheets._move_on))
    view_area().spaces.active.show_region_ui = True
    yield 1.0
    with view():
        bpy.ops.ed.undo()
    yield 1.0
    check("one undo takes the variation back", num_keys(head_name) == 0)
    check("and the generator", bpy.data.objects[head_name].facegen.generator == "lstm")
    yield from scroll_sidebar("4")


def addon(name: str) -> ModuleType:
    return importlib.import_module(f"bl_ext.user_default.facegen.{name}")


def num_keys(name: str) -> int:
    keys = bpy.data.objects[name].data.shape_keys
    return len(keys.key_blocks) if keys else 0


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
bpy.app.timers.register(tick, first_interval=1.0)
