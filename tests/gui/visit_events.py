"""Events in a window: handles over the animation editors pulled with the real pointer."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import bpy
from findings import check, screenshot
from hand import view, view_area
from scene import addon

# Where a handle is drawn and what it is called: (channel, which of its events, part).
Handle = tuple[str, int, str]
EVENTS = (
    ("happy", "linear", (1, 12, 30, 45)),
    ("surprise", "smooth", (50, 56, 70, 85)),
)


def visit() -> Iterator[float]:
    """Drag in the Graph Editor, the Dope Sheet and the timeline; ESC; one undo step."""
    with view():
        bpy.ops.object.select_all(action="DESELECT")
        bpy.ops.mesh.primitive_uv_sphere_add(location=(2.0, 0.0, 0.0))
        head_name = bpy.context.object.name
        for expression, ease, marks in EVENTS:
            bpy.ops.facegen.add_expression(
                "EXEC_DEFAULT",
                True,  # an undo step, as a click on the button makes
                expression=expression,
                ease=ease,
                onset_start=marks[0],
                apex_start=marks[1],
                apex_end=marks[2],
                offset_end=marks[3],
            )
    area = view_area()
    for number, kind in enumerate(("FCURVES", "DOPESHEET", "TIMELINE"), 70):
        area.ui_type = kind
        yield 1.0
        yield from show_all(area)
        screenshot(f"{number}-handles")
        yield from drag_and_let_go(head_name, area, number)
    area.ui_type = "VIEW_3D"
    yield 1.0


def drag_and_let_go(head_name: str, area: bpy.types.Area, number: int) -> Iterator[float]:
    before = events_of(head_name)
    where = area.ui_type.lower()
    yield from pull(area, ("happy", 0, "apex_end"), frames=8.0, end="hold")
    screenshot(f"{number}-dragging")
    moved = events_of(head_name)
    check(
        f"{where}: the face's keys follow the pointer", moved["happy"][0][2] in (37.0, 38.0, 39.0)
    )
    check(f"{where}: other marks stay", moved["happy"][0][:2] == before["happy"][0][:2])
    yield from release("Escape")
    check(f"{where}: ESC puts them back", events_of(head_name) == before)

    yield from pull(area, ("happy", 0, "apex_end"), frames=8.0)
    after = events_of(head_name)
    check(f"{where}: letting go keeps them", after["happy"][0][2] in (37.0, 38.0, 39.0))
    check(f"{where}: the other event is untouched", after["surprise"] == before["surprise"])
    yield from pull(area, ("surprise", 0, "event"), frames=6.0)
    check(f"{where}: a whole event is moved", events_of(head_name)["surprise"][0][0] > 54.0)
    yield from pull(area, ("surprise", 0, "intensity"), pixels_up=-48)
    weaker = events_of(head_name)["surprise"][0][4]
    check(f"{where}: the peak is pulled down", 0.5 < weaker < 0.7)
    screenshot(f"{number}-dragged")
    for _ in range(3):
        bpy.ops.ed.undo()
        yield 0.7
    check(f"{where}: three undo steps take three drags back", events_of(head_name) == before)


def pull(
    area: bpy.types.Area,
    handle: Handle,
    frames: float = 0.0,
    pixels_up: int = 0,
    end: str = "release",
) -> Iterator[float]:
    """Press on a handle and pull it; `end` "hold" keeps the button down."""
    x, y, per_frame = place_of(area, handle)
    top = bpy.context.window_manager.windows[0].height
    dx, down = round(frames * per_frame), top - y
    steps = ["mousemove", str(x - 2), str(down), "sleep", "0.3", "mousemove", str(x), str(down)]
    steps += ["sleep", "0.3", "mousedown", "1", "sleep", "0.3"]
    for share in (0.25, 0.5, 0.75, 1.0):
        steps += ["mousemove", str(round(x + share * dx)), str(round(down - share * pixels_up))]
        steps += ["sleep", "0.2"]
    subprocess.Popen(["xdotool", *steps])
    yield 3.5
    if end == "release":
        yield from release()


def release(key: str = "") -> Iterator[float]:
    """Let the button go, after a key where one is given."""
    press = ["key", key, "sleep", "0.3"] if key else []
    subprocess.Popen(["xdotool", *press, "mouseup", "1"])
    yield 1.5


def place_of(area: bpy.types.Area, handle: Handle) -> tuple[int, int, float]:
    """Pixels of a handle in the window, from its lower left corner, and pixels per frame."""
    handles, event_view = addon("event_handles"), addon("scene.event_view")
    attribute, number, part = handle
    with InArea(area) as region:
        view = event_view.view_of(bpy.context)
        shown = [item.shown for item in event_view.shown_events(bpy.context)]
        bar = next(b for b in handles.lay_out(shown, view) if b.key == (attribute, number))
    if part == "event":  # over the fade, away from every handle
        (_, low), (fade, high), (end, _) = bar.outline[0], bar.outline[2], bar.outline[3]
        x, y = 0.7 * fade + 0.3 * end, low + 0.35 * (high - low)
    else:
        x, y = bar.grips[part]
    return round(region.x + x), round(region.y + y), view.pixels_per_frame


def show_all(area: bpy.types.Area) -> Iterator[float]:
    """Show every key, wherever the editor was."""
    with InArea(area):
        if area.ui_type == "TIMELINE":  # it shows the frames of the scene
            bpy.context.scene.frame_end = 110
        if area.type == "GRAPH_EDITOR":
            bpy.ops.graph.view_all()
        else:
            bpy.ops.action.view_all()
    yield 1.5


class InArea:
    """A context of the main region of an area; gives that region."""

    def __init__(self, area: bpy.types.Area) -> None:
        window = bpy.context.window_manager.windows[0]
        self.region = next(r for r in area.regions if r.type == "WINDOW")
        self.override = bpy.context.temp_override(window=window, area=area, region=self.region)

    def __enter__(self) -> bpy.types.Region:
        self.override.__enter__()
        return self.region

    def __exit__(self, *about: object) -> None:
        self.override.__exit__(*about)


def events_of(head_name: str) -> dict[str, list[tuple[float, ...]]]:
    """{channel: (four marks, intensity) of each event}, rounded as a person reads them."""
    found: dict[str, list[tuple[float, ...]]] = {}
    for item in addon("scene.events").events_of(bpy.data.objects[head_name]):
        event = item.event
        numbers = (*event.marks, event.intensity)
        found.setdefault(item.channel.attribute, []).append(tuple(round(n, 4) for n in numbers))
    return found
