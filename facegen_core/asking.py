"""What is refused at the doors of the pipeline, before anything is computed."""

from __future__ import annotations

from typing import Literal, get_args

from .bundle import Bundle
from .errors import IntensityError
from .memory import check_fits
from .motion_engine import GENERATORS
from .numeric import counted, finite, shown
from .registration.alignment import Alignment

BakeMode = Literal["compact", "frames"]
# Pictures of variations, to choose by.
MIN_PIXELS, MAX_PIXELS = 8, 1024
# The most that making a clip holds at once: three float32 a frame and vertex, of the template and
# of the head, some of them twice; and what a step of the model's own clock keeps.
_BYTES_PER_VERTEX, _BYTES_PER_STEP = 20.0, 8192.0


def check_clip(
    alignment: Alignment, num_frames: int, rate: float, bundle: Bundle, generator: str
) -> None:
    """Refuse a generator nobody knows, and a clip that would fill the machine's memory."""
    if generator not in GENERATORS:
        raise IntensityError(
            f"There is no generator {shown(generator)}: choose {' or '.join(GENERATORS)}."
        )
    vertices = bundle.template.num_vertices + alignment.target.num_vertices
    steps = num_frames / rate * bundle.config.model_rate
    check_fits(
        _BYTES_PER_VERTEX * num_frames * vertices + _BYTES_PER_STEP * steps,
        f"A clip of {counted(num_frames, 'frame')} ({num_frames / rate:,.6g} s) on this head",
        "shorten the frame range, or make the clip in pieces",
    )


def check_sheet(num_seeds: int, num_pixels: int) -> None:
    """Refuse pictures of variations that nobody can look at."""
    if num_seeds == 0:
        raise IntensityError("There are no seeds to draw variations of: give one or more.")
    if not isinstance(num_pixels, int) or not MIN_PIXELS <= num_pixels <= MAX_PIXELS:
        raise IntensityError(
            f"The pictures of variations are {MIN_PIXELS} to {MAX_PIXELS} pixels wide, got "
            f"{shown(num_pixels)}: choose a width in between."
        )


def check_bake(mode: str, max_error_mm: float) -> float:
    """The tolerance, mm. Refuses a mode nobody knows, and a tolerance that is none."""
    if mode not in get_args(BakeMode):
        raise IntensityError(
            f"There is no bake {shown(mode)}: choose {' or '.join(get_args(BakeMode))}."
        )
    tolerance = finite(max_error_mm)
    if tolerance is None or not 0 <= tolerance <= 1000:
        raise IntensityError(
            f"The tolerance of a bake is 0 to 1000 millimetres, got "
            f"{shown(max_error_mm)}: 0.1 cannot be seen on a face."
        )
    return tolerance
