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
from findings import check, figures, screenshot

TICK_SECONDS = 0.25
# How long one job may take: a crowded machine without a graphics card needs far more than a desk.
PATIENCE_SECONDS = float(os.environ.get("PATIENCE_SECONDS", "300"))


def click(x: int, y: int) -> None:
    top = bpy.context.window_manager.windows[0].height
    down = str(top - y)
    subprocess.Popen(
        ["xdotool", "mousemove", str(x - 3), down, "sleep", "0.15", "mousemove", str(x), down,
         "sleep", "0.15", "click", "1"]
    )  # fmt: skip


def press(*keys: str) -> None:
    subprocess.Popen(["xdotool", "key", "--delay", "120", *keys])


def scroll_sidebar(button: str) -> Iterator[float]:
    """Turn the wheel over the sidebar to its end: button 4 is up, 5 is down."""
    region = sidebar()
    top = bpy.context.window_manager.windows[0].height
    subprocess.Popen(
        ["xdotool", "mousemove", str(region.x + 80), str(top - region.y - region.height // 2)]
    )
    yield 0.5
    for _ in range(20):
        subprocess.Popen(["xdotool", "click", button])
        yield 0.1
    yield 0.7


def click_until(label: str, is_done: Callable[[], bool], first_height: int = 40) -> Iterator[float]:
    """Really click down the panel until the button answers; else invoke the operator and say so."""
    region = sidebar()
    for height in range(first_height, first_height + 160, 9):
        click(region.x + region.width // 2, region.y + region.height - height)
        yield 1.2
        if is_generating() or is_done():
            figures[f"{label.lower()}_height"] = height
            break
    was_clicked = is_generating() or is_done()
    check(f"a mouse click starts {label}", was_clicked)
    if not was_clicked:
        with view():
            getattr(bpy.ops.facegen, label.lower())("INVOKE_DEFAULT")
        yield 0.3
    screenshot(f"3-{label.lower()}ing")
    start = time.time()
    yield from wait_while(lambda: is_generating() and not is_done())
    figures[f"{label.lower()}_seconds"] = round(time.time() - start, 2)
    yield 0.5
    check(f"{label} succeeds", is_done())


def is_generating() -> bool:
    """Whether one of our modal operators is running in the window."""
    names = {
        operator.bl_idname for operator in bpy.context.window_manager.windows[0].modal_operators
    }
    return any("facegen" in name.lower() for name in names)


def wait_while(condition: Callable[[], bool]) -> Iterator[float]:
    start = time.time()
    while condition() and time.time() - start < PATIENCE_SECONDS:
        yield TICK_SECONDS


def view_area() -> bpy.types.Area:
    window = bpy.context.window_manager.windows[0]
    return next(area for area in window.screen.areas if area.type == "VIEW_3D")


def sidebar() -> bpy.types.Region:
    return next(region for region in view_area().regions if region.type == "UI")


def view() -> object:
    """A context in which operators of the 3D viewport can be called."""
    window, area = bpy.context.window_manager.windows[0], view_area()
    region = next(region for region in area.regions if region.type == "WINDOW")
    return bpy.context.temp_override(window=window, area=area, region=region)


def frame_the_face() -> None:
    view_3d = view_area().spaces.active
    view_3d.overlay.show_floor = False
    view_3d.shading.show_cavity = True
    with view():
        bpy.ops.view3d.view_axis(type="FRONT")
        bpy.ops.view3d.view_selected()
    view_3d.region_3d.view_perspective = "PERSP"
