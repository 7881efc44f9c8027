"""Blinks and gaze as living eyes make them, drawn from a seed: when, how fast, how far.

Only numbers over time; `eye_layer` makes them move lids and eyeballs.

Blinks: about 17 a minute at rest (Bentivoglio et al. 1997, Mov. Disord. 12), at intervals skewed to
the long side (Ponder & Kennard 1927, Q. J. Exp. Physiol. 18), here log-normal; shut in 100 ms, open
again in 200 (VanderWerf et al. 2003, J. Neurophysiol. 89; Trutoiu et al. 2011, ACM Trans. Appl.
Percept. 8); often together with a shift of gaze, the more so the larger it is (Evinger et al. 1994,
Exp. Brain Res. 100).
Gaze: fixations and saccades (Lee, Badler & Badler, "Eyes alive", SIGGRAPH 2002): small ones by far
the most, sideways more than up and down; duration 21 ms + 2.2 ms per degree, so that peak speeds
follow the main sequence (Bahill, Clark & Stark 1975, Math. Biosci. 24; Carpenter 1988).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from .errors import IntensityError
from .numeric import finite, real_array, shown, size

FloatArray = NDArray[np.floating]

MAX_BLINKS_PER_MINUTE, MAX_GAZE_AMOUNT = 60.0, 2.0
# Beyond, the eyeball's back comes round; people turn the head long before.
MAX_GAZE = np.deg2rad(35.0)

# From frame 0, both ways: the last frame that Blender counts, at one frame a second.
LONGEST_S = 1_048_576.0
CLOSING_S, OPENING_S = 0.1, 0.2
# Lids rest shut so long, and at least a frame: a blink that no frame sees shut is a flutter.
_SHUT_S, _LONGEST_FRAME_S = 0.03, 0.1
# No two blinks start nearer to one another.
MIN_INTERVAL_S = 0.5
_INTERVAL_SPREAD = 0.6
# One blink in so many is followed by a second one at once, this much later.
_DOUBLE_SHARE, _DOUBLE_S = 0.1, (0.52, 0.75)

# Fixations: median and spread of their log-normal lengths, and the limits of those.
_FIXATION_MEDIAN_S, _FIXATION_SPREAD, FIXATIONS_S = 0.8, 0.75, (0.3, 3.0)
# Eccentricity is exponential, as saccades are (Lee et al., fig. 3): degrees, mean and largest, at
# an amount of 1. From there eyes go back so often to what they are here for.
_MEAN_DEGREES, _LARGEST_DEGREES, _HOME_SHARE = 6.0, 15.0, 0.6
# Up and down by less than sideways.
_VERTICAL = 0.6
_SACCADE_S, _SACCADE_S_PER_DEGREE = 0.021, 0.0022
# A blink this near to a saccade starts with it: surely with one of so many degrees.
_LINK_S, _SURE_LINK_DEGREES, _LEAST_LINK = 0.6, 15.0, 0.5


@dataclass(frozen=True, eq=False)
class EyeMotion:
    """What the eyes do over T frames.

    blink: (T, 2) in [0, 1], how far the right and the left eye are shut, the subject's own.
    gaze: (T, 2) radians from straight ahead: to the subject's left, and up.
    Raises IntensityError for values out of range.
    """

    blink: FloatArray
    gaze: FloatArray

    def __post_init__(self) -> None:
        blink, gaze = real_array(self.blink), real_array(self.gaze)
        if blink is None or gaze is None:
            raise IntensityError("Blinks and gaze must be finite numbers.")
        if blink.shape != gaze.shape or blink.ndim != 2 or blink.shape[1] != 2:
            raise IntensityError(
                "Blinks and gaze must be two tables of frames × 2 values, equally long, got "
                f"{size(blink.shape)} and {size(gaze.shape)}."
            )
        object.__setattr__(self, "blink", np.asarray(self.blink, np.float64))
        object.__setattr__(self, "gaze", np.asarray(self.gaze, np.float64))
        if not (np.isfinite(self.blink).all() and np.isfinite(self.gaze).all()):
            raise IntensityError("Blinks and gaze must be finite numbers.")
        if self.blink.min(initial=0.0) < 0.0 or self.blink.max(initial=0.0) > 1.0:
            raise IntensityError("Blinks must lie between 0, open, and 1, shut.")
        if np.abs(self.gaze).max(initial=0.0) > MAX_GAZE + 1e-6:
            raise IntensityError(
                f"Eyes turn at most {np.rad2deg(MAX_GAZE):.0f} degrees: turn the head for more."
            )

    @classmethod
    def at_rest(cls, num_frames: int) -> EyeMotion:
        """Open eyes that look straight ahead."""
        return cls(np.zeros((num_frames, 2)), np.zeros((num_frames, 2)))

    @property
    def num_frames(self) -> int:
        return len(self.blink)

    @property
    def is_moving(self) -> NDArray[np.bool_]:
        """(T,) frames in which anything is not at rest."""
        return self.blink.any(axis=1) | self.gaze.any(axis=1)

    def rows(self, frames: slice | NDArray) -> EyeMotion:
        """Some of the frames."""
        return EyeMotion(self.blink[frames], self.gaze[frames])

    def with_keys(self, blink: FloatArray, gaze: FloatArray) -> EyeMotion:
        """With what an artist keyed on top: (T,) blinks shut at least so far, (T, 2) gaze added.

        The sum stops where eyes stop.
        """
        keyed = np.clip(np.nan_to_num(blink), 0.0, 1.0)[:, None]
        return EyeMotion(np.maximum(self.blink, keyed), limited(self.gaze + gaze))


@dataclass(frozen=True)
class EyeSettings:
    """What is drawn: the same settings, the same motion, whatever range of frames is asked for.

    seed: 0, 1, 2, …. blinks_per_minute: in the mean, 0 for none. gaze_amount: 0 for eyes that stay
    where they look, 1 as a listener's, up to MAX_GAZE_AMOUNT. Raises IntensityError.
    """

    seed: int = 0
    blinks_per_minute: float = 15.0
    gaze_amount: float = 0.5

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise IntensityError(
                f"The seed of the eyes is {shown(self.seed)}: expected 0, 1, 2, …."
            )
        for what, value, largest in (
            ("Blinks per minute", self.blinks_per_minute, MAX_BLINKS_PER_MINUTE),
            ("The amount of gaze", self.gaze_amount, MAX_GAZE_AMOUNT),
        ):
            number = finite(value)
            if number is None or not 0 <= number <= largest:
                raise IntensityError(
                    f"{what} must lie between 0 and {largest:g}, got {shown(value)}."
                )


@dataclass(frozen=True, eq=False)
class Fixations:
    """Where the eyes rest: starts (K,) s, ascending, of the saccade to each; targets (K, 2) rad."""

    starts: FloatArray
    targets: FloatArray

    @property
    def amplitudes(self) -> FloatArray:
        """(K,) radians from the fixation before; the first comes from straight ahead."""
        steps = np.diff(self.targets, axis=0, prepend=np.zeros((1, 2)))
        return np.linalg.norm(steps, axis=1)


def eye_motion(times_s: FloatArray, settings: EyeSettings) -> EyeMotion:
    """Blinks and gaze at (T,) times in seconds; what happens at a time depends on nothing else.

    Raises IntensityError for times that are not finite.
    """
    numbers = real_array(times_s)
    times = np.array([np.nan]) if numbers is None else np.asarray(numbers, np.float64)
    if times.ndim != 1 or not np.isfinite(times).all():
        raise IntensityError("The times of the frames must be finite numbers.")
    if np.abs(times).max(initial=0.0) > LONGEST_S:  # all that comes before a time is drawn
        raise IntensityError(
            f"Eyes move up to {LONGEST_S:,.0f} seconds from frame 0, got "
            f"{np.abs(times).max():,.6g}: put the clip nearer to frame 0, or mend the frame rate."
        )
    blink, gaze = np.zeros((len(times), 2)), np.zeros((len(times), 2))
    shut = _shut_s(times)
    for sign, chosen in ((1, times >= 0.0), (-1, times < 0.0)):
        if not chosen.any():
            continue
        # Before 0 another story is told backwards: what comes after must not depend on the range.
        away = np.abs(times[chosen])
        until = float(away.max()) + 2.0
        looks = fixations(settings, until, sign)
        gaze[chosen] = gaze_at(away, looks)
        blink[chosen] = _blinks_at(away, blink_starts(settings, until, looks, sign), shut)[:, None]
    return EyeMotion(blink, gaze)


def fixations(settings: EyeSettings, until_s: float, sign: int = 1) -> Fixations:
    """The fixations that begin before a time; sign: -1 for the time before 0."""
    if settings.gaze_amount == 0:
        return Fixations(np.zeros(0), np.zeros((0, 2)))
    draw = _draws(settings.seed, "gaze", sign)
    starts: list[float] = []
    targets: list[FloatArray] = []
    time = 0.0
    while True:
        length, size, angle, home = draw.random(4)
        time += float(
            np.clip(_log_normal(length, _FIXATION_MEDIAN_S, _FIXATION_SPREAD), *FIXATIONS_S)
        )
        if time >= until_s:
            return Fixations(np.array(starts), np.array(targets).reshape(-1, 2))
        degrees = min(-_MEAN_DEGREES * np.log1p(-size), _LARGEST_DEGREES) * settings.gaze_amount
        if targets and targets[-1].any() and home < _HOME_SHARE:
            degrees = 0.0
        turn = 2.0 * np.pi * angle
        starts.append(time)
        targets.append(np.deg2rad(degrees) * np.array([np.cos(turn), _VERTICAL * np.sin(turn)]))


def blink_starts(
    settings: EyeSettings, until_s: float, looks: Fixations, sign: int = 1
) -> FloatArray:
    """(B,) seconds at which lids begin to fall, ascending, MIN_INTERVAL_S apart or more."""
    if settings.blinks_per_minute == 0:
        return np.zeros(0)
    draw = _draws(settings.seed, "blink", sign)
    mean = 60.0 * (1.0 + _DOUBLE_SHARE) / settings.blinks_per_minute
    # The shortest interval comes on top of what is drawn, and the mean stays.
    median = max(mean - MIN_INTERVAL_S, 1e-3) * np.exp(-0.5 * _INTERVAL_SPREAD**2)
    time, starts = 0.0, [-np.inf]
    while True:
        length, link, double, later, first = draw.random(5)
        interval = MIN_INTERVAL_S + _log_normal(length, median, _INTERVAL_SPREAD)
        # The first interval is somewhere in its middle when time begins, but eyes begin open.
        time += interval if len(starts) > 1 else max(interval * first, MIN_INTERVAL_S)
        if time >= until_s:
            return np.array(starts[1:])
        start = _with_saccade(time, looks, link)
        starts.append(
            start
            if start - starts[-1] >= MIN_INTERVAL_S
            else max(time, starts[-1] + MIN_INTERVAL_S)
        )
        if double < _DOUBLE_SHARE:
            starts.append(starts[-1] + _DOUBLE_S[0] + later * (_DOUBLE_S[1] - _DOUBLE_S[0]))
            time = max(time, starts[-1])


def gaze_at(times_s: FloatArray, looks: Fixations) -> FloatArray:
    """(T, 2) radians at (T,) times: still, or on the way to the next fixation at its speed."""
    if len(looks.starts) == 0:
        return np.zeros((len(times_s), 2))
    rows = np.searchsorted(looks.starts, times_s, side="right") - 1
    before = np.concatenate([np.zeros((1, 2)), looks.targets])[np.maximum(rows, 0)]
    after = np.where(rows[:, None] < 0, 0.0, looks.targets[np.maximum(rows, 0)])
    before = np.where(rows[:, None] < 0, 0.0, before)
    lengths = _SACCADE_S + _SACCADE_S_PER_DEGREE * np.rad2deg(looks.amplitudes)
    gone = (times_s - looks.starts[np.maximum(rows, 0)]) / lengths[np.maximum(rows, 0)]
    return before + minimum_jerk(gone)[:, None] * (after - before)


def limited(gaze: FloatArray) -> FloatArray:
    """(T, 2) radians that eyes can turn; what is no number is straight ahead."""
    return np.clip(np.nan_to_num(gaze), -MAX_GAZE, MAX_GAZE)


def minimum_jerk(share: FloatArray) -> FloatArray:
    """0 to 1 over shares 0 to 1, smooth in speed (Flash & Hogan 1985, J. Neurosci. 5)."""
    u = np.clip(share, 0.0, 1.0)
    return np.clip(u**3 * (10.0 - 15.0 * u + 6.0 * u * u), 0.0, 1.0)


def blink_profile(since_s: FloatArray, shut_s: float = _SHUT_S) -> FloatArray:
    """How far shut at times since a blink began: down fast, up at half the speed and slowing."""
    closing = minimum_jerk(since_s / CLOSING_S)
    opening = np.clip((since_s - CLOSING_S - shut_s) / OPENING_S, 0.0, 1.0)
    return closing * (1.0 - minimum_jerk(opening**0.8))


def _with_saccade(time: float, looks: Fixations, link: float) -> float:
    """The start of the nearest saccade, where a blink goes with it; the time itself otherwise."""
    if len(looks.starts) == 0:
        return time
    nearest = int(np.abs(looks.starts - time).argmin())
    degrees = float(np.rad2deg(looks.amplitudes[nearest]))
    chance = _LEAST_LINK + (1.0 - _LEAST_LINK) * min(degrees / _SURE_LINK_DEGREES, 1.0)
    is_near = abs(looks.starts[nearest] - time) < _LINK_S and degrees > 0.0
    return float(looks.starts[nearest]) if is_near and link < chance else time


def _blinks_at(times: FloatArray, starts: FloatArray, shut_s: float) -> FloatArray:
    if len(starts) == 0:
        return np.zeros(len(times))
    return np.asarray(np.max([blink_profile(times - s, shut_s) for s in starts], axis=0))


def _shut_s(times: FloatArray) -> float:
    """Long enough that one frame at least sees the lids shut."""
    steps = np.diff(times)
    frame = float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0
    return max(_SHUT_S, min(1.01 * frame, _LONGEST_FRAME_S))


def _log_normal(draw: float, median: float, spread: float) -> float:
    return float(median * np.exp(spread * ndtri(np.clip(draw, 1e-9, 1.0 - 1e-9))))


def _draws(seed: int, what: str, sign: int) -> np.random.Generator:
    """Uniform numbers of one story: of blinks or gaze, after 0 or before."""
    story = {"gaze": 0, "blink": 2}[what] + (sign < 0)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, story])))
