"""The sheet of variations drawn, looked at while it moves, and one of it clicked and undone."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
import labels
from findings import check, figures, screenshot
from hand import (
    click,
    find,
    is_generating,
    press_button,
    scroll_sidebar,
    sidebar,
    view,
    view_area,
    wait_while,
)
from scene import addon, head, num_keys


def visit() -> Iterator[float]:
    if num_keys() > 1:
        with view():
            bpy.ops.facegen.remove_keys("EXEC_DEFAULT", True)
    sheets = addon("variation_sheet")
    if not addon("preferences").model_in_use(bpy.context).has_variations:
        figures["variations"] = 0  # the model of this zip has none; the panel says so
        return
    yield from press_button("Draw Nine Variations", is_generating)
    yield from wait_while(is_generating, "variations")
    check("the sheet is in memory", sheets.sheet_of(head().name) is not None)
    check("drawing leaves no shape key", num_keys() <= 1)
    yield 1.0
    yield from find("Draw Again")
    yield from scroll_sidebar("5", 4)
    shown = set()
    for k in range(12):
        shown.add(sheets._player.shown)
        if k in (0, 5, 9):
            screenshot(f"20-variations-{k}")
        yield 0.15
    check("its pictures move", len(shown) > 3)
    yield from pick_seventh()
    yield from wait_while(is_generating)
    yield 2.0  # until the panels have slid to their new places
    check("with the seed that was clicked", head().facegen.made_by.startswith("Varied, seed 6"))
    check("and writes its keys", num_keys() > 1)
    screenshot("21-variation-picked")
    view_area().spaces.active.show_region_ui = False
    yield 2.5
    check("hidden pictures stand still", not bpy.app.timers.is_registered(sheets._move_on))
    view_area().spaces.active.show_region_ui = True
    yield 1.0
    with view():
        bpy.ops.ed.undo()
    yield 1.0
    check("one undo takes the variation back", num_keys() <= 1)
    check("and the generator", head().facegen.generator == "lstm")
    yield from scroll_sidebar("4")
    region = sidebar()
    click(region.x + region.width - 30, region.y + 4)  # the pointer rests off the buttons
    yield 0.5


def pick_seventh() -> Iterator[float]:
    """Click down the left column below the buttons of the sheet until a picture's is hit."""
    _, y = yield from find("Draw Again")
    yield from scroll_sidebar("5", 4)
    region = sidebar()
    _, _, y = labels.find("Draw Again", (region.x, region.y, region.width, region.height))
    box = (region.x, region.y, region.width // 3, y - region.y - 20)
    _, x, y = labels.find("6", box)
    for lower in (0, 2, -2, 5, -5):
        click(x, y + lower)
        yield 1.5
        if is_generating():
            break
    check("a click below a picture generates", is_generating())
