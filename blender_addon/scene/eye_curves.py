"""The eyes of a head over time: what is drawn from the seed, with what is keyed on top."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.eye_motion import EyeMotion, EyeSettings, eye_motion, limited

from . import curves

FloatArray = NDArray[np.floating]

KEYABLE = ("blink", "gaze_x", "gaze_y")
DRAWN = ("eye_seed", "blinks_per_minute", "gaze_amount")
# Blender keeps numbers as float32; more digits are noise.
_DIGITS = 6


def read_eyes(
    head: bpy.types.Object, frames: FloatArray, frames_per_second: float
) -> EyeMotion | None:
    """Blinks and gaze of a head at (T,) frames, None where the eyes rest.

    A frame of the scene always shows the same, whatever range is generated. F-curves, drivers and
    the NLA count; curves that overshoot stop where eyes stop.
    """
    eyes = EyeMotion.at_rest(len(frames))
    if head.facegen.use_eyes:
        eyes = eye_motion(np.asarray(frames) / frames_per_second, settings_of(head))
    keyed = curves.sample_properties(head, frames, KEYABLE)
    if keyed.any():
        eyes = eyes.with_keys(keyed[:, 0], limited(np.deg2rad(keyed[:, 1:])))
    return eyes if eyes.is_moving.any() else None


def settings_of(head: bpy.types.Object) -> EyeSettings:
    """What is drawn on this head."""
    settings = head.facegen
    return EyeSettings(
        settings.eye_seed,
        round(settings.blinks_per_minute, _DIGITS),
        round(settings.gaze_amount, _DIGITS),
    )


def has_eyeballs(head: bpy.types.Object) -> bool:
    """Whether the match found eyeballs, which can turn."""
    return any(part.name.startswith("eyeball") for part in head.facegen.found_parts)
