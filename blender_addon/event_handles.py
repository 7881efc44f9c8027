"""Where the handles of events stand in an animation editor, and which the pointer hits; no bpy.

Events stand as bars at the lower edge of the region, as high as they are strong, in as few rows as
they fit without overlapping. So they never cover keys of the Graph Editor, and look the same there,
in the Dope Sheet and in the timeline. Pixels count from the region's lower left corner.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

Point = tuple[float, float]

# Sizes in pixels at a display scale of 1.
ROW_HEIGHT, ROW_GAP = 22.0, 3.0
GRIP_RADIUS = 4.0
HIT_RADIUS = 9.0
# A bar narrower than this has no handles of its own: it is moved as one.
LEAST_WIDTH = 44.0
# Handles of the apex stand at least so far apart.
LEAST_APEX = 26.0
# How far the pointer goes for the whole range of intensities.
INTENSITY_TRAVEL = 120.0
# Height of the weakest event, as a share of the row.
_WEAKEST = 0.35


@dataclass(frozen=True)
class View:
    """A region: frames at its left and right edge, its size, the display scale, its free edge.

    bottom, top: pixels at either edge that scroll bar and markers, or frame numbers, stand in.
    """

    left: float
    right: float
    width: float
    height: float
    scale: float = 1.0
    bottom: float = 0.0
    top: float = 0.0

    def x_of(self, frame: float) -> float:
        return (frame - self.left) * self.pixels_per_frame

    def frame_of(self, x: float) -> float:
        return self.left + x / self.pixels_per_frame

    @property
    def pixels_per_frame(self) -> float:
        return self.width / max(self.right - self.left, 1e-9)


@dataclass(frozen=True)
class Bar:
    """An event as it is drawn: its outline (4 points, from the onset on), and its handles by part.

    grips: empty where the bar is too narrow for them.
    """

    key: Hashable
    outline: tuple[Point, Point, Point, Point]
    grips: Mapping[str, Point]

    @property
    def is_narrow(self) -> bool:
        return not self.grips


Shown = tuple[Hashable, Sequence[float], float]  # key, four marks in frames, intensity


def lay_out(events: Sequence[Shown], view: View) -> list[Bar]:
    """The bars of events that can be seen, from left to right; none in a region too low for one."""
    free_from: list[float] = []  # in each row, the pixel after its last bar
    step = (ROW_HEIGHT + ROW_GAP) * view.scale
    num_rows = int((view.height - view.bottom - view.top) / step)
    if num_rows < 1:
        return []
    bars = []
    for key, marks, intensity in sorted(events, key=lambda shown: shown[1][0]):
        start, stop = view.x_of(marks[0]), view.x_of(marks[3])
        row = next((r for r, x in enumerate(free_from) if x <= start + 0.5), len(free_from))
        row = min(row, num_rows - 1)
        free_from[row : row + 1] = [stop]
        if stop >= 0 and start <= view.width:
            bars.append(_bar(key, marks, intensity, view, view.bottom + row * step))
    return bars


def hit(bars: Sequence[Bar], x: float, y: float, scale: float = 1.0) -> tuple[Bar, str] | None:
    """The bar and the part under a point: the nearest handle in reach, else a whole event."""
    reach, found = HIT_RADIUS * scale, None
    nearest = reach * reach
    for bar in bars:
        for part, (grip_x, grip_y) in bar.grips.items():
            distance = (grip_x - x) ** 2 + (grip_y - y) ** 2
            if distance <= nearest:
                nearest, found = distance, (bar, part)
    if found is not None:
        return found
    for bar in reversed(bars):  # the last is drawn on top
        (left, low), (_, high), _, (right, _) = bar.outline
        # A bar of a frame or two is still something to aim at.
        slack = max(0.0, 0.5 * (reach - (right - left)))
        if left - slack <= x <= right + slack and low <= y <= high:
            return bar, "event"
    return None


def pointed_at(part: str, start: float, dx: float, dy: float, view: View, fine: bool) -> float:
    """What a pull by (dx, dy) pixels makes of a frame, or of an intensity; a tenth where fine."""
    slow = 0.1 if fine else 1.0
    if part == "intensity":
        return start + slow * dy / (INTENSITY_TRAVEL * view.scale)
    return start + slow * dx / view.pixels_per_frame


def _bar(key: Hashable, marks: Sequence[float], intensity: float, view: View, low: float) -> Bar:
    xs = [view.x_of(mark) for mark in marks]
    room = (ROW_HEIGHT - GRIP_RADIUS) * view.scale
    high = low + room * (_WEAKEST + (1.0 - _WEAKEST) * min(max(intensity, 0.0), 1.0))
    outline = ((xs[0], low), (xs[1], high), (xs[2], high), (xs[3], low))
    if xs[3] - xs[0] < LEAST_WIDTH * view.scale:
        return Bar(key, outline, {})
    middle = 0.5 * (xs[1] + xs[2])
    apart = max(0.0, 0.5 * (LEAST_APEX * view.scale - (xs[2] - xs[1])))
    grips = {
        "onset_start": (xs[0], low),
        "apex_start": (xs[1] - apart, high),
        "intensity": (middle, high),
        "apex_end": (xs[2] + apart, high),
        "offset_end": (xs[3], low),
    }
    return Bar(key, outline, grips)
