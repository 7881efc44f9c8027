"""The contact sheet: a matched head at a few moments, from the front and in three-quarter view.

Drawn by Blender's Workbench engine in a scene of its own, which is removed again. The camera stands
where registration found the face, so a whole body, any unit and any orientation give one picture.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facegen_core.progress import Progress, no_progress
from facegen_core.registration.alignment import Alignment

from .picture_studio import Studio
from .picture_text import Label, draw_labels
from .png import encode_png

FloatArray = NDArray[np.floating]

VIEWS = {"front": 0.0, "three-quarter": 38.0}  # yaw of the camera, degrees to the subject's left
MAX_BYTES = 1_000_000

_BACKGROUND_TOP, _BACKGROUND_BOTTOM = (0.235, 0.255, 0.29), (0.135, 0.145, 0.165)
_PAPER = (0.095, 0.10, 0.115)
_TITLE_COLOUR, _CAPTION_COLOUR = (0.96, 0.94, 0.91), (0.72, 0.74, 0.78)
# Pixels. A sheet of up to this many strips has large tiles; longer ones stay below MAX_BYTES.
_LARGE_STRIPS, _LARGE_TILE, _SMALL_TILE = 2, (340, 372), (232, 254)
_TITLE_HEIGHT, _GAP = 40, 6


@dataclass(frozen=True, eq=False)
class Moment:
    """One pose: a short caption and (M, 3) vertices in the target's own coordinates."""

    caption: str
    vertices: FloatArray


@dataclass(frozen=True, eq=False)
class Strip:
    """One expression: its title and moments from neutral to offset."""

    title: str
    moments: tuple[Moment, ...]


def contact_sheet(
    alignment: Alignment, strips: Sequence[Strip], progress: Progress = no_progress
) -> bytes:
    """A PNG of every moment (columns) of every strip from every view (rows), at most 1 MB."""
    tile_size = _LARGE_TILE if len(strips) <= _LARGE_STRIPS else _SMALL_TILE
    sheet, corners = _blank_sheet(strips, tile_size)
    total = sum(len(strip.moments) for strip in strips) * len(VIEWS)
    with (
        tempfile.TemporaryDirectory() as folder,
        Studio(alignment, tile_size, Path(folder)) as studio,
    ):
        done = 0
        for strip, (x, y) in zip(strips, corners, strict=True):
            for column, moment in enumerate(strip.moments):
                studio.pose(moment.vertices)
                for row, yaw in enumerate(VIEWS.values()):
                    left = x + column * (tile_size[0] + _GAP)
                    top = y + _TITLE_HEIGHT + row * (tile_size[1] + _GAP)
                    _place(sheet, _backed(studio.shoot(yaw)), left, top)
                    done += 1
                    progress(done / (total + 1), "Rendering the picture")
        labels = _labels(strips, corners, tile_size)
        _place(sheet, draw_labels(labels, sheet.shape[1], sheet.shape[0], Path(folder)), 0, 0)
    return encode_png(np.round(sheet * 255).astype(np.uint8), MAX_BYTES)


def _blank_sheet(
    strips: Sequence[Strip], tile_size: tuple[int, int]
) -> tuple[FloatArray, list[tuple[int, int]]]:
    """(rows, columns, 3) paper, and the upper left corner (x, y) of every strip."""
    columns = max(len(strip.moments) for strip in strips)
    width = columns * (tile_size[0] + _GAP) + _GAP
    strip_height = _TITLE_HEIGHT + len(VIEWS) * (tile_size[1] + _GAP)
    sheet = np.broadcast_to(np.array(_PAPER), (len(strips) * strip_height, width, 3)).copy()
    return sheet, [(_GAP, k * strip_height) for k in range(len(strips))]


def _labels(
    strips: Sequence[Strip], corners: list[tuple[int, int]], tile_size: tuple[int, int]
) -> list[Label]:
    """The title of each strip over its first tile, captions in the corner of the upper tiles."""
    labels = []
    for strip, (x, y) in zip(strips, corners, strict=True):
        labels.append(Label(strip.title, x + 8, y + 27, 21, _TITLE_COLOUR))
        for column, moment in enumerate(strip.moments):
            left = x + column * (tile_size[0] + _GAP) + 10
            bottom = y + _TITLE_HEIGHT + tile_size[1] - 11
            labels.append(Label(moment.caption, left, bottom, 14, _CAPTION_COLOUR))
    return labels


def _backed(tile: FloatArray) -> FloatArray:
    """A (rows, columns, 4) picture in front of the studio's backdrop, (rows, columns, 3)."""
    fall = np.linspace(0, 1, len(tile))[:, None, None]
    backdrop = np.array(_BACKGROUND_TOP) * (1 - fall) + np.array(_BACKGROUND_BOTTOM) * fall
    return backdrop + (tile[..., :3] - backdrop) * tile[..., 3:]


def _place(sheet: FloatArray, picture: FloatArray, left: int, top: int) -> None:
    """Lay a picture, with alpha if it has one, onto the sheet in place."""
    rows, columns = picture.shape[:2]
    area = sheet[top : top + rows, left : left + columns]
    opacity = picture[..., 3:] if picture.shape[2] == 4 else 1.0
    area += (picture[..., :3] - area) * opacity
