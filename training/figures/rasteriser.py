"""Which triangle each pixel sees: a z-buffer in NumPy, without a loop over triangles.

Every front-facing triangle lists the pixel centres of its bounding box; those inside it compete by
depth. On 27,654 triangles this takes as long as matplotlib's painting of depth-sorted polygons
(0.2 s), but light follows smooth normals within triangles, eyeballs meet the lids where they do in
space, and seams need no tricks: a pixel centre on a shared edge belongs to both triangles.
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
    positions: FloatArray, depths: FloatArray, triangles: IntArray, rows: int, columns: int
) -> Visible:
    """Nearest front-facing triangle at each pixel centre.

    positions: (V, 2) in pixels, x right from the left edge and y down from the upper edge.
    depths: (V,) larger is nearer. triangles: (F, 3), counter-clockwise as seen from the front.
    """
    corners = positions.astype(np.float32)[triangles]  # (F, 3, 2)
    # y points down, so a triangle that faces the eye turns clockwise: a negative cross product.
    edge_b, edge_c = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    areas = edge_b[:, 1] * edge_c[:, 0] - edge_b[:, 0] * edge_c[:, 1]
    low = np.ceil(corners.min(axis=1) - 0.5).clip(0)
    high = np.floor(corners.max(axis=1) - 0.5).clip(max=[columns - 1, rows - 1])
    extents = (high - low + 1).clip(0).astype(np.int32)  # pixel centres of each bounding box
    seen = np.flatnonzero((areas > _SMALLEST_AREA) & (extents.prod(axis=1) > 0))

    x, y, owner = _pixel_centres(low[seen].astype(np.int32), extents[seen])
    shares = _shares(corners[seen], areas[seen], x, y, owner)
    inside = (shares >= -_SEAM_TOLERANCE).all(axis=1)
    pixels, shares = (y * columns + x)[inside], shares[inside]
    owner = seen[owner[inside]]
    candidate_depths = (depths.astype(np.float32)[triangles[owner]] * shares).sum(axis=1)

    nearest = np.full(rows * columns, -np.inf, np.float32)
    np.maximum.at(nearest, pixels, candidate_depths)
    first = np.flatnonzero(candidate_depths == nearest[pixels])
    # Equal depths happen on shared edges: one of the two is enough.
    winners = np.full(rows * columns, -1)
    winners[pixels[first]] = first
    winners = winners[winners >= 0]
    return Visible(pixels[winners], owner[winners], shares[winners], candidate_depths[winners])


def _pixel_centres(low: IntArray, extents: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Columns, rows and owners (N,) of all pixel centres in boxes given by corner and extent."""
    counts = extents.prod(axis=1)
    owner = np.repeat(np.arange(len(low), dtype=np.int32), counts)
    starts = np.cumsum(counts) - counts
    within = np.arange(len(owner), dtype=np.int32) - starts.astype(np.int32)[owner]
    down, right = np.divmod(within, extents[owner, 0])
    return low[owner, 0] + right, low[owner, 1] + down, owner


def _shares(
    corners: FloatArray, areas: FloatArray, x: IntArray, y: IntArray, owner: IntArray
) -> FloatArray:
    """(N, 3) barycentric weights of pixel centres in the triangles that own them."""
    # Relative to the first corner, so that float32 keeps its digits far from the origin.
    a = corners[:, 0]
    b, c = corners[:, 1] - a, corners[:, 2] - a
    slopes_b = np.stack([-c[:, 1], c[:, 0]], axis=1) / areas[:, None]  # 1 at b, 0 at a and c
    slopes_c = np.stack([b[:, 1], -b[:, 0]], axis=1) / areas[:, None]
    dx = x.astype(np.float32) + np.float32(0.5) - a[owner, 0]
    dy = y.astype(np.float32) + np.float32(0.5) - a[owner, 1]
    share_b = slopes_b[owner, 0] * dx + slopes_b[owner, 1] * dy
    share_c = slopes_c[owner, 0] * dx + slopes_c[owner, 1] * dy
    return np.stack([1 - share_b - share_c, share_b, share_c], axis=1)
