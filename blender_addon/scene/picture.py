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
_MAX_LARGE_STRIPS, _LARGE_TILE, _SMALL_TILE = 2, (340, 372), (206, 226)
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
    layout = _Layout.for_strips(strips)
    sheet = np.broadcast_to(np.array(_PAPER), (layout.rows, layout.columns, 3)).copy()
    total = sum(len(strip.moments) for strip in strips) * len(VIEWS)
    done = 0
    with (
        tempfile.TemporaryDirectory() as folder,
        Studio(alignment, layout.tile_size, Path(folder)) as studio,
    ):
        for row, strip in enumerate(strips):
            for column, moment in enumerate(strip.moments):
                studio.pose(moment.vertices)
                for view, yaw in enumerate(VIEWS.values()):
                    left, top = layout.corner(row, column, view)
                    _place(sheet, _backed(studio.shoot(yaw)), left, top)
                    done += 1
                    progress(done / (total + 1), "Rendering the picture")
        labels = _labels(strips, layout)
        _place(sheet, draw_labels(labels, layout.columns, layout.rows, Path(folder)), 0, 0)
    return encode_png(np.round(sheet * 255).astype(np.uint8), MAX_BYTES)


@dataclass(frozen=True)
class _Layout:
    """Where tiles lie: the views of a strip below each other, or side by side on a long sheet."""

    num_strips: int
    num_moments: int
    is_long: bool
    tile_size: tuple[int, int]

    @classmethod
    def for_strips(cls, strips: Sequence[Strip]) -> _Layout:
        is_long = len(strips) > _MAX_LARGE_STRIPS
        moments = max(len(strip.moments) for strip in strips)
        return cls(len(strips), moments, is_long, _SMALL_TILE if is_long else _LARGE_TILE)

    @property
    def columns(self) -> int:
        across = self.num_moments * (len(VIEWS) if self.is_long else 1)
        return across * (self.tile_size[0] + _GAP) + _GAP

    @property
    def rows(self) -> int:
        return self.num_strips * self._strip_height

    @property
    def _strip_height(self) -> int:
        down = 1 if self.is_long else len(VIEWS)
        return _TITLE_HEIGHT + down * (self.tile_size[1] + _GAP)

    def corner(self, strip: int, moment: int, view: int) -> tuple[int, int]:
        """The upper left pixel (x, y) of a tile."""
        across, down = (moment + view * self.num_moments, 0) if self.is_long else (moment, view)
        left = _GAP + across * (self.tile_size[0] + _GAP)
        top = strip * self._strip_height + _TITLE_HEIGHT + down * (self.tile_size[1] + _GAP)
        return left, top


def _labels(strips: Sequence[Strip], layout: _Layout) -> list[Label]:
    """The title of each strip over its first tile, captions in the corner of the front views."""
    labels = []
    for row, strip in enumerate(strips):
        left, top = layout.corner(row, 0, 0)
        labels.append(Label(strip.title, left + 8, top - 13, 21, _TITLE_COLOUR))
        for column, moment in enumerate(strip.moments):
            left, top = layout.corner(row, column, 0)
            baseline = top + layout.tile_size[1] - 11
            labels.append(Label(moment.caption, left + 10, baseline, 14, _CAPTION_COLOUR))
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
