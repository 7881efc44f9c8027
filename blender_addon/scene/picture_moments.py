"""Which moments of a clip its contact sheet shows, as the viewport shows them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facegen_core.intensity import Envelope

from . import viewport
from .mesh_bridge import Head
from .picture import Moment, Strip


def strips(head: Head, envelopes: Sequence[Envelope], frame_range: tuple[int, int]) -> list[Strip]:
    """Neutral, half-way up, apex and half-way down of every event."""
    return [_strip(head, events, frame_range) for events in _by_time(envelopes)]


def _strip(head: Head, events: Sequence[Envelope], frame_range: tuple[int, int]) -> Strip:
    event = events[0]
    moments = {
        "neutral": event.onset_start,
        "onset": (event.onset_start + event.apex_start) / 2,
        "apex": (event.apex_start + event.apex_end) / 2,
        "offset": (event.apex_end + event.offset_end) / 2,
    }
    shown = {name: int(np.clip(round(f), *frame_range)) for name, f in moments.items()}
    poses = tuple(
        Moment(f"{name}, frame {frame}", viewport.vertices_at(head, frame))
        for name, frame in shown.items()
    )
    return Strip(_title(events), poses)


def _by_time(envelopes: Sequence[Envelope]) -> list[list[Envelope]]:
    """Events that rise and fall together, such as an in-between of two expressions, as one."""
    together: dict[tuple[float, ...], list[Envelope]] = {}
    for envelope in envelopes:
        together.setdefault(envelope.marks, []).append(envelope)
    return list(together.values())


def _title(events: Sequence[Envelope]) -> str:
    if len(events) == 1:
        return f"{events[0].expression}, intensity {events[0].intensity:g}"
    return " + ".join(f"{event.intensity:.2g} {event.expression}" for event in events)
