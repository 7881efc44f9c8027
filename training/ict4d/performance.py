"""How one person plays an expression once: activations of shapes over time.

Minimum-jerk rises and falls (Flash & Hogan 1985) with delays of their own for every shape, personal
gains, left-right asymmetry and a hold that is never quite still. Startles overshoot a little and
settle; faces relax more slowly than they move (Schmidt, Cohn & Tian 2003).
"""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facegen_core.conditioning import phase_curve
from training.ict4d.expression_prototypes import CLOSING_SHAPE, PROTOTYPES, Prototype, sides

FloatArray = NDArray[np.floating]

# Marks (4,) in frames, and the number of frames.
Timing = tuple[FloatArray, int]

FRAME_RATE = 30.0

# Spreads (standard deviations) of gains: of a person's shapes, of one take, and between the sides.
PERSONAL_SPREAD, TAKE_SPREAD, ASYMMETRY_SPREAD = 0.15, 0.06, 0.07
# How strongly an expression is played: 1 is the prototype.
EXTREMENESS_MEAN, EXTREMENESS_SPREAD, EXTREMENESS_RANGE = 0.9, 0.22, (0.3, 1.3)
# Beyond, shapes of scanned faces break up; an open jaw breaks first.
MAX_ACTIVATION, MAX_JAW_OPEN = 1.15, 0.85
# A face may need so much of the shape that brings the lips together.
MAX_CLOSING = 0.6

# Frames of rest before, onset, apex, offset and rest after, at 30 per second: shortest and longest.
PHASES = {"rest": (3, 8), "onset": (7, 16), "apex": (10, 28), "offset": (13, 28), "end": (3, 8)}
FAST_ONSET = (5, 9)  # surprise and fear are startles
STARTLES = ("surprise", "fear")
LENGTH_RANGE = (40, 90)
# Two expressions in one take: how, how many frames both are at their apex in a blend, how long.
COMPOUNDS = ("transition", "blend")
MIN_OVERLAP, MAX_COMPOUND_LENGTH = 4, 110

# A shape may begin this late, or be done this early, as a fraction of the phase.
MAX_DELAY = 0.25
# The hold drifts by this fraction of the activation, in waves of about a second.
HOLD_VARIATION, HOLD_WAVE_FRAMES = 0.03, (18.0, 45.0)
# A fall begins faster than it ends: its progress is the time of the phase to this power.
FALL_POWER = 0.8
# How far a startle goes beyond its hold, and over how many frames it settles.
OVERSHOOT, SETTLING_FRAMES = (0.02, 0.08), (5.0, 9.0)


@dataclass(frozen=True, eq=False)
class PersonalStyle:
    """gains: (K,) how strongly a person uses each shape, about 1, sides included."""

    gains: FloatArray


@dataclass(frozen=True, eq=False)
class Lips:
    """A face's mouth: height of the slit at rest, mm, and (K,) how every shape changes it.

    touching: {variant: height at which this face's lips meet when it shows that variant, mm}.
    """

    gap: float
    changes: FloatArray
    touching: dict[str, float] = field(default_factory=dict)

    def closing(self, variant: str, peaks: FloatArray, closing: int) -> float:
        """How much of the closing shape (its index) brings the lips together, at (K,) peaks."""
        height = self.gap + self.changes @ peaks - self.touching.get(variant, 0.0)
        return float(np.clip(height / max(-self.changes[closing], 1e-6), 0.0, MAX_CLOSING))


@dataclass(frozen=True, eq=False)
class Performance:
    """activations: (T, K) float32, exactly 0 outside the marks; marks: (4,) frames.

    variant: the prototype played; extremeness: how strongly, 1 is the prototype.
    """

    activations: NDArray[np.float32]
    marks: FloatArray
    variant: str
    extremeness: float

    @property
    def label(self) -> FloatArray:
        """(T,) about what a label of this take says: 1 is the apex of a strong one."""
        amplitude = min(self.extremeness / (EXTREMENESS_MEAN + EXTREMENESS_SPREAD), 1.0)
        return amplitude * phase_curve(self.marks, np.arange(len(self.activations), dtype=float))


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
    timing: Timing | None = None,
    extremeness: float | None = None,
) -> Performance:
    """One take of an expression; timing and extremeness are drawn where they are not given."""
    prototype = _draw_prototype(PROTOTYPES[expression], rng)
    if extremeness is None:
        drawn = rng.normal(EXTREMENESS_MEAN, EXTREMENESS_SPREAD)
        extremeness = float(np.clip(drawn, *EXTREMENESS_RANGE))
    marks, num_frames = timing or draw_timing(expression, rng)
    overshoot = rng.uniform(*OVERSHOOT) if expression in STARTLES else 0.0
    peaks, curves = np.zeros(len(shape_names)), np.zeros((num_frames, len(shape_names)))
    for shape, activation in prototype.activations.items():
        take_gain = 1 + TAKE_SPREAD * rng.normal()
        curve = _draw_curve(marks, num_frames, overshoot, rng)
        limit = MAX_JAW_OPEN if shape == "jawOpen" else MAX_ACTIVATION
        for name in sides(shape, shape_names):
            index = shape_names.index(name)
            peaks[index] = min(activation * extremeness * take_gain * style.gains[index], limit)
            curves[:, index] = curve
    if prototype.closes_lips:
        index = shape_names.index(CLOSING_SHAPE)
        closing = lips.closing(prototype.variant, peaks, index)
        peaks[index] = closing * min(extremeness / EXTREMENESS_MEAN, 1.0)
        curves[:, index] = _draw_curve(marks, num_frames, overshoot, rng)
    activations = (peaks * curves).astype(np.float32)
    return Performance(activations, marks, prototype.variant, extremeness)


