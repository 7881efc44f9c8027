"""The recipe of `facegen variations`: one head, nine motions of it, and the sheets to choose by.

Nothing appears under its final name before everything has succeeded.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from facegen_core import preview
from facegen_core.progress import Progress, no_progress, subprogress

from ..operators import generate, variations
from ..operators.variations import seeds_from
from ..scene import movie, sheet_picture
from ..scene.png import encode_png
from .animate_file import match_head, read_head
from .animate_request import Request, check_request
from .products import Products, check_products
from .report import Stopwatch

# Pixels of one face on the sheet: thrice as fine as in the sidebar.
_NUM_PIXELS = 288
# Where the stages end on the progress bar.
_DRAWN, _WRITTEN = 0.92, 1.0


@dataclass(frozen=True)
class SheetRequest:
    """head: what to read and to play, with the first seed and the amount; its outputs are none.

    sheet_file: .png; movie_file: .mp4.
    """

    head: Request
    sheet_file: Path
    movie_file: Path


def draw_variations(request: SheetRequest, progress: Progress = no_progress) -> list[str]:
    """Do all of it; returns the lines to tell. FacegenError leaves nothing written."""
    check_request(request.head)
    sources = [request.head.head] if request.head.head else []
    check_products([request.sheet_file, request.movie_file], sources)
    movie.check_movies()
    stopwatch = Stopwatch()
    target = read_head(request.head, stopwatch, progress)[0]
    _, matched = match_head(request.head, target, stopwatch, progress)
    asked = generate.request_generate(bpy.context, target, request.head.bundle_file)
    asked = dataclasses.replace(asked, engine=request.head.engine)
    seeds = seeds_from(asked.variation.seed)
    with stopwatch("draw"):
        drawing = subprogress(progress, 0.45, _DRAWN)
        pictures, used = variations.draw(asked, matched, seeds, drawing, _NUM_PIXELS)
    frames = preview.picture_frames(asked.intensities, asked.frames_per_second)
    still = preview.apex_picture(asked.intensities[frames])
    with Products() as products, stopwatch("write"):
        progress(_DRAWN, "Writing the sheets")
        _write(request, products, sheet_picture.sheets(pictures, seeds), still)
        products.publish()
    progress(_WRITTEN, "Done")
    lines = _lines(request, seeds, asked, int(asked.frames[frames[still]]), stopwatch)
    return [*lines, *(f"  note: {note}" for note in used.notes)]


def _write(
    request: SheetRequest, products: Products, sheets: NDArray[np.uint8], still: int
) -> None:
    products.path_for(request.sheet_file).write_bytes(encode_png(sheets[still]))
    movie.write_movie(sheets, preview.PICTURES_PER_SECOND, products.path_for(request.movie_file))


def _lines(
    request: SheetRequest,
    seeds: tuple[int, ...],
    asked: generate.GenerateRequest,
    frame: int,
    stopwatch: Stopwatch,
) -> list[str]:
    seconds = sum(stopwatch.seconds.values())
    lines = [
        f"Seeds {seeds[0]} to {seeds[-1]}, row by row, amount {asked.variation.amount:.4g}, "
        f"{seconds:.1f} s; take one with --generator {asked.generator} --variation SEED "
        f"--amount {asked.variation.amount:.4g}",
        f"  {request.sheet_file}  apex, frame {frame}",
        f"  {request.movie_file}  moving, {preview.PICTURES_PER_SECOND:g} pictures per second",
    ]
    return lines
