"""Envelopes and curves over time: when an expression begins, peaks and fades.

Envelopes follow the phases of Potamias et al., ECCV 2020, section 5.1.1: neutral, onset, apex,
offset, with linear ramps.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import IntensityError

# The order of the channels of every intensity curve and conditioning signal.
EXPRESSIONS = ("happy", "sad", "surprise", "angry", "disgust", "fear")
NUM_EXPRESSIONS = len(EXPRESSIONS)

_PATTERN = re.compile(r"^(?P<name>[a-z]+)@(?P<marks>[^=]+)(=(?P<intensity>.+))?$")


@dataclass(frozen=True)
class Envelope:
    """One expression event: four times in frames, may be fractional, and the apex intensity."""

    expression: str
    onset_start: float
    apex_start: float
    apex_end: float
    offset_end: float
    intensity: float = 1.0

    def __post_init__(self) -> None:
        if self.expression not in EXPRESSIONS:
            raise IntensityError(
                f"Unknown expression '{self.expression}': choose one of {', '.join(EXPRESSIONS)}."
            )
        if not np.isfinite([*self.marks, self.intensity]).all():
            raise IntensityError(
                f"{self.expression}: every frame and the intensity must be a number."
            )
        if not (self.onset_start < self.apex_start <= self.apex_end < self.offset_end):
            raise IntensityError(
                f"{self.expression}: expected onset start < apex start <= apex end < offset end, "
                f"got {', '.join(f'{m:g}' for m in self.marks)}."
            )
        if not 0.0 <= self.intensity <= 1.0:
            raise IntensityError(
                f"{self.expression}: the intensity is between 0 and 1, got {self.intensity:g}."
            )

    @property
    def marks(self) -> tuple[float, float, float, float]:
        return (self.onset_start, self.apex_start, self.apex_end, self.offset_end)

    @classmethod
    def parse(cls, text: str) -> Envelope:
        """Read ``happy@1,12,30,45=0.8`` (expression @ four frames = intensity, 1 when left out)."""
        match = _PATTERN.match(text.strip())
        try:
            marks = [float(x) for x in match["marks"].split(",")] if match else []
            intensity = float(match["intensity"] or 1.0) if match else 1.0
        except ValueError:
            marks = []
        if match is None or len(marks) != 4:
            raise IntensityError(
                f"'{text}' is not an expression event; write for example happy@1,12,30,45=1.0 "
                "(onset start, apex start, apex end, offset end = intensity)."
            )
        return cls(match["name"], marks[0], marks[1], marks[2], marks[3], intensity)


def sample_envelopes(
    envelopes: Sequence[Envelope], frames: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Intensities (T, 6) in [0, 1] of the envelopes at (T,) frames.

    Exactly 0 up to the onset start and from the offset end on. Where events of one expression
    overlap, the stronger wins, so a curve never exceeds the intensity the artist asked for.
    """
    frames = np.asarray(frames, np.float64)
    intensities = np.zeros((len(frames), NUM_EXPRESSIONS))
    for envelope in envelopes:
        shape = np.interp(frames, envelope.marks, [0.0, 1.0, 1.0, 0.0], left=0.0, right=0.0)
        channel = EXPRESSIONS.index(envelope.expression)
        intensities[:, channel] = np.maximum(intensities[:, channel], envelope.intensity * shape)
    return intensities


def frame_range(envelopes: Sequence[Envelope]) -> NDArray[np.float64]:
    """(T,) whole frames from the first onset start to the last offset end."""
    if not envelopes:
        raise IntensityError("There is no expression yet: add at least one expression event.")
    first = np.floor(min(e.onset_start for e in envelopes))
    last = np.ceil(max(e.offset_end for e in envelopes))
    return np.arange(first, last + 1)


def check_intensities(intensities: NDArray[np.floating]) -> None:
    """Raise IntensityError unless (T, 6), T >= 1, finite and within [0, 1]."""
    if intensities.ndim != 2 or intensities.shape[1] != NUM_EXPRESSIONS:
        raise IntensityError(f"intensities: expected (T, 6), got {intensities.shape}.")
    if len(intensities) == 0:
        raise IntensityError("The frame range is empty: the end must not be before the start.")
    bad = np.flatnonzero(~np.isfinite(intensities).all(axis=1))
    if len(bad):
        raise IntensityError(f"An intensity curve is not a number at frame index {bad[0]}.")
    low, high = intensities.min(), intensities.max()
    if low < 0 or high > 1:
        raise IntensityError(
            f"Intensities are between 0 and 1; the curves reach {low:g} to {high:g}."
        )
