"""Envelopes and curves over time: when an expression begins, peaks and fades.

Envelopes follow the phases of Potamias et al., ECCV 2020, section 5.1.1: neutral, onset, apex,
offset, with linear ramps, or ramps of another ease.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .eases import EASES, LINEAR
from .errors import IntensityError
from .numeric import real_array, shown, size

# The channels of the models we train, in their order. A bundle may have others: its own names,
# in its own order, are in its configuration.
EXPRESSIONS = ("happy", "sad", "surprise", "angry", "disgust", "fear")
# Where Blender's time ends, on both sides.
FARTHEST_FRAME = 1_048_574
NUM_EXPRESSIONS = len(EXPRESSIONS)

# Frames; Blender counts no further.
LONGEST_RANGE = 1_048_576
_NAME = r"[\w.-]+"
_PATTERN = re.compile(rf"^(?P<name>{_NAME})@(?P<marks>[^=]+)(=(?P<intensity>.+))?$")
_BLEND = re.compile(rf"^(?P<first>{_NAME})~(?P<second>{_NAME})(:(?P<share>[^:]+))?$")


@dataclass(frozen=True)
class Envelope:
    """One expression event: four times in frames, may be fractional, and the apex intensity.

    onset_ease, offset_ease: how its ramps go, names of `eases.EASES`.
    Which expressions there are is the bundle's to say: see `check_expressions`.
    """

    expression: str
    onset_start: float
    apex_start: float
    apex_end: float
    offset_end: float
    intensity: float = 1.0
    onset_ease: str = LINEAR
    offset_ease: str = LINEAR

    def __post_init__(self) -> None:
        if not np.isfinite([*self.marks, self.intensity]).all():
            raise IntensityError(
                f"{self.expression}: every frame and the intensity must be a number."
            )
        if not (self.onset_start < self.apex_start <= self.apex_end < self.offset_end):
            raise IntensityError(
                f"{self.expression}: expected onset start < apex start <= apex end < offset end, "
                f"got {', '.join(f'{m:g}' for m in self.marks)}."
            )
        if max(abs(self.onset_start), abs(self.offset_end)) > FARTHEST_FRAME:
            raise IntensityError(
                f"{self.expression}: no frame lies beyond {FARTHEST_FRAME}, got "
                f"{', '.join(f'{m:g}' for m in self.marks)}."
            )
        if not 0.0 <= self.intensity <= 1.0:
            raise IntensityError(
                f"{self.expression}: the intensity is between 0 and 1, got {self.intensity:g}."
            )
        for ease in (self.onset_ease, self.offset_ease):
            if ease not in EASES:
                raise IntensityError(
                    f"{self.expression}: there is no ease '{ease}', only {', '.join(EASES)}."
                )

    @property
    def marks(self) -> tuple[float, float, float, float]:
        return (self.onset_start, self.apex_start, self.apex_end, self.offset_end)

    @classmethod
    def parse(cls, text: str) -> Envelope:
        """Read ``happy@1,12,30,45=0.8`` (expression @ four frames = intensity, 1 when left out).

        ``/smooth`` at the end is the ease of both ramps, ``/quick/slow`` those of onset and offset.
        """
        plain, *eases = text.strip().split("/")
        match = _PATTERN.match(plain) if len(eases) <= 2 else None
        try:
            marks = [float(x) for x in match["marks"].split(",")] if match else []
            intensity = float(match["intensity"] or 1.0) if match else 1.0
        except ValueError:
            marks = []
        if match is None or len(marks) != 4:
            raise IntensityError(
                f"{_quoted(text)} is not an expression event; write for example "
                "happy@1,12,30,45=1.0 (onset start, apex start, apex end, offset end = intensity)."
            )
        onset_ease, offset_ease = (eases * 2)[:2] if eases else (LINEAR, LINEAR)
        onset, apex, end, offset = marks
        return cls(match["name"], onset, apex, end, offset, intensity, onset_ease, offset_ease)


def parse_event(text: str) -> tuple[Envelope, ...]:
    """Read an event of one expression, or of two: ``happy~surprise:0.4@1,12,30,45=1.0``.

    The number is the share of the second expression, a half when it is left out.
    """
    names, _, rest = text.strip().partition("@")
    if "~" not in names:
        return (Envelope.parse(text),)
    blend = _BLEND.match(names)
    try:
        share = float(blend["share"] or 0.5) if blend else None
    except ValueError:
        share = None
    if blend is None or share is None:
        raise IntensityError(
            f"{_quoted(text)} does not name two expressions and a share; write for example "
            "happy~surprise:0.4@1,12,30,45=1.0 (0.6 of happy and 0.4 of surprise)."
        )
    return in_between(Envelope.parse(f"{blend['first']}@{rest}"), blend["second"], share)


def _quoted(text: str) -> str:
    """As much of a text as an error can show."""
    plain = "".join(c if c.isprintable() else " " for c in text[:81])
    return f"'{plain if len(text) <= 80 else plain[:80] + '…'}'"


def in_between(event: Envelope, second: str, share: float) -> tuple[Envelope, ...]:
    """The in-between of two expressions as events of each: (1 - share) of one, share of the other.

    The intensities sum to the event's. A share of 0 is the event alone, 1 the second alone.
    """
    if not 0.0 <= share <= 1.0:
        raise IntensityError(f"The share of {second} is between 0 and 1, got {shown(share)}.")
    if second == event.expression:
        raise IntensityError(f"An in-between needs two expressions, got {second} twice.")
    both = (
        replace(event, intensity=(1.0 - share) * event.intensity),
        replace(event, expression=second, intensity=share * event.intensity),
    )
    return tuple(part for part, has in zip(both, (share < 1.0, share > 0.0), strict=True) if has)


def check_expressions(envelopes: Sequence[Envelope], expressions: Sequence[str]) -> None:
    """Raise IntensityError for an event of an expression that is not among a bundle's."""
    for envelope in envelopes:
        if envelope.expression not in expressions:
            raise IntensityError(
                f"Unknown expression {shown(envelope.expression)}: this model has "
                f"{', '.join(expressions)}."
            )


