"""Options of the regions: --region, --shift, --asymmetry, --extremeness."""

from __future__ import annotations

import argparse
import math

from facegen_core.errors import FacegenError
from facegen_core.layers import MAX_EXTREMENESS, MAX_GAIN
from facegen_core.region_masks import REGIONS


def add_layers(command: argparse.ArgumentParser) -> None:
    """How far and when brows, eyes and mouth move."""
    regions = ", ".join(REGIONS)
    command.add_argument(
        "--region",
        action="append",
        default=[],
        metavar="NAME=FACTOR",
        help=f"how far a region ({regions}) moves, 0 to {MAX_GAIN:g} (1); may be repeated",
    )
    command.add_argument(
        "--shift",
        action="append",
        default=[],
        metavar="NAME=FRAMES",
        help="frames a region runs later, below 0 earlier (0); may be repeated",
    )
    command.add_argument(
        "--asymmetry",
        type=float,
        metavar="A",
        help="1 moves only the head's left side, -1 only its right (0)",
    )
    command.add_argument(
        "--extremeness",
        type=float,
        metavar="E",
        help=f"how strongly everything is played, 0 to {MAX_EXTREMENESS:g} (1)",
    )


def layer_settings(options: argparse.Namespace) -> dict[str, float]:
    """{property of `object.facegen`: value} of what was said. Raises FacegenError."""
    settings = {
        **_by_region(options.region, "--region", "region_", 0.0, MAX_GAIN),
        **_by_region(options.shift, "--shift", "shift_", -math.inf, math.inf),
    }
    for name, low, high in (("asymmetry", -1.0, 1.0), ("extremeness", 0.0, MAX_EXTREMENESS)):
        value = getattr(options, name)
        if value is not None:
            settings[name] = _checked(value, f"--{name}", low, high)
    return settings


def _by_region(
    texts: list[str], option: str, prefix: str, low: float, high: float
) -> dict[str, float]:
    settings = {}
    for text in texts:
        region, _, number = text.partition("=")
        if region not in REGIONS:
            raise FacegenError(f"{option} {text}: the regions are {', '.join(REGIONS)}.")
        try:
            value = float(number)
        except ValueError:
            raise FacegenError(
                f"{option} {text} gives no number; write for example {option} {region}=0.5."
            ) from None
        settings[prefix + region] = _checked(value, f"{option} {region}", low, high)
    return settings


def _checked(value: float, what: str, low: float, high: float) -> float:
    if not math.isfinite(value):
        raise FacegenError(f"{what} must be a number, got {value:g}.")
    if not low <= value <= high:
        raise FacegenError(f"{what} lies between {low:g} and {high:g}, got {value:g}.")
    return value
