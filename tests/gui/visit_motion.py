"""Curves and keys: a second expression, cancel, generate, scrub, drag a key, undo and redo."""

from __future__ import annotations

import time
from collections.abc import Iterator

import bpy
import numpy as np
from findings import check, figures, screenshot
from hand import (
    PATIENCE_SECONDS,
    area_of,
    drag,
    is_generating,
    press,
    press_button,
    region_of,
    view,
    wait_while,
)
from scene import addon, head, key_places, keyed_channels, num_keys, shown_vertices


def visit() -> Iterator[float]:
    with view():
        bpy.ops.facegen.add_expression(
            "EXEC_DEFAULT",
            True,  # an undo step, as a click on the button makes
            expression="surprise",
            onset_start=50,
            apex_start=56,
            apex_end=70,
            offset_end=85,
        )
    check("two expressions are keyed", keyed_channels() == ["happy", "surprise"])
    yield from cancelled()
    yield from generated()
    yield from undone()  # before the playhead is dragged, which is an undo step of its own
    yield from scrubbed()
    yield from dragged()


def cancelled() -> Iterator[float]:
    before = num_keys()
    yield from press_button("Generate", is_generating, is_wide=True)
    check("generating runs modally", is_generating())
    screenshot("30-generating")
    press("Escape")
    yield from wait_while(is_generating)
    yield 0.5
    check("ESC leaves the shape keys as they were", num_keys() == before)
    screenshot("31-cancelled")


def generated() -> Iterator[float]:
    start = time.time()
    yield from press_button("Generate", is_generating, is_wide=True)
    gaps, before = [], time.time()
    while is_generating() and time.time() - start < PATIENCE_SECONDS:
        yield 0.05
        gaps.append(time.time() - before)
        before = time.time()
    figures["generate_seconds"] = round(time.time() - start, 2)
    figures["longest_freeze_seconds"] = round(max(gaps, default=0.0), 2)
    check("generating writes shape keys", num_keys() > 1)
    figures["keys"] = num_keys() - 1
    for frame, name in ((1, "neutral"), (21, "happy"), (63, "surprise"), (85, "end")):
        bpy.context.scene.frame_set(frame)
        yield 1.0
        screenshot(f"32-{name}")


def scrubbed() -> Iterator[float]:
    """The playhead dragged along the timeline moves the face."""
    bpy.context.scene.frame_set(1)
    yield 0.5
    rest = shown_vertices()
    region = region_of(area_of("DOPESHEET_EDITOR"), "WINDOW")
    top = region.y + region.height - 10  # the ruler with the frame numbers
    places = [(region.x + region.view2d.view_to_region(f, 0, clip=False)[0], top) for f in (1, 63)]
    middle = ((places[0][0] + places[1][0]) // 2, top)
    yield from drag(places[0], middle, places[1])
    yield 0.8
    figures["scrubbed_to"] = bpy.context.scene.frame_current
    check("scrubbing moves the playhead", 55 <= bpy.context.scene.frame_current <= 70)
    moved = np.abs(shown_vertices() - rest).max()
    check("and the face with it", moved > 0.002)
    screenshot("33-scrubbed")


def undone() -> Iterator[float]:
    with view():
        bpy.ops.ed.undo()
    yield 1.0
    check("one undo removes every key", num_keys() <= 1)
    check("and leaves the expressions", keyed_channels() == ["happy", "surprise"])
    screenshot("34-undone")
    with view():
        bpy.ops.ed.redo()
    yield 1.0
    check("redo brings them back", num_keys() > 1)


def dragged() -> Iterator[float]:
    """A key dragged in the Graph Editor is where the hand let it go, and a live face follows it."""
    area = area_of("PROPERTIES")
    area.ui_type = "FCURVES"
    bpy.context.scene.frame_set(18)  # at the apex of the first expression
    head().facegen.is_live = True
    yield 1.0
    area.spaces.active.show_region_channels = False
    with view(area):
        bpy.ops.graph.view_all()
    yield 3.0
    places, before = key_places("happy"), shown_vertices()
    region = region_of(area, "WINDOW")
    apex = max(places, key=lambda place: place[1])
    x, y = region.view2d.view_to_region(*apex, clip=False)
    start = (region.x + x, region.y + y)
    screenshot("35-graph-editor")
    for _ in range(3):
        yield from drag(start, (start[0] + 2, start[1] - 20), (start[0] + 4, start[1] - 60))
        yield 1.0
        if key_places("happy") != places:
            break
    moved = [k for k, place in enumerate(key_places("happy")) if place != places[k]]
    check("a key is dragged in the Graph Editor", len(moved) > 0)
    check("and no other key with it", len(moved) == 1 and key_places("surprise")[0][0] == 50.0)
    screenshot("36-key-dragged")
    yield from wait_while(lambda: np.abs(shown_vertices() - before).max() < 2e-4, "live")
    check("the live face follows", np.abs(shown_vertices() - before).max() >= 2e-4)
    yield 3.0
    screenshot("37-after-a-moment")
    with view():
        bpy.ops.ed.undo()
    yield 1.0
    check("one undo puts the key back", key_places("happy") == places)
    head().facegen.is_live = False
    yield from wait_while(lambda: addon("live")._sessions)
    yield 1.0
    area.ui_type = "PROPERTIES"
    yield 1.0
