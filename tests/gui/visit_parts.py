"""What the match found: heat map on and off, a part corrected through its menu, landmarks."""

from __future__ import annotations

from collections.abc import Iterator

import bpy
from findings import check, screenshot
from hand import click, find, is_generating, press, press_button, view, view_area, wait_while
from scene import head


def visit() -> Iterator[float]:
    yield from press_button("Heat Map (mm)", lambda: bool(head().facegen.heat_map))
    yield from wait_while(is_generating)
    yield 0.8
    screenshot("10-heat-map")
    yield from press_button("Heat Map (mm)", lambda: not head().facegen.heat_map)
    yield from wait_while(is_generating)
    check("the heat map goes away again", not head().facegen.heat_map)
    shading = view_area().spaces.active.shading
    check("and the shading is as before", shading.color_type == "MATERIAL")

    place = yield from find("Parts Found")
    if place:
        click(*place)
    yield 1.5
    screenshot("11-parts-found")
    row = yield from find("Upper teeth")
    for _ in range(3):
        if row is None or corrected():
            break
        click(*row)
        yield 1.0
        screenshot("12-kind-menu")
        press("Down", "Down", "Down", "Return")
        yield 2.0
        yield from wait_while(is_generating)
        yield 0.3
    check("a part is corrected through its menu", corrected())
    screenshot("13-corrected")
    if corrected():
        yield from press_button("Reset to Automatic", lambda: not head().facegen.corrections)
        yield from wait_while(is_generating)
    check("reset brings it back", not head().facegen.corrections)
    place = yield from find("Parts Found")
    if place:
        click(*place)
    yield 1.0

    with view():
        bpy.ops.facegen.show_landmarks("INVOKE_DEFAULT")
    yield from wait_while(is_generating)
    yield 0.8
    screenshot("14-landmarks")
    check("landmarks are shown", len(head().children) >= 13)
    with view():
        bpy.ops.facegen.remove_landmarks("EXEC_DEFAULT", True)
    yield 0.5


def corrected() -> bool:
    return any(row.is_corrected for row in head().facegen.found_parts)
