"""Presets: expressions over time that any matched head can play, as a small JSON file.

Times are seconds from the preset's start, so that a preset is the same at any frame rate. It holds
events, or curves where they were drawn by hand, and what lies over them: a number for the whole
length of a layer, or its keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import schemas
from .errors import FacegenError, IntensityError, PresetError
from .file_words import unread
from .intensity import LONGEST_RANGE, Envelope, sample_envelopes
from .json_text import one_line, read_json, shown
from .layers import MAX_EXTREMENESS, MAX_GAIN, MAX_SHIFT_SECONDS, REGIONS, Layers
from .motion_engine import check_rate

FloatArray = NDArray[np.floating]
Keys = tuple[tuple[float, float], ...]

FORMAT, VERSION = "facegen_preset", schemas.PRESET.version
# {name of a layer: least value, greatest, and the one that changes nothing}.
LAYERS = {
    **{region: (0.0, MAX_GAIN, 1.0) for region in REGIONS},
    "asymmetry": (-1.0, 1.0, 0.0),
    "extremeness": (0.0, MAX_EXTREMENESS, 1.0),
}
MAX_SECONDS, MAX_NAME = 60.0, 40
# A layer of one number is there from this share of the first onset on, and as much before the end.
_RAMP_SHARE = 0.35
_EASES = ("onset_ease", "offset_ease")


@dataclass(frozen=True)
class Preset:
    """A named piece of acting. Read one with `preset_of` or `read_preset`, which check it.

    events: envelopes whose marks are seconds. curves: {expression: keys (seconds, intensity)},
    straight between them. layers: {name of LAYERS: a number, or keys (seconds, value)}.
    shifts: {region: seconds it runs later}.
    """

    name: str
    description: str = ""
    tags: tuple[str, ...] = ()
    events: tuple[Envelope, ...] = ()
    curves: Mapping[str, Keys] = field(default_factory=dict)
    layers: Mapping[str, float | Keys] = field(default_factory=dict)
    shifts: Mapping[str, float] = field(default_factory=dict)

    @property
    def expressions(self) -> tuple[str, ...]:
        """Those it plays, each once, in order."""
        return tuple(dict.fromkeys([*(event.expression for event in self.events), *self.curves]))

    @property
    def seconds(self) -> tuple[float, float]:
        """When its first expression begins to move, and when its last is over."""
        starts = [event.onset_start for event in self.events]
        ends = [event.offset_end for event in self.events]
        for keys in self.curves.values():
            starts.append(keys[0][0])
            ends.append(keys[-1][0])
        return min(starts), max(ends)


@dataclass(frozen=True)
class Staging:
    """Where and how a preset is played.

    start: frame of its time 0. strength: factor on intensities, which end at 1. tempo: 2 is twice
    as fast.
    """

    start: float
    frames_per_second: float
    strength: float = 1.0
    tempo: float = 1.0

    def frame(self, seconds: float) -> float:
        """The whole frame nearest to a time of the preset."""
        return float(np.floor(self.start + seconds * self._rate + 0.5))

    def frames(self, seconds: float) -> float:
        """How many frames a span of time is, not rounded."""
        return seconds * self._rate

    @property
    def _rate(self) -> float:
        return self.frames_per_second / self.tempo


def envelopes_of(preset: Preset, staging: Staging) -> tuple[Envelope, ...]:
    """The events on whole frames, every ramp at least one frame long."""
    result = []
    for event in preset.events:
        marks = [staging.frame(mark) for mark in event.marks]
        marks[1] = max(marks[1], marks[0] + 1)
        marks[2] = max(marks[2], marks[1])
        marks[3] = max(marks[3], marks[2] + 1)
        intensity = min(event.intensity * staging.strength, 1.0)
        result.append(
            replace(
                event,
                onset_start=marks[0],
                apex_start=marks[1],
                apex_end=marks[2],
                offset_end=marks[3],
                intensity=intensity,
            )
        )
    return tuple(result)


def curves_of(preset: Preset, staging: Staging) -> dict[str, FloatArray]:
    """{expression: (N, 2) frames and intensities} of what was drawn by hand."""
    curves = {}
    for name, keys in preset.curves.items():
        frames, values = np.array(keys, np.float64).T
        frames = staging.start + np.array([staging.frames(second) for second in frames])
        curves[name] = np.stack([frames, np.clip(values * staging.strength, 0.0, 1.0)], axis=1)
    return curves


def layer_keys(preset: Preset, staging: Staging) -> dict[str, FloatArray]:
    """{name of LAYERS: (N, 2) frames and values} between the preset's ends, N at least 1.

    The ends themselves belong to what the head has before and after.
    """
    begins, ends = preset.seconds
    first = min(preset.events, key=lambda event: event.onset_start, default=None)
    onset = (ends - begins) / 4 if first is None else first.apex_start - first.onset_start
    ramp = min(_RAMP_SHARE * onset, (ends - begins) / 4)
    result = {}
    for name, value in preset.layers.items():
        keys: Keys
        if isinstance(value, (int, float)):
            keys = ((begins + ramp, float(value)), (ends - ramp, float(value)))
        else:
            keys = value
        placed = {staging.frame(second): level for second, level in keys}
        result[name] = np.array(sorted(placed.items()))
    return result


def sample_preset(
    preset: Preset, frames_per_second: float, expressions: Sequence[str]
) -> tuple[FloatArray, Layers]:
    """(T, C) intensities and the layers of a preset played on a head that has none of its own."""
    frames_per_second = check_rate(frames_per_second)
    begins, ends = preset.seconds
    if (ends - begins) * frames_per_second > LONGEST_RANGE:
        raise IntensityError(
            f"At {frames_per_second:g} frames per second {preset.name} lasts longer than "
            f"{LONGEST_RANGE:,} frames: choose a lower frame rate."
        )
    unknown = [name for name in preset.curves if name not in expressions]
    if unknown:
        raise IntensityError(
            f"Unknown expression '{unknown[0]}': this model has {', '.join(expressions)}."
        )
    staging = Staging(0.0, frames_per_second)
    frames = np.arange(np.floor(begins * frames_per_second), ends * frames_per_second + 1)
    intensities = sample_envelopes(envelopes_of(preset, staging), frames, expressions)
    for name, keys in curves_of(preset, staging).items():
        channel = list(expressions).index(name)
        drawn = np.interp(frames, *keys.T)
        intensities[:, channel] = np.maximum(intensities[:, channel], drawn)
    values = {name: np.full(len(frames), neutral) for name, (_, _, neutral) in LAYERS.items()}
    for name, keys in layer_keys(preset, staging).items():
        rest = values[name][0]
        around = np.array([[frames[0], rest], *keys, [frames[-1], rest]])
        values[name] = np.interp(frames, *around.T)
    shifts = tuple(float(preset.shifts.get(region, 0.0)) for region in REGIONS)
    gains = np.stack([values[region] for region in REGIONS], axis=1)
    return intensities, Layers(gains, shifts, values["asymmetry"], values["extremeness"])


def read_preset(path: Path) -> Preset:
    """The preset of a JSON file. Raises PresetError that names the file and what is wrong."""
    try:
        content = read_json(path)
    except OSError as error:
        raise PresetError(f"Cannot read the preset {path.name}: {unread(error)}.") from error
    except ValueError as error:
        raise PresetError(f"{path.name} is not a preset: it is not JSON ({error}).") from error
    return preset_of(content, path.name)


def preset_of(content: object, where: str) -> Preset:
    """The preset of JSON values; `where` is how errors call it. Raises PresetError."""
    if not isinstance(content, dict) or FORMAT not in content:
        raise PresetError(f'{where} is not a preset: it must say "{FORMAT}": {VERSION}.')
    content = schemas.PRESET.brought_up(content, content[FORMAT], where, PresetError)
    try:
        return _preset(content)
    except PresetError as error:
        raise PresetError(f"{where}: {one_line(error)}") from None
    except FacegenError as error:
        raise PresetError(f"{where}: an event is wrong: {one_line(error)}") from None
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        lost = (
            f"it lacks {one_line(error, 60)}"
            if isinstance(error, KeyError)
            else "a value is of a wrong kind"
        )
        raise PresetError(f"{where} is damaged: {lost}; save it anew, or get it again.") from error


def content_of(preset: Preset) -> dict[str, Any]:
    """The preset as JSON values, those that say nothing left out."""
    events = [
        {
            "expression": event.expression,
            "seconds": list(event.marks),
            "intensity": event.intensity,
            **{name: getattr(event, name) for name in _EASES},
        }
        for event in preset.events
    ]
    content: dict[str, Any] = {
        FORMAT: VERSION,
        "name": preset.name,
        "description": preset.description,
        "tags": list(preset.tags),
        "events": events,
        "curves": {name: [list(key) for key in keys] for name, keys in preset.curves.items()},
        "layers": {
            name: value if isinstance(value, (int, float)) else [list(key) for key in value]
            for name, value in preset.layers.items()
        },
        "shifts": dict(preset.shifts),
    }
    return {name: value for name, value in content.items() if value not in ("", [], {})}


def _preset(content: dict[str, Any]) -> Preset:
    known = {FORMAT, "name", "description", "tags", "events", "curves", "layers", "shifts"}
    unknown = sorted(set(content) - known)
    if unknown:
        raise PresetError(f"it has '{unknown[0]}', which no preset has.")
    name = content.get("name")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= MAX_NAME:
        raise PresetError(f"its name must be 1 to {MAX_NAME} characters.")
    preset = Preset(
        name.strip(),
        str(content.get("description", "")),
        tuple(str(tag) for tag in content.get("tags", ())),
        tuple(_event(event) for event in content.get("events", ())),
        {str(n): _keys(n, keys, 0.0, 1.0) for n, keys in content.get("curves", {}).items()},
        {n: _layer(n, value) for n, value in content.get("layers", {}).items()},
        {n: _shift(n, value) for n, value in content.get("shifts", {}).items()},
    )
    if not preset.expressions:
        raise PresetError("it plays no expression.")
    begins, ends = preset.seconds
    if begins < 0 or ends > MAX_SECONDS:
        raise PresetError(f"its expressions must lie between 0 and {MAX_SECONDS:g} seconds.")
    return preset


def _event(content: dict[str, Any]) -> Envelope:
    if not isinstance(content["expression"], str):
        raise PresetError(f"an expression must be a name, not {shown(content['expression'])}.")
    eases = {name: content[name] for name in _EASES if name in content}
    marks = [_number("a time", mark) for mark in content["seconds"]]
    if len(marks) != 4:
        raise PresetError("an event needs four times: onset, apex start, apex end, offset.")
    intensity = _number("an intensity", content.get("intensity", 1.0))
    onset_start, apex_start, apex_end, offset_end = marks
    return Envelope(
        str(content["expression"]),
        onset_start,
        apex_start,
        apex_end,
        offset_end,
        intensity,
        **eases,
    )


def _layer(name: str, value: Any) -> float | Keys:
    if name not in LAYERS:
        raise PresetError(f"'{name}' is no layer: they are {', '.join(LAYERS)}.")
    low, high, _ = LAYERS[name]
    if isinstance(value, (int, float)):
        return _number(name, value, low, high)
    return _keys(name, value, low, high)


def _shift(name: str, value: Any) -> float:
    if name not in REGIONS:
        raise PresetError(f"'{name}' is no region to shift: they are {', '.join(REGIONS)}.")
    return _number(f"the shift of {name}", value, -MAX_SHIFT_SECONDS, MAX_SHIFT_SECONDS)


def _keys(name: str, values: Any, low: float, high: float) -> Keys:
    keys = tuple(
        (_number(f"a time of {name}", second), _number(name, value, low, high))
        for second, value in values
    )
    if not keys or any(a[0] >= b[0] for a, b in pairwise(keys)):
        raise PresetError(f"the keys of {name} must follow one another in time.")
    return keys


def _number(what: str, value: Any, low: float = -np.inf, high: float = np.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
        raise PresetError(f"{what} must be a number, not {shown(value)}.")
    if not low <= value <= high:
        raise PresetError(f"{what} must be between {low:g} and {high:g}, not {value:g}.")
    return float(value)
