"""The first smile of a newcomer: from an empty scene to an FBX, counted in clicks and seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator

import bpy
import labels
from findings import FOLDER, check, figures, screenshot
from hand import (
    ANSWER_SECONDS,
    click,
    frame_the_face,
    is_generating,
    press_button,
    press_in_screen,
    wait_while,
)
from scene import head, keyed_channels, num_keys

# What the story promises a newcomer.
MOST_CLICKS = 10
# Pixels from the middle of a dialog's Cancel to that of its OK.
OK_FROM_CANCEL = 160


def visit() -> Iterator[float]:
    screenshot("1-tab-without-head")
    figures["clicks"] = 0
    yield from press_button("Add Facegen Head", lambda: head() is not None)
    frame_the_face()
    yield 1.5
    screenshot("2-sample-head")

    yield from press_button("Match", lambda: is_generating() or head().facegen.is_matched)
    screenshot("3-matching")
    yield from wait_while(is_generating, "match")
    check("Match succeeds", head().facegen.is_matched)
    yield 0.8
    screenshot("4-matched")

    yield from press_button("Add Expression", dialog_is_open)
    screenshot("5-add-expression-dialog")
    yield from press_ok()
    check("an expression is keyed", keyed_channels() == ["happy"])

    yield from press_button("Generate", lambda: is_generating() or num_keys() > 0, is_wide=True)
    screenshot("6-generating")
    yield from wait_while(is_generating, "first_generate")
    check("the first smile has shape keys", num_keys() > 1)
    bpy.context.scene.frame_set(21)
    yield 1.5
    screenshot("7-first-smile")

    path = FOLDER / "smile.fbx"
    yield from press_button("Export", lambda: area_types() == {"FILE_BROWSER"}, is_wide=True)
    if area_types() == {"FILE_BROWSER"}:
        browser = bpy.context.window_manager.windows[0].screen.areas[0].spaces.active
        browser.params.directory = str(FOLDER).encode()
        browser.params.filename = path.name
        yield 2.0
        screenshot("8-export-browser")
        start = time.time()
        yield from press_in_screen("Export", path.is_file)
        figures["export_seconds"] = round(time.time() - start, 2)
    check("the first smile is exported", path.is_file())
    yield 1.0
    screenshot("9-exported")
    check(f"in {MOST_CLICKS} clicks", figures["clicks"] <= MOST_CLICKS)
    figures["newcomer_clicks"] = figures["clicks"]
    print(f"the newcomer's smile: {figures}", flush=True)


def dialog_is_open() -> bool:
    """Blender tells no script of its dialogs: what is seen on the screen must do."""
    window = bpy.context.window_manager.windows[0]
    return labels.find("Onset Start", (0, 0, window.width, window.height))[0] >= labels.SURE


def press_ok() -> Iterator[float]:
    """Click OK, which stands to the right of Cancel; two letters alone are found anywhere."""
    window = bpy.context.window_manager.windows[0]
    for _ in range(3):
        yield 1.0
        if "happy" in keyed_channels() or not dialog_is_open():
            break
        _, x, y = labels.find("Cancel", (0, 0, window.width, window.height))
        click(x + OK_FROM_CANCEL, y)
        start = time.time()
        while "happy" not in keyed_channels() and time.time() - start < ANSWER_SECONDS:
            yield 0.25
    check("a click on OK answers", "happy" in keyed_channels())
    screenshot("5a-expression-keyed")


def area_types() -> set[str]:
    return {area.type for area in bpy.context.window_manager.windows[0].screen.areas}
