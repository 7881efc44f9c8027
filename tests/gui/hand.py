"""An artist's hand in a window: the real pointer, wheel and keys, and waiting for an answer.

Functions that take time are generators: each yield hands control back to Blender for so many
seconds, because modal operators and redraws need the event loop between two steps.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator

import bpy
import labels
from findings import check, figures

TICK_SECONDS = 0.25
# How long one job may take: a crowded machine without a graphics card needs far more than a desk.
PATIENCE_SECONDS = float(os.environ.get("PATIENCE_SECONDS", "300"))
# A click may be lost on a virtual screen; it is made again this often, after so many seconds.
TRIES, ANSWER_SECONDS = 3, 6.0
# Seconds between two events of the pointer; events that come at once are taken for one.
PAUSE = "0.3"
# Turns of the wheel from one end of the sidebar to the other, and in one step of a search.
WHOLE_TURN, TURN = 40, 5
# Of the tabs beside the panels, and how far an icon may push a label out of the middle.
TABS_PIXELS, MIDDLE_PIXELS = 24, 24


def click(x: int, y: int) -> None:
    figures["clicks"] = figures.get("clicks", 0) + 1
    pointer((x - 3, y), (x, y), "click", "1")


def drag(*places: tuple[int, int]) -> Iterator[float]:
    """Press at the first place, move along the others, let go at the last."""
    pointer(places[0], "mousedown", "1")
    yield 0.8
    for place in places[1:]:
        pointer(place)
        yield 0.5
    subprocess.Popen(["xdotool", "mouseup", "1"])
    yield 0.5


def pointer(*steps: tuple[int, int] | str) -> None:
    """Move the pointer to places counted from below, in order, or take other steps of xdotool."""
    top = bpy.context.window_manager.windows[0].height
    command = ["xdotool"]
    for step in steps:
        if isinstance(step, tuple):
            command += ["mousemove", str(step[0]), str(top - step[1]), "sleep", PAUSE]
        else:
            command.append(step)
    subprocess.Popen(command)


def press(*keys: str) -> None:
    subprocess.Popen(["xdotool", "key", "--delay", "120", *keys])


def scroll_sidebar(button: str, turns: int = WHOLE_TURN) -> Iterator[float]:
    """Turn the wheel over the sidebar: button 4 is up, 5 is down."""
    region = sidebar()
    pointer((region.x + 6, region.y + region.height // 2))  # beside lists, which scroll too
    yield 0.3
    command = ["xdotool", "click", "--repeat", str(turns), "--delay", "25", button]
    subprocess.Popen(command)
    yield 0.5 + 0.03 * turns


def find(label: str, *, is_wide: bool = False) -> Iterator[float]:
    """Look for a label in the sidebar, turning the wheel; the place, or None, is returned.

    is_wide: on a button as wide as the sidebar, whose label is in the middle; the heading of a
    panel may read the same.
    """
    for turn in range(14):
        if turn == 1:
            yield from scroll_sidebar("4")
        elif turn > 1:
            yield from scroll_sidebar("5", TURN)
        yield 0.6  # until what was scrolled is drawn
        region = sidebar()
        left, width = region.x, region.width
        if is_wide:
            width = labels.label_pixels(label).shape[1] + 2 * MIDDLE_PIXELS
            left += (region.width - TABS_PIXELS - width) // 2
        how_sure, x, y = labels.find(label, (left, region.y, width, region.height))
        if how_sure >= labels.SURE:
            return x, y
    return None


def press_button(
    label: str, has_answered: Callable[[], bool], *, is_wide: bool = False
) -> Iterator[float]:
    """Find a button of the sidebar by its label and click it, until it answers."""
    for _ in range(TRIES):
        place = yield from find(label, is_wide=is_wide)
        if place is None:
            break
        click(*place)
        start = time.time()
        while time.time() - start < ANSWER_SECONDS:
            yield TICK_SECONDS
            if has_answered():
                check(f"a click on '{label}' answers", True)
                return
    check(f"a click on '{label}' answers", False)


def press_in_screen(label: str, has_answered: Callable[[], bool]) -> Iterator[float]:
    """The same for a label anywhere in the window: of a dialog, or of the file browser."""
    window = bpy.context.window_manager.windows[0]
    for _ in range(TRIES):
        yield 0.8
        how_sure, x, y = labels.find(label, (0, 0, window.width, window.height))
        if how_sure < labels.SURE:
            continue
        click(x, y)
        start = time.time()
        while time.time() - start < ANSWER_SECONDS:
            yield TICK_SECONDS
            if has_answered():
                check(f"a click on '{label}' answers", True)
                return
    check(f"a click on '{label}' answers", False)


def is_generating() -> bool:
    """Whether one of our modal operators is running in the window."""
    names = {
        operator.bl_idname for operator in bpy.context.window_manager.windows[0].modal_operators
    }
    return any("facegen" in name.lower() for name in names)


def wait_while(condition: Callable[[], bool], name: str = "") -> Iterator[float]:
    """Wait; under a name the seconds become a figure, and part of all seconds waited."""
    start = time.time()
    while condition() and time.time() - start < PATIENCE_SECONDS:
        yield TICK_SECONDS
    if name:
        figures[f"{name}_seconds"] = round(time.time() - start, 2)


def view_area() -> bpy.types.Area:
    return area_of("VIEW_3D")


def area_of(kind: str) -> bpy.types.Area:
    window = bpy.context.window_manager.windows[0]
    return next(area for area in window.screen.areas if area.type == kind)


def region_of(area: bpy.types.Area, kind: str) -> bpy.types.Region:
    return next(region for region in area.regions if region.type == kind)


def sidebar() -> bpy.types.Region:
    return region_of(view_area(), "UI")


def view(area: bpy.types.Area | None = None) -> object:
    """A context in which operators of an editor can be called; of the 3D viewport by itself."""
    area = area or view_area()
    window, region = bpy.context.window_manager.windows[0], region_of(area, "WINDOW")
    return bpy.context.temp_override(window=window, area=area, region=region)


def frame_the_face() -> None:
    view_3d = view_area().spaces.active
    view_3d.overlay.show_floor = False
    with view():
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_selected()
    view_3d.region_3d.view_perspective = "PERSP"


def show_tab() -> Iterator[float]:
    view_area().spaces.active.show_region_ui = True
    yield 1.0
    sidebar().active_panel_category = "Facegen"
    view_area().tag_redraw()
    yield 1.0