def blend(performances: Rows[Performance]) -> NDArray[np.float32]:
    """(T, K) activations of takes of equal length played at once: their sum.

    Where their labels add up to more than 1, the weighted mean: a face shows two expressions in
    full no more than one twice.
    """
    total = np.sum([p.activations for p in performances], axis=0, dtype=np.float64)
    labels = np.sum([p.label for p in performances], axis=0)
    return (total / np.maximum(labels, 1.0)[:, None]).astype(np.float32)


def minimum_jerk(progress: FloatArray) -> FloatArray:
    """0 to 1 with zero velocity and acceleration at both ends; (Flash & Hogan 1985), clamped."""
    t = np.clip(progress, 0.0, 1.0)
    return t**3 * (10 - 15 * t + 6 * t**2)


def _base(name: str) -> str:
    return name[:-2] if name.endswith(("_L", "_R")) else name


def _draw_prototype(prototypes: tuple[Prototype, ...], rng: np.random.Generator) -> Prototype:
    shares = np.array([p.share for p in prototypes])
    return prototypes[int(rng.choice(len(prototypes), p=shares / shares.sum()))]


def draw_timing(expression: str, rng: np.random.Generator) -> Timing:
    """Marks (4,) in frames and the number of frames, within LENGTH_RANGE."""
    ranges = PHASES | ({"onset": FAST_ONSET} if expression in STARTLES else {})
    while True:
        durations = [int(rng.integers(low, high + 1)) for low, high in ranges.values()]
        ends = np.cumsum(durations)
        if LENGTH_RANGE[0] <= ends[-1] + 1 <= LENGTH_RANGE[1]:
            return ends[:4].astype(np.float64), int(ends[-1] + 1)


def draw_compound_timing(
    first: str, second: str, rng: np.random.Generator
) -> tuple[tuple[Timing, Timing], str]:
    """Timings of two expressions in one take, the second later, and "transition" or "blend".

    A transition begins while the first one fades; in a blend both are at their apex together.
    """
    kind = str(rng.choice(COMPOUNDS))
    while True:
        marks, length = draw_timing(first, rng)
        others, other_length = draw_timing(second, rng)
        onset, apex, apex_end, offset = marks
        follows = kind == "transition"
        window = (apex_end - 3, 0.5 * (apex_end + offset)) if follows else (onset, apex)
        shift = np.round(rng.uniform(*window)) - others[0]
        total = int(max(length, other_length + shift))
        overlaps = others[1] + shift < apex_end - MIN_OVERLAP
        if (overlaps or follows) and total <= MAX_COMPOUND_LENGTH:
            return ((marks, total), (others + shift, total)), kind


def _draw_curve(
    marks: FloatArray, num_frames: int, overshoot: float, rng: np.random.Generator
) -> FloatArray:
    """(T,) one shape between the marks: 0 before and after, about 1 at the apex."""
    onset, apex, apex_end, offset = marks
    delays = MAX_DELAY * rng.random(4)
    begin = onset + delays[0] * (apex - onset)
    risen = apex - delays[1] * (apex - onset)
    falls = apex_end + delays[2] * (offset - apex_end)
    ends = offset - delays[3] * (offset - apex_end)
    frames = np.arange(num_frames)
    rise = minimum_jerk((frames - begin) / (risen - begin))
    fall = minimum_jerk(np.clip((frames - falls) / (ends - falls), 0.0, 1.0) ** FALL_POWER)
    settling = rng.uniform(*SETTLING_FRAMES)
    beyond = 1 + overshoot * rise * (1 - minimum_jerk((frames - risen) / settling))
    period, phase = rng.uniform(*HOLD_WAVE_FRAMES), rng.uniform(0, 2 * np.pi)
    wave = 1 + HOLD_VARIATION * np.sin(2 * np.pi * frames / period + phase)
    return rise * (1 - fall) * wave * beyond
