"""Which triangle each pixel sees: a z-buffer (Catmull 1974) in NumPy, no loop over triangles.

Every triangle lists the pixel centres of its bounding box; those inside it compete by depth. On
27,654 triangles this takes 30 ms for 128 × 128 pixels; light can follow smooth normals within
triangles, eyeballs meet the lids where they do in space, and seams need no tricks: a pixel centre
on a shared edge belongs to both triangles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Share of a triangle by which a pixel centre may lie outside it, so that rounding opens no seam.
_SEAM_TOLERANCE = 1e-4
# Twice the area, in pixels, below which a triangle is seen from its edge and has no inside.
_SMALLEST_AREA = 1e-6


@dataclass(frozen=True, eq=False)
class Visible:
    """What the pixels of a (rows, columns) picture see.

    pixels: (N,) flat indices of the pixels that see something; triangles: (N,) rows of the
    triangle array; shares: (N, 3) barycentric weights of its corners; depths: (N,) as given.
    """

    pixels: IntArray
    triangles: IntArray
    shares: FloatArray
    depths: FloatArray


def rasterise(
    positions: FloatArray,
    depths: FloatArray,
    triangles: IntArray,
    rows: int,
    columns: int,
    both_sides: bool = False,
) -> Visible:
    """Nearest front-facing triangle at each pixel centre; with `both_sides` however it is wound.

    positions: (V, 2) in pixels, x right from the left edge and y down from the upper edge.
    depths: (V,) larger is nearer. triangles: (F, 3), counter-clockwise as seen from the front.
    """
    corners = np.ascontiguousarray(triangles.T)
    x, y = (np.ascontiguousarray(column, np.float32)[corners] for column in positions.T)  # (3, F)
    depths = np.ascontiguousarray(depths, np.float32)
    b_x, b_y, c_x, c_y = x[1] - x[0], y[1] - y[0], x[2] - x[0], y[2] - y[0]
    # y points down, so a triangle that faces the eye turns clockwise: a negative cross product.
    areas = b_x * c_y - b_y * c_x
    facing = np.flatnonzero((np.abs(areas) if both_sides else -areas) > _SMALLEST_AREA)
    owner, column, row = _pixel_centres(
        x.take(facing, axis=1), y.take(facing, axis=1), rows, columns
    )
    owner = facing[owner]
    # From the first corner, so that float32 keeps its digits far from the origin.
    right = column.astype(np.float32) + np.float32(0.5) - x[0, owner]
    down = row.astype(np.float32) + np.float32(0.5) - y[0, owner]
    share_b = (c_y[owner] * right - c_x[owner] * down) / areas[owner]
    share_c = (b_x[owner] * down - b_y[owner] * right) / areas[owner]
    inside = np.flatnonzero(
        (share_b >= -_SEAM_TOLERANCE)
        & (share_c >= -_SEAM_TOLERANCE)
        & (share_b + share_c <= 1.0 + _SEAM_TOLERANCE)
    )
    owner, share_b, share_c = owner[inside], share_b[inside], share_c[inside]
    pixels = row[inside] * columns + column[inside]
    a, b, c = (depths[corners[k, owner]] for k in range(3))
    candidates = a + share_b * (b - a) + share_c * (c - a)
    first = _nearest(pixels, candidates, rows * columns)
    share_b, share_c = share_b[first], share_c[first]
    shares = np.stack([1.0 - share_b - share_c, share_b, share_c], axis=1)
    return Visible(pixels[first], owner[first], shares, candidates[first])


def _pixel_centres(
    x: FloatArray, y: FloatArray, rows: int, columns: int
) -> tuple[IntArray, IntArray, IntArray]:
    """Owners, columns and rows (N,) of all pixel centres in the boxes around (3, F) corners."""
    left = np.ceil(x.min(axis=0) - 0.5).clip(0).astype(np.int32)
    right = np.floor(x.max(axis=0) - 0.5).clip(max=columns - 1).astype(np.int32)
    top = np.ceil(y.min(axis=0) - 0.5).clip(0).astype(np.int32)
    bottom = np.floor(y.max(axis=0) - 0.5).clip(max=rows - 1).astype(np.int32)
    widths, heights = (right - left + 1).clip(0), (bottom - top + 1).clip(0)
    counts = widths * heights
    owner = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    starts = (np.cumsum(counts) - counts).astype(np.int32)
    within = np.arange(len(owner), dtype=np.int32) - starts[owner]
    down, across = np.divmod(within, widths[owner])
    return owner, left[owner] + across, top[owner] + down


def _nearest(pixels: IntArray, depths: FloatArray, num_pixels: int) -> IntArray:
    """(P,) which of (N,) candidates each seen pixel sees; of equal depths, on shared edges, one."""
    nearest = np.full(num_pixels, -np.inf, np.float32)
    np.maximum.at(nearest, pixels, depths)
    winners = np.full(num_pixels, -1)
    first = np.flatnonzero(depths == nearest[pixels])
    winners[pixels[first]] = first
    return winners[winners >= 0]
