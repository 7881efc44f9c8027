"""Which moments the contact sheet shows, and what it calls them."""

from __future__ import annotations

import numpy as np
import pytest

from facegen_core.intensity import Envelope, parse_event

pytest.importorskip("bpy", reason="pictures are taken in Blender")

from blender_addon.scene import picture_moments


@pytest.fixture(autouse=True)
def frames_as_vertices(monkeypatch: pytest.MonkeyPatch) -> None:
    """The viewport answers with the frame it was asked for."""
    monkeypatch.setattr(
        picture_moments.viewport, "vertices_at", lambda head, frame: np.full((1, 3), frame)
    )


def test_an_event_is_seen_at_rest_rising_at_its_apex_and_fading() -> None:
    (strip,) = picture_moments.strips(None, [Envelope("happy", 1, 11, 31, 45, 0.5)], (1, 40))
    assert strip.title == "happy, intensity 0.5"
    assert [m.vertices[0, 0] for m in strip.moments] == [1, 6, 21, 38]
    assert [m.caption.split(",")[0] for m in strip.moments] == [
        "neutral",
        "onset",
        "apex",
        "offset",
    ]


def test_an_in_between_is_one_strip_that_names_both() -> None:
    events = [*parse_event("happy~surprise:0.4@1,12,30,45"), Envelope("sad", 2, 12, 30, 45)]
    titles = [strip.title for strip in picture_moments.strips(None, events, (1, 45))]
    assert titles == ["0.6 happy + 0.4 surprise", "sad, intensity 1"]
