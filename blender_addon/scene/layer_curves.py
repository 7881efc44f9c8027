"""The regions of a head over time: their properties, sampled like the expressions."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import FacegenError
from facegen_core.layers import Layers
from facegen_core.region_masks import REGIONS

from . import actions, curves, eye_curves, own_clips

FloatArray = NDArray[np.floating]

GAINS = tuple(f"region_{region}" for region in REGIONS)
KEYABLE = (*GAINS, "asymmetry", "extremeness")
SHIFTS = tuple(f"shift_{region}" for region in REGIONS)
ALL = (*KEYABLE, *SHIFTS, "leaves_mouth")
_PATHS = frozenset(f"facegen.{name}" for name in ALL)
# Blender keeps numbers as float32; more digits of a shift are noise.
_DIGITS = 4


def read_layers(
    head: bpy.types.Object, frames: FloatArray, frames_per_second: float
) -> Layers | None:
    """The layers of a head at (T,) frames, or None where they change nothing.

    F-curves, drivers and the NLA count; curves that overshoot are clamped as Blender clamps the
    property. Raises IntensityError for a shift of too many seconds.
    """
    sampled = curves.sample_properties(head, frames, KEYABLE)
    sampled = np.clip(sampled, *np.transpose([_limits(head, name) for name in KEYABLE]))
    layers = Layers(
        sampled[:, : len(REGIONS)],
        tuple(shift / frames_per_second for shift in shifts_of(head)),
        sampled[:, KEYABLE.index("asymmetry")],
        sampled[:, KEYABLE.index("extremeness")],
        eye_curves.read_eyes(head, frames, frames_per_second),
        head.facegen.leaves_mouth,
    )
    return None if layers.is_neutral else layers


def shifts_of(head: bpy.types.Object) -> tuple[float, ...]:
    """Frames by which each region runs later."""
    return tuple(round(getattr(head.facegen, name), _DIGITS) for name in SHIFTS)


def shifted_span(head: bpy.types.Object, start: int, end: int) -> tuple[int, int]:
    """First and last frame of motion whose curves go from `start` to `end`."""
    shifts = shifts_of(head)
    return start + min(0, int(np.floor(min(shifts)))), end + max(0, int(np.ceil(max(shifts))))


def is_touched(head: bpy.types.Object) -> bool:
    """Whether a layer is away from where it changes nothing, keyed or driven."""
    settings = head.facegen
    return bool(_keyed(head) or _driven(head)) or any(
        getattr(settings, name) != settings.bl_rna.properties[name].default for name in ALL
    )


def reset(head: bpy.types.Object) -> None:
    """Back to where layers change nothing; their keys and drivers go."""
    keyed = _keyed(head)
    if keyed and head.animation_data.action.library:
        raise FacegenError(
            f"The action '{head.animation_data.action.name}' is linked from another file: "
            "make it local first."
        )
    own_clips.claim(head)
    actions.remove_fcurves(head, keyed)
    for path in _driven(head):
        head.driver_remove(path)
    for name in ALL:
        head.facegen.property_unset(name)


def _limits(head: bpy.types.Object, name: str) -> tuple[float, float]:
    known = head.facegen.bl_rna.properties[name]
    return known.hard_min, known.hard_max


def _keyed(head: bpy.types.Object) -> list[str]:
    """Paths of the layers that have an F-curve."""
    return [c.data_path for c in actions.fcurves_of(head) or () if c.data_path in _PATHS]


def _driven(head: bpy.types.Object) -> list[str]:
    """Paths of the layers that have a driver."""
    drivers = head.animation_data.drivers if head.animation_data else ()
    return [driver.data_path for driver in drivers if driver.data_path in _PATHS]