def sample_envelopes(
    envelopes: Sequence[Envelope],
    frames: NDArray[np.floating],
    expressions: Sequence[str] = EXPRESSIONS,
) -> NDArray[np.float64]:
    """Intensities (T, C) in [0, 1] of the envelopes at (T,) frames, for C expressions.

    Exactly 0 up to the onset start and from the offset end on. Where events of one expression
    overlap, the stronger wins, so a curve never exceeds the intensity the artist asked for.
    Raises IntensityError for an event of another expression.
    """
    check_expressions(envelopes, expressions)
    frames, names = np.asarray(frames, np.float64), list(expressions)
    intensities = np.zeros((len(frames), len(names)))
    for envelope in envelopes:
        shape = _shape(envelope, frames)
        channel = names.index(envelope.expression)
        intensities[:, channel] = np.maximum(intensities[:, channel], envelope.intensity * shape)
    return intensities


def _shape(envelope: Envelope, frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T,) in [0, 1]: the envelope with an intensity of 1."""
    line = np.interp(frames, envelope.marks, [0.0, 1.0, 1.0, 0.0], left=0.0, right=0.0)
    # What is left of a fall is 1 less its progress.
    rises = EASES[envelope.onset_ease].progress(line)
    falls = 1.0 - EASES[envelope.offset_ease].progress(1.0 - line)
    if envelope.offset_ease == LINEAR:  # to the last bit
        falls = line
    return np.where(frames <= envelope.apex_end, rises, falls)


def frame_range(envelopes: Sequence[Envelope]) -> NDArray[np.float64]:
    """(T,) whole frames from the first onset start to the last offset end."""
    if not envelopes:
        raise IntensityError("There is no expression yet: add at least one expression event.")
    first = np.floor(min(e.onset_start for e in envelopes))
    last = np.ceil(max(e.offset_end for e in envelopes))
    if last - first > LONGEST_RANGE:
        raise IntensityError(
            f"The events last from frame {first:g} to {last:g}, longer than {LONGEST_RANGE:,} "
            "frames: bring them nearer to one another."
        )
    return np.arange(first, last + 1)


def check_intensities(
    intensities: NDArray[np.floating], num_expressions: int = NUM_EXPRESSIONS
) -> NDArray[Any]:
    """The same as an array. Raises IntensityError unless (T, C), T >= 1, finite, within [0, 1]."""
    values = real_array(intensities)
    if values is None:
        raise IntensityError(
            "The curves are not numbers: give an intensity from 0 to 1 for every frame and "
            "expression."
        )
    if values.ndim != 2 or values.shape[1] != num_expressions:
        raise IntensityError(
            f"The curves must be a table (T, {num_expressions}) of T frames and {num_expressions} "
            f"expressions, got {size(values.shape)}: give one column for each of the expressions."
        )
    if len(values) == 0:
        raise IntensityError("The frame range is empty: the end must not be before the start.")
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        raise IntensityError(
            f"A curve is not a number at frame index {bad[0]} of the range: repair or remove its "
            "key there."
        )
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 1:
        raise IntensityError(
            f"Intensities are between 0 and 1, but the curves reach {low:g} to {high:g}: move the "
            "keys that lie outside."
        )
    return values
