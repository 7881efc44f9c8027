"""A preset out of what a head plays: curves over frames become events where they are plain ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .errors import PresetError
from .intensity import Envelope, check_intensities
from .layers import REGIONS, Layers
from .motion_engine import check_rate
from .presets import LAYERS, Keys, Preset

FloatArray = NDArray[np.floating]

# How far straight lines between the keys that are kept may be from a curve.
TOLERANCE = 0.004
_DIGITS = 4


def make_preset(
    name: str,
    intensities: FloatArray,
    frames_per_second: float,
    expressions: Sequence[str],
    layers: Layers | None = None,
    events: Iterable[Envelope] = (),
    description: str = "",
    tags: Sequence[str] = (),
) -> Preset:
    """A preset of (T, C) intensities at `frames_per_second`, which begins where they do.

    events: what is known of some expressions already, marks in rows of the T; their channels are
    not read. Raises PresetError where nothing is played, or in one frame only.
    """
    intensities = check_intensities(intensities, len(expressions))
    frames_per_second = check_rate(frames_per_second)
    if len(intensities) == 1:
        raise PresetError("A preset needs two frames at least, this range is one: widen the range.")
    acting = np.flatnonzero(intensities.any(axis=1))
    if len(acting) == 0:
        raise PresetError("There is nothing to save: every expression is at zero in this range.")
    first = max(int(acting[0]) - 1, 0)
    last = min(int(acting[-1]) + 1, len(intensities) - 1)
    seconds = (np.arange(len(intensities)) - first) / frames_per_second
    plain = [_in_seconds(event, first, frames_per_second) for event in events]
    known = {event.expression for event in plain}
    curves: dict[str, Keys] = {}
    for channel, expression in enumerate(expressions):
        if expression in known or not intensities[:, channel].any():
            continue
        values = intensities[first : last + 1, channel]
        keys = simplified(seconds[first : last + 1], values)
        read = _plain_events(expression, keys)
        if read is None:
            curves[expression] = keys
        else:
            plain += read
    plain.sort(key=lambda event: event.onset_start)
    spans = {} if layers is None else _layers(layers, seconds, slice(first, last + 1))
    shifts = {} if layers is None else dict(zip(REGIONS, layers.shifts, strict=True))
    return Preset(
        name,
        description,
        tuple(tags),
        tuple(plain),
        curves,
        spans,
        {region: round(shift, _DIGITS) for region, shift in shifts.items() if shift},
    )


def simplified(times: FloatArray, values: FloatArray, tolerance: float = TOLERANCE) -> Keys:
    """The fewest keys found whose straight lines stay within `tolerance` of a curve.

    Ramer (1972) and Douglas & Peucker (1973), measured along the values.
    """
    kept = {0, len(times) - 1}
    spans = [(0, len(times) - 1)]
    while spans:
        low, high = spans.pop()
        if high - low < 2:
            continue
        ends = [times[low], times[high]], [values[low], values[high]]
        apart = np.abs(values[low : high + 1] - np.interp(times[low : high + 1], *ends))
        worst = low + int(apart.argmax())
        if apart.max() > tolerance:
            kept.add(worst)
            spans += [(low, worst), (worst, high)]
    return tuple(
        (round(float(times[k]), _DIGITS), round(float(values[k]), _DIGITS)) for k in sorted(kept)
    )


def _plain_events(expression: str, keys: Keys) -> list[Envelope] | None:
    """The keys as linear envelopes one after the other, or None where they are something else."""
    events, row = [], 0
    values = [value for _, value in keys]
    while row < len(keys) - 1:
        if values[row] == 0.0 and values[row + 1] == 0.0:
            row += 1
            continue
        for length in (4, 3):
            span = keys[row : row + length]
            if len(span) == length and _is_envelope([value for _, value in span]):
                marks = (span[0][0], span[1][0], span[-2][0], span[-1][0])
                events.append(Envelope(expression, *marks, span[1][1]))
                row += length - 1
                break
        else:
            return None
    return events


def _is_envelope(values: list[float]) -> bool:
    is_level = abs(values[1] - values[-2]) <= TOLERANCE
    return values[0] == 0.0 and values[-1] == 0.0 and values[1] > 0.0 and is_level


def _in_seconds(event: Envelope, first: int, frames_per_second: float) -> Envelope:
    marks = [round((mark - first) / frames_per_second, _DIGITS) for mark in event.marks]
    return replace(  # whatever else it says stays
        event,
        onset_start=marks[0],
        apex_start=marks[1],
        apex_end=marks[2],
        offset_end=marks[3],
    )


def _layers(layers: Layers, seconds: FloatArray, rows: slice) -> dict[str, float | Keys]:
    values = {region: layers.gains[:, k] for k, region in enumerate(REGIONS)}
    values |= {"asymmetry": layers.asymmetry, "extremeness": layers.extremeness}
    result: dict[str, float | Keys] = {}
    for name, track in values.items():
        played, neutral = track[rows], LAYERS[name][2]
        if np.abs(played - neutral).max() <= TOLERANCE:
            continue
        keys = simplified(seconds[rows], played)
        is_level = np.ptp(played) <= TOLERANCE
        result[name] = round(float(played.mean()), _DIGITS) if is_level else keys
    return result
