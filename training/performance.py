"""How one person plays an expression once: activations of shapes over time.

Minimum-jerk rises and falls (Flash & Hogan 1985) with delays of their own for every shape, personal
gains, left-right asymmetry and a hold that is never quite still.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.expression_prototypes import CLOSING_SHAPE, PROTOTYPES, Prototype, sides

FloatArray = NDArray[np.floating]

FRAME_RATE = 30.0

# Spreads (standard deviations) of gains: of a person's shapes, of one take, and between the sides.
PERSONAL_SPREAD, TAKE_SPREAD, ASYMMETRY_SPREAD = 0.15, 0.06, 0.07
# How strongly an expression is played: 1 is the prototype.
EXTREMENESS_MEAN, EXTREMENESS_SPREAD, EXTREMENESS_RANGE = 0.9, 0.22, (0.3, 1.3)
# Beyond, shapes of scanned faces break up; an open jaw breaks first.
MAX_ACTIVATION, MAX_JAW_OPEN = 1.15, 0.85
# Lips that meet are pressed this much into each other, mm; a face may need so much of the shape.
LIP_OVERLAP_MM, MAX_CLOSING = 0.2, 0.6

# Frames of rest before, onset, apex, offset and rest after, at 30 per second: shortest and longest.
PHASES = {"rest": (3, 8), "onset": (7, 16), "apex": (10, 28), "offset": (11, 24), "end": (3, 8)}
FAST_ONSET = (5, 9)  # surprise and fear are startles
STARTLES = ("surprise", "fear")
LENGTH_RANGE = (40, 90)

# A shape may begin this late, or be done this early, as a fraction of the phase.
MAX_DELAY = 0.25
# The hold drifts by this fraction of the activation, in waves of about a second.
HOLD_VARIATION, HOLD_WAVE_FRAMES = 0.03, (18.0, 45.0)


@dataclass(frozen=True, eq=False)
class PersonalStyle:
    """gains: (K,) how strongly a person uses each shape, about 1, sides included."""

    gains: FloatArray


@dataclass(frozen=True, eq=False)
class Lips:
    """A face's mouth: height of the slit at rest, mm, and (K,) how every shape changes it."""

    gap: float
    changes: FloatArray


@dataclass(frozen=True, eq=False)
class Performance:
    """activations: (T, K) float32, exactly 0 outside the marks; marks: (4,) frames.

    variant: the prototype played; extremeness: how strongly, 1 is the prototype.
    """

    activations: NDArray[np.float32]
    marks: FloatArray
    variant: str
    extremeness: float


def draw_style(shape_names: tuple[str, ...], rng: np.random.Generator) -> PersonalStyle:
    """A person: left and right of a shape share one gain and differ by their asymmetry."""
    gains = {}
    for base in dict.fromkeys(_base(name) for name in shape_names):
        both = 1 + PERSONAL_SPREAD * rng.normal()
        skew = ASYMMETRY_SPREAD * rng.normal()
        gains[f"{base}_L"], gains[f"{base}_R"] = both * (1 + skew), both * (1 - skew)
        gains[base] = both
    return PersonalStyle(np.clip([gains[name] for name in shape_names], 0.6, 1.4))


def perform(
    expression: str,
    style: PersonalStyle,
    lips: Lips,
    shape_names: tuple[str, ...],
    rng: np.random.Generator,
) -> Performance:
    """One take of an expression."""
    prototype = _draw_prototype(PROTOTYPES[expression], rng)
    low, high = EXTREMENESS_RANGE
    extremeness = float(np.clip(rng.normal(EXTREMENESS_MEAN, EXTREMENESS_SPREAD), low, high))
    marks, num_frames = _draw_timing(expression, rng)
    peaks, curves = np.zeros(len(shape_names)), np.zeros((num_frames, len(shape_names)))
    for shape, activation in prototype.activations.items():
        take_gain = 1 + TAKE_SPREAD * rng.normal()
        curve = _draw_curve(marks, num_frames, rng)
        limit = MAX_JAW_OPEN if shape == "jawOpen" else MAX_ACTIVATION
        for name in sides(shape, shape_names):
            index = shape_names.index(name)
            peaks[index] = min(activation * extremeness * take_gain * style.gains[index], limit)
            curves[:, index] = curve
    if prototype.closes_lips:
        closing = shape_names.index(CLOSING_SHAPE)
        peaks[closing] = _closing(peaks, lips, closing) * min(extremeness / EXTREMENESS_MEAN, 1.0)
        curves[:, closing] = _draw_curve(marks, num_frames, rng)
    activations = (peaks * curves).astype(np.float32)
    return Performance(activations, marks, prototype.variant, extremeness)


def minimum_jerk(progress: FloatArray) -> FloatArray:
    """0 to 1 with zero velocity and acceleration at both ends; (Flash & Hogan 1985), clamped."""
    t = np.clip(progress, 0.0, 1.0)
    return t**3 * (10 - 15 * t + 6 * t**2)


def _closing(peaks: FloatArray, lips: Lips, closing: int) -> float:
    """How much of the closing shape brings the lips together at the apex."""
    gap = lips.gap + lips.changes @ peaks + LIP_OVERLAP_MM
    return float(np.clip(gap / max(-lips.changes[closing], 1e-6), 0.0, MAX_CLOSING))


def _base(name: str) -> str:
    return name[:-2] if name.endswith(("_L", "_R")) else name


def _draw_prototype(prototypes: tuple[Prototype, ...], rng: np.random.Generator) -> Prototype:
    shares = np.array([p.share for p in prototypes])
    return prototypes[int(rng.choice(len(prototypes), p=shares / shares.sum()))]


def _draw_timing(expression: str, rng: np.random.Generator) -> tuple[FloatArray, int]:
    """Marks (4,) in frames and the number of frames, within LENGTH_RANGE."""
    ranges = PHASES | ({"onset": FAST_ONSET} if expression in STARTLES else {})
    while True:
        durations = [int(rng.integers(low, high + 1)) for low, high in ranges.values()]
        ends = np.cumsum(durations)
        if LENGTH_RANGE[0] <= ends[-1] + 1 <= LENGTH_RANGE[1]:
            return ends[:4].astype(np.float64), int(ends[-1] + 1)


def _draw_curve(marks: FloatArray, num_frames: int, rng: np.random.Generator) -> FloatArray:
    """(T,) one shape between the marks: 0 before and after, about 1 at the apex."""
    onset, apex, apex_end, offset = marks
    delays = MAX_DELAY * rng.random(4)
    begin = onset + delays[0] * (apex - onset)
    risen = apex - delays[1] * (apex - onset)
    falls = apex_end + delays[2] * (offset - apex_end)
    ends = offset - delays[3] * (offset - apex_end)
    frames = np.arange(num_frames)
    rise = minimum_jerk((frames - begin) / (risen - begin))
    fall = minimum_jerk((frames - falls) / (ends - falls))
    period, phase = rng.uniform(*HOLD_WAVE_FRAMES), rng.uniform(0, 2 * np.pi)
    wave = 1 + HOLD_VARIATION * np.sin(2 * np.pi * frames / period + phase)
    return rise * (1 - fall) * wave
