"""The sheet of variations while it is looked at: nine small moving pictures, in memory alone.

A timer moves them on while the sidebar shows them, and ends by itself once it does not.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import bpy
import bpy.utils.previews
import numpy as np
from numpy.typing import NDArray

from facegen_core.preview import PICTURES_PER_SECOND

NUM_VARIATIONS = 9
NUM_COLUMNS = 3
# A sheet that has not been drawn for so long is not being looked at.
_UNSEEN_SECONDS = 1.0
# How long the last picture stays before the motion begins again.
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, eq=False)
class Sheet:
    """Nine variations of one head.

    head: its name. seeds: nine. amount: of all of them. pictures: (9, N, 96, 96, 4) sRGB and cover,
    the first row at the top, PICTURES_PER_SECOND. still: which of the N shows the apex.
    """

    head: str
    seeds: tuple[int, ...]
    amount: float
    pictures: NDArray[np.uint8]
    still: int


class _Player:
    """The sheet that is shown, its pictures as Blender's previews, and when it was last drawn."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.started = self.drawn = time.monotonic()
        self.shown = -1
        self._previews = bpy.utils.previews.new()
        # Packed as Blender keeps them: RGBA bytes, the lowest row first.
        self._packed = np.ascontiguousarray(sheet.pictures[:, :, ::-1]).view(np.int32)
        rows, columns = sheet.pictures.shape[2:4]
        for seed in sheet.seeds:
            self._previews.new(str(seed)).image_size = (columns, rows)
        self.show(sheet.still)

    def show(self, picture: int) -> None:
        if picture != self.shown:
            for seed, pictures in zip(self.sheet.seeds, self._packed, strict=True):
                self._previews[str(seed)].image_pixels.foreach_set(pictures[picture].ravel())
            self.shown = picture

    def show_now(self) -> None:
        """The picture whose turn it is by the clock."""
        num_pictures = self.sheet.pictures.shape[1]
        pause = round(_PAUSE_SECONDS * PICTURES_PER_SECOND)
        turn = int((time.monotonic() - self.started) * PICTURES_PER_SECOND)
        self.show(min(turn % (num_pictures + pause), num_pictures - 1))

    def icons(self) -> list[int]:
        return [self._previews[str(seed)].icon_id for seed in self.sheet.seeds]

    def close(self) -> None:
        bpy.utils.previews.remove(self._previews)


_player: _Player | None = None


def show(sheet: Sheet) -> None:
    """Take a sheet in place of the last one."""
    global _player
    forget()
    _player = _Player(sheet)


def forget() -> None:
    """Let go of the sheet, its previews and its timer."""
    global _player
    if bpy.app.timers.is_registered(_move_on):
        bpy.app.timers.unregister(_move_on)
    if _player is not None:
        _player.close()
        _player = None


def sheet_of(head: str) -> Sheet | None:
    """The sheet in memory where it is of the head of this name."""
    if _player is None or _player.sheet.head != head:
        return None
    return _player.sheet


def icons() -> list[int]:
    """Icons of the nine pictures, for whoever draws them now; they keep moving while drawn."""
    if _player is None:
        return []
    _player.drawn = time.monotonic()
    if not bpy.app.timers.is_registered(_move_on):
        bpy.app.timers.register(_move_on, first_interval=1.0 / PICTURES_PER_SECOND)
    return _player.icons()


def _move_on() -> float | None:
    """Show the next pictures; returns when to be called again, None when nobody looks, a timer."""
    if _player is None or time.monotonic() - _player.drawn > _UNSEEN_SECONDS:
        return None
    _player.show_now()
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
    return 1.0 / PICTURES_PER_SECOND
