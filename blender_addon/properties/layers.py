"""Regions of a head: how far and when brows, eyes and mouth move, one side, extremeness."""

from __future__ import annotations

from typing import Any

from bpy.props import FloatProperty

from facegen_core.layers import MAX_EXTREMENESS, MAX_GAIN
from facegen_core.region_masks import REGIONS

# Frames; facegen_core says how many seconds are too many.
MAX_SHIFT_FRAMES = 120.0


def _factor(name: str, description: str, **options: Any) -> FloatProperty:
    return FloatProperty(
        name=name,
        description=description,
        subtype="FACTOR",
        options={"ANIMATABLE"},
        override={"LIBRARY_OVERRIDABLE"},
        **options,
    )


def _region(region: str) -> FloatProperty:
    also = " and the jaw" if region == "mouth" else ""
    return _factor(
        region.capitalize(),
        f"How far the {region}{also} move: 1 as generated, 0 not at all, 2 twice as far",
        default=1.0,
        min=0.0,
        max=MAX_GAIN,
    )


def _shift(region: str) -> FloatProperty:
    verb = "runs" if region == "mouth" else "run"
    # One number for the whole clip: a region whose delay changes would play faster or slower.
    return FloatProperty(
        name=f"{region.capitalize()} Later",
        description=f"Frames by which the {region} {verb} later than the curves; below 0 earlier",
        default=0.0,
        min=-MAX_SHIFT_FRAMES,
        max=MAX_SHIFT_FRAMES,
        soft_min=-12.0,
        soft_max=12.0,
        step=100,
        precision=1,
        options=set(),
        override={"LIBRARY_OVERRIDABLE"},
    )


PROPERTIES = {
    **{f"region_{region}": _region(region) for region in REGIONS},
    "asymmetry": _factor(
        "Asymmetry",
        "1 moves only the head's left side, -1 only its right; the jaw turns as a whole",
        default=0.0,
        min=-1.0,
        max=1.0,
    ),
    "extremeness": _factor(
        "Extremeness",
        "How strongly everything is played: 0 rests, 1 as the curves say, beyond it the motion "
        "is exaggerated",
        default=1.0,
        min=0.0,
        max=MAX_EXTREMENESS,
    ),
    **{f"shift_{region}": _shift(region) for region in REGIONS},
}
