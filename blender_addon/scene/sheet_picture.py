"""Nine small pictures as one sheet, each with its seed in the corner."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

NUM_COLUMNS = 3
_PAPER, _INK = np.array([46, 48, 52]), np.array([224, 224, 222])
# Pixels between pictures, from their corner to the seed, and of one dot of a digit.
_GAP, _INSET, _DOT = 6, 8, 3
# Digits on 3 × 5 dots, row by row: no font is needed, and none is there without OpenGL.
_DIGITS = {
    "0": "111101101101111",
    "1": "010110010010111",
    "2": "111001111100111",
    "3": "111001011001111",
    "4": "101101111001001",
    "5": "111100111001111",
    "6": "111100111101111",
    "7": "111001010010010",
    "8": "111101111101111",
    "9": "111101111001111",
}


def sheets(pictures: Picture, seeds: Sequence[int]) -> Picture:
    """(N, rows, columns, 3) sheets of (S, N, P, P, 4) pictures with S seeds, three in a row.

    Rows and columns are even, as films want them.
    """
    num, size = pictures.shape[1], pictures.shape[2]
    across, down = NUM_COLUMNS, -(-len(pictures) // NUM_COLUMNS)
    height, width = (count * (size + _GAP) + _GAP for count in (down, across))
    shape = (num, height + height % 2, width + width % 2, 3)
    whole = np.broadcast_to(_PAPER.astype(np.uint8), shape).copy()
    for k, seed in enumerate(seeds):
        row, column = divmod(k, NUM_COLUMNS)
        top, left = _GAP + row * (size + _GAP), _GAP + column * (size + _GAP)
        place = whole[:, top : top + size, left : left + size]
        cover = pictures[k, ..., 3:] / 255.0
        place[:] = np.rint(pictures[k, ..., :3] * cover + _PAPER * (1.0 - cover))
        dots = number(seed)
        rows, columns = dots.shape
        corner = place[:, _INSET : _INSET + rows, _INSET : _INSET + columns]
        corner[:, dots] = _INK
    return whole


def number(value: int) -> NDArray[np.bool_]:
    """(rows, columns) where the digits of a number have ink."""
    digits = [
        np.array(list(_DIGITS[digit]), int).reshape(5, 3).astype(bool) for digit in str(value)
    ]
    spaced = [np.pad(digit, ((0, 0), (0, 1))) for digit in digits]
    return np.kron(np.concatenate(spaced, axis=1), np.ones((_DOT, _DOT), bool)).astype(bool)
