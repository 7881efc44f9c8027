"""How a ramp of an expression moves from one value to the next.

An ease is a name, the interpolation and easing an animation curve calls it by, and its progress
over the ramp. The cubic ones are Penner's equations (Programming Macromedia Flash MX, 2002,
chapter 7), as Blender and most animation tools have them; the smooth one is a Bezier segment with
flat handles of a third of its length, the smoothstep.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]


@dataclass(frozen=True)
class Ease:
    """interpolation, easing: as keys name them. progress: (N,) in [0, 1] of (N,) in [0, 1]."""

    interpolation: str
    easing: str
    progress: Callable[[FloatArray], FloatArray]


EASES = {
    "linear": Ease("LINEAR", "AUTO", lambda u: u),
    "smooth": Ease("BEZIER", "AUTO", lambda u: u * u * (3.0 - 2.0 * u)),
    "swift": Ease(
        "CUBIC",
        "EASE_IN_OUT",
        lambda u: np.where(u < 0.5, 4.0 * u**3, 1.0 - 4.0 * (1.0 - u) ** 3),
    ),
    "quick": Ease("CUBIC", "EASE_OUT", lambda u: 1.0 - (1.0 - u) ** 3),
    "slow": Ease("CUBIC", "EASE_IN", lambda u: u**3),
}
LINEAR = "linear"

_OVERSHOOTS = ("BACK", "BOUNCE", "ELASTIC")
_BACKWARDS = {"EASE_IN": "EASE_OUT", "EASE_OUT": "EASE_IN"}


def ease_named(interpolation: str, easing: str) -> str:
    """The name of the ease with this interpolation and easing, or "" where it has none."""
    if interpolation in ("LINEAR", "BEZIER"):  # these have no easing
        easing = "AUTO"
    elif easing == "AUTO":
        easing = resolved(interpolation, easing)
    for name, ease in EASES.items():
        if (ease.interpolation, ease.easing) == (interpolation, easing):
            return name
    return ""


def resolved(interpolation: str, easing: str) -> str:
    """What an automatic easing stands for: in, but out for those that swing."""
    if easing != "AUTO":
        return easing
    return "EASE_OUT" if interpolation in _OVERSHOOTS else "EASE_IN"


def backwards(interpolation: str, easing: str) -> str:
    """The easing with which the same ramp is played from its end to its start."""
    if interpolation in ("LINEAR", "BEZIER"):
        return easing
    easing = resolved(interpolation, easing)
    return _BACKWARDS.get(easing, easing)
