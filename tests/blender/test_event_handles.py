"""Where the handles of events stand and what the pointer hits, at any zoom, without Blender."""

from __future__ import annotations

import itertools

import pytest

from blender_addon import event_handles
from blender_addon.event_handles import GRIP_RADIUS, HIT_RADIUS, View, hit, lay_out, pointed_at
from facegen_core.event_dragging import PARTS

HAPPY = ("happy", (1.0, 12.0, 30.0, 45.0), 1.0)
SAD = ("sad", (40.0, 50.0, 60.0, 80.0), 0.5)
VIEW = View(left=-5.0, right=95.0, width=1000.0, height=300.0, bottom=22.0)


def test_bars_stand_at_their_frames_and_as_high_as_they_are_strong() -> None:
    happy, sad = lay_out([HAPPY, SAD], VIEW)
    assert [x for x, _ in happy.outline] == pytest.approx([60.0, 170.0, 350.0, 500.0])
    assert happy.outline[0][1] == VIEW.bottom
    heights = [bar.outline[1][1] - bar.outline[0][1] for bar in (happy, sad)]
    assert 0 < heights[1] < heights[0] <= event_handles.ROW_HEIGHT
    assert VIEW.frame_of(VIEW.x_of(12.5)) == pytest.approx(12.5)


def test_events_that_overlap_stand_in_rows_and_those_that_touch_share_one() -> None:
    bars = lay_out([HAPPY, SAD, ("fear", (45.0, 50.0, 55.0, 60.0), 1.0)], VIEW)
    lows = [bar.outline[0][1] for bar in bars]
    assert lows[0] == lows[2] < lows[1]
    assert all(bar.outline[1][1] < VIEW.height for bar in bars)


@pytest.mark.parametrize("scale", [1.0, 2.0])
@pytest.mark.parametrize("apex_end", [12.0, 13.0, 30.0])
def test_every_handle_can_be_hit(scale: float, apex_end: float) -> None:
    view = View(-5.0, 95.0, 1000.0 * scale, 300.0 * scale, scale, 22.0 * scale)
    (bar,) = lay_out([("happy", (1.0, 12.0, apex_end, 45.0), 0.7)], view)
    assert set(bar.grips) == {part for part in PARTS if part != "event"}
    for part, (x, y) in bar.grips.items():
        assert hit([bar], x, y, scale) == (bar, part)
        assert hit([bar], x + 0.4 * GRIP_RADIUS * scale, y, scale) == (bar, part)
    places = sorted(x for x, _ in bar.grips.values())
    nearest = min(b - a for a, b in itertools.pairwise(places))
    assert nearest >= 2 * GRIP_RADIUS * scale, "handles do not cover one another"


def test_beside_the_handles_the_whole_event_is_hit_and_off_it_nothing() -> None:
    bars = lay_out([HAPPY, SAD], VIEW)
    x, y = 300.0, VIEW.bottom + 5.0
    assert hit(bars, x, y) == (bars[0], "event")
    assert hit(bars, x, VIEW.bottom + 100.0) is None
    assert hit(bars, 60.0 - 2 * HIT_RADIUS, y) is None
    assert hit(bars, x, VIEW.bottom - 2 * HIT_RADIUS) is None


def test_a_bar_of_few_pixels_is_moved_as_one() -> None:
    far = View(-5000.0, 5000.0, 1000.0, 300.0)
    (bar,) = lay_out([HAPPY], far)
    assert bar.is_narrow
    assert hit([bar], far.x_of(20.0), 5.0) == (bar, "event")


def test_what_is_out_of_sight_is_not_drawn() -> None:
    assert lay_out([HAPPY], View(100.0, 200.0, 1000.0, 300.0)) == []
    assert lay_out([], VIEW) == []


def test_a_low_region_keeps_its_bars_in_it_or_has_none() -> None:
    assert lay_out([HAPPY], View(-5.0, 95.0, 1000.0, 60.0, bottom=22.0, top=24.0)) == []
    low = View(-5.0, 95.0, 1000.0, 75.0, bottom=22.0, top=24.0)
    many = [(n, (1.0 + n, 12.0, 30.0, 45.0), 1.0) for n in range(9)]
    bars = lay_out(many, low)
    assert len(bars) == 9
    assert max(bar.outline[1][1] for bar in bars) <= 75.0 - 24.0


def test_a_pull_goes_as_far_as_the_pointer_and_a_tenth_of_it_with_shift() -> None:
    assert pointed_at("apex_end", 30.0, 50.0, 7.0, VIEW, fine=False) == pytest.approx(35.0)
    assert pointed_at("apex_end", 30.0, 50.0, 7.0, VIEW, fine=True) == pytest.approx(30.5)
    travel = event_handles.INTENSITY_TRAVEL
    assert pointed_at("intensity", 0.5, 50.0, travel / 4, VIEW, fine=False) == pytest.approx(0.75)
