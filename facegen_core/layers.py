"""`Layers`: what an animator lays over the generated motion: regions, sides, extremeness.

A region that runs later or earlier is generated from curves shifted in time; everything else is a
factor on the motion of the template's skin, so it works on any head and with either generator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from .errors import IntensityError
from .eye_motion import EyeMotion
from .motion import FaceMotion
from .numeric import counted, real_array, size
from .region_masks import REGIONS, RegionMasks, region_masks
from .template import Template

__all__ = [
    "MAX_GAIN",
    "MAX_SHIFT_SECONDS",
    "REGIONS",
    "Layers",
    "Play",
    "combine",
    "eyes_of",
    "plays_of",
]

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

MAX_GAIN, MAX_EXTREMENESS = 2.0, 2.0
# A region that runs later than this has long left the expression it belongs to.
MAX_SHIFT_SECONDS = 10.0
_MOUTH = REGIONS.index("mouth")
# Frames worked on at a time: bounds memory.
_FRAMES_AT_ONCE = 32


@dataclass(frozen=True, eq=False)
class Layers:
    """Changes to T frames of motion; checked when made, IntensityError with one sentence.

    gains: (T, 3) in [0, 2], factor on the motion of each of REGIONS; the jaw is of the mouth.
    shifts: (3,) seconds each region runs later (above 0) or earlier.
    asymmetry: (T,) in [-1, 1]: 1 moves only the subject's left side, -1 only the right.
    extremeness: (T,) in [0, 2], factor on everything: on intensities up to 1, beyond on motion.
    eyes: blinks and gaze on top, or None.
    leaves_mouth: mouth and jaw are not moved, for speech to move them.
    """

    gains: FloatArray
    shifts: tuple[float, ...]
    asymmetry: FloatArray
    extremeness: FloatArray
    eyes: EyeMotion | None = None
    leaves_mouth: bool = False

    def __post_init__(self) -> None:
        if np.ndim(self.extremeness) != 1:
            raise IntensityError("The extremeness must be one row of values, one for every frame.")
        num_frames = len(self.extremeness)
        _check("The factor of a region", self.gains, (num_frames, len(REGIONS)), 0.0, MAX_GAIN)
        _check(
            "The seconds a region is shifted by",
            self.shifts,
            (3,),
            -MAX_SHIFT_SECONDS,
            MAX_SHIFT_SECONDS,
        )
        _check("The asymmetry", self.asymmetry, (num_frames,), -1.0, 1.0)
        _check("The extremeness", self.extremeness, (num_frames,), 0.0, MAX_EXTREMENESS)
        if self.eyes is not None and self.eyes.num_frames != num_frames:
            raise IntensityError(
                f"The eyes have {counted(self.eyes.num_frames, 'frame')}, the other layers "
                f"{num_frames}: both must cover the same range."
            )

    @classmethod
    def constant(
        cls,
        num_frames: int,
        gains: Sequence[float] = (1.0, 1.0, 1.0),
        shifts: Sequence[float] = (0.0, 0.0, 0.0),
        asymmetry: float = 0.0,
        extremeness: float = 1.0,
        leaves_mouth: bool = False,
    ) -> Layers:
        """The same over all frames; without more words, layers that change nothing."""
        return cls(
            np.tile(np.asarray(gains, np.float64), (num_frames, 1)),
            tuple(float(shift) for shift in shifts),
            np.full(num_frames, float(asymmetry)),
            np.full(num_frames, float(extremeness)),
            leaves_mouth=leaves_mouth,
        )

    @property
    def num_frames(self) -> int:
        return len(self.extremeness)

    @property
    def is_neutral(self) -> bool:
        """Whether the motion stays as it was generated, to the last bit."""
        is_plain = not (any(self.shifts) or np.any(self.asymmetry) or self.leaves_mouth)
        is_full = bool(np.all(self.gains == 1.0) and np.all(self.extremeness == 1.0))
        eyes_rest = self.eyes is None or not self.eyes.is_moving.any()
        return is_plain and is_full and eyes_rest


def eyes_of(layers: Layers | None) -> EyeMotion | None:
    """The blinks and gaze of layers, if any."""
    return None if layers is None else layers.eyes


@dataclass(frozen=True, eq=False)
class Play:
    """One run of a generator: (T, C) intensities, and which of REGIONS move as they say."""

    intensities: FloatArray
    regions: tuple[int, ...]


def plays_of(layers: Layers | None, intensities: FloatArray, fps: float) -> tuple[Play, ...]:
    """What is to be generated: a run for every distinct shift of the regions that move.

    intensities: (T, C) at `fps`; before the first frame and after the last they are held.
    Raises IntensityError for layers of another number of frames.
    """
    everything = tuple(range(len(REGIONS)))
    if layers is None or layers.is_neutral:
        return (Play(intensities, everything),)
    if layers.num_frames != len(intensities):
        raise IntensityError(
            f"The layers have {counted(layers.num_frames, 'frame')}, the curves "
            f"{len(intensities)}: both must cover the same range."
        )
    weakened = intensities * np.minimum(layers.extremeness, 1.0)[:, None]
    shifts: dict[float, list[int]] = {}
    for region, shift in enumerate(layers.shifts):
        shifts.setdefault(shift, []).append(region)
    return tuple(
        Play(_shifted(weakened, shift * fps), tuple(regions)) for shift, regions in shifts.items()
    )


def combine(
    layers: Layers | None,
    plays: Sequence[Play],
    run: Callable[[FloatArray], FaceMotion],
    template: Template,
    rows: IntArray | slice = slice(None),
) -> FaceMotion:
    """The motion of all plays under the layers.

    run: generates the motion of (T, C) intensities. rows: which of the T frames it hands back.
    """
    if layers is None or layers.is_neutral:
        return run(plays[0].intensities)
    masks = region_masks(template)
    gains = layers.gains[rows] * np.maximum(layers.extremeness[rows], 1.0)[:, None]
    if layers.leaves_mouth:
        gains[:, _MOUTH] = 0.0
    motions = [run(play.intensities) for play in plays]
    factors = [_factors(gains, play.regions, masks) for play in plays]
    skin = motions[0].skin * factors[0][:, :, None]
    for motion, factor in zip(motions[1:], factors[1:], strict=True):
        skin += motion.skin * factor[:, :, None]
    chewing = next(k for k, play in enumerate(plays) if _MOUTH in play.regions)
    jaw = motions[chewing].jaw * gains[:, _MOUTH, None].astype(np.float32)
    neutral, asymmetry = motions[0].neutral, layers.asymmetry[rows]
    if np.any(asymmetry):
        points = template.vertices if neutral is None else neutral
        skin, jaw = _one_sided(skin, jaw, asymmetry, masks, points, template.jaw_pivot)
    return FaceMotion(skin, jaw, neutral)


def _factors(gains: FloatArray, regions: Sequence[int], masks: RegionMasks) -> FloatArray:
    """(T, V) float32 on the motion of a play: the gains of its regions where they reach."""
    if len(regions) == len(REGIONS) and np.all(gains == gains[:, :1]):
        return gains[:, :1].astype(np.float32)  # all alike: the masks sum to 1
    return (gains[:, list(regions)] @ masks.regions[list(regions)]).astype(np.float32)


def _one_sided(
    skin: FloatArray,
    jaw: FloatArray,
    asymmetry: FloatArray,
    masks: RegionMasks,
    points: FloatArray,
    pivot: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """(T, V, 3) and (T, 6) with one side weakened, (T,) in [-1, 1].

    A jaw has no side: it is weakened as a whole, half as much, and so is what the skin of the
    lower face owes to it; otherwise the chin would leave the teeth behind it.
    """
    left, right = 1.0 - np.maximum(-asymmetry, 0.0), 1.0 - np.maximum(asymmetry, 0.0)
    factors = right[:, None] + (left - right)[:, None] * masks.left
    whole = (1.0 - 0.5 * np.abs(asymmetry))[:, None]
    result = skin * factors.astype(np.float32)[:, :, None]
    on_jaw = np.flatnonzero(masks.jaw > 0.0)
    arms = (points[on_jaw] - pivot).astype(np.float32)
    turning = np.flatnonzero(np.any(jaw, axis=1) & (asymmetry != 0.0))
    for start in range(0, len(turning), _FRAMES_AT_ONCE):
        rows = turning[start : start + _FRAMES_AT_ONCE]
        turns = Rotation.from_rotvec(jaw[rows, :3]).as_matrix() - np.eye(3)
        rigid = arms @ turns.astype(np.float32).transpose(0, 2, 1) + jaw[rows, None, 3:]
        # How much of its motion a vertex owes to the jaw: what lies along it, never more than it.
        along = np.einsum("tvx,tvx->tv", skin[np.ix_(rows, on_jaw)], rigid)
        along /= np.maximum(np.einsum("tvx,tvx->tv", rigid, rigid), 1e-12)
        owed = masks.jaw[on_jaw] * np.clip(along, 0.0, 1.0)
        changed = (whole[rows] - factors[np.ix_(rows, on_jaw)]) * owed
        result[np.ix_(rows, on_jaw)] += changed.astype(np.float32)[:, :, None] * rigid
    return result, (jaw * whole).astype(np.float32)


def _shifted(intensities: FloatArray, frames: float) -> FloatArray:
    """(T, C) curves that run this many frames later, held at the ends."""
    if frames == 0.0:
        return intensities
    clock = np.arange(len(intensities), dtype=np.float64)
    columns = [np.interp(clock - frames, clock, channel) for channel in intensities.T]
    return np.stack(columns, axis=1)


def _check(what: str, values: Any, shape: tuple[int, ...], low: float, high: float) -> None:
    numbers = real_array(values)
    if numbers is None or not np.isfinite(numbers).all():
        raise IntensityError(
            f"{what} must be a number in every frame: repair or remove the keys that are none."
        )
    if numbers.shape != shape:
        raise IntensityError(
            f"{what} must be {size(shape)} values, got {size(numbers.shape)}: give one for every "
            "frame of the range."
        )
    if numbers.size and (numbers.min() < low or numbers.max() > high):
        worst = float(numbers.min() if numbers.min() < low else numbers.max())
        raise IntensityError(f"{what} must be between {low:g} and {high:g}, not {worst:g}.")
