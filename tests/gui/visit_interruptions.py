"""What no artist should do while Facegen works: undo in another window, switch the add-on off."""

from __future__ import annotations

from collections.abc import Iterator

import addon_utils
import bpy
from findings import check, screenshot
from hand import is_generating, press_button, show_tab, view, wait_while
from scene import addon, head, keyed_channels, num_keys

PACKAGE = "bl_ext.user_default.facegen"


def visit() -> Iterator[float]:
    with view():
        if num_keys() > 1:
            bpy.ops.facegen.remove_keys("EXEC_DEFAULT", True)
        bpy.ops.ed.undo_push(message="Visit")
        head().location.x = 0.5
        bpy.ops.ed.undo_push(message="Move")
    yield from press_button("Generate", is_generating, is_wide=True)
    with view():
        bpy.ops.ed.undo()
    yield from wait_while(is_generating)
    yield 0.5
    check("an undo stops the work", addon("jobs").running() is None)
    check("and goes back one step alone", head().location.x == 0.0 and num_keys() <= 1)
    check("with all curves", len(keyed_channels()) == 2)
    screenshot("50-undo-while-generating")

    yield from press_button("Generate", is_generating, is_wide=True)
    addon_utils.disable(PACKAGE)
    yield 1.0
    check("the add-on goes while it works", not hasattr(bpy.types.Object, "facegen"))
    check("with its running button", not is_generating())
    check("and writes nothing", num_keys() <= 1)
    screenshot("51-disabled-while-generating")
    addon_utils.enable(PACKAGE)
    yield from show_tab()
    yield 1.0
    check("switched on again, the head is as it was", head().facegen.is_matched)
    yield from press_button("Generate", is_generating, is_wide=True)
    yield from wait_while(is_generating)
    check("and Generate works", num_keys() > 1)
    screenshot("52-enabled-again")
