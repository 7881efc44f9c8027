"""Presets: expressions over time that any matched head can play (`preset_files` reads them).

Times are seconds from the preset's start, so that a preset is the same at any frame rate. It holds
events, or curves where they were drawn by hand, and what lies over them: a number for the whole
length of a layer, or its keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .errors import IntensityError
from .intensity import LONGEST_RANGE, Envelope, sample_envelopes
from .layers import MAX_EXTREMENESS, MAX_GAIN, REGIONS, Layers
from .motion_engine import check_rate

FloatArray = NDArray[np.floating]
Keys = tuple[tuple[float, float], ...]

# {name of a layer: least value, greatest, and the one that changes nothing}.
LAYERS = {
    **{region: (0.0, MAX_GAIN, 1.0) for region in REGIONS},
    "asymmetry": (-1.0, 1.0, 0.0),
    "extremeness": (0.0, MAX_EXTREMENESS, 1.0),
}
MAX_SECONDS, MAX_NAME = 60.0, 40
# A layer of one number is there from this share of the first onset on, and as much before the end.
_RAMP_SHARE = 0.35


@dataclass(frozen=True)
class Preset:
    """A named piece of acting. Read one with `preset_files`, which checks it.

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
