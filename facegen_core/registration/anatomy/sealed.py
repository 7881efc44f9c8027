"""Mouths and eyes that are modelled shut: upper and lower lip, or both lids, in one sheet.

A voxel remesh or a scan of closed lips has no slit. Its upper lip still lies on the template's
upper lip and its lower on the lower, so a jaw that opens would tear the few edges between them 20
mm long. There is nothing to open: near such a seam no correspondence is believed, and the skin is
filled in smoothly from above and below, so that both lips move as one and no hole can appear.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from ...template import Template
from ..alignment import Fit
from ..correspondence import inner_regions
from ..matching import Matches
from ..slits import template_sides
from ..surface import Surface

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]


class _Slit(NamedTuple):
    """A slit between two landmarks, mm along the surface.

    column: of the sides. crossing_mm: lips this near to one another along the skin are joined; in
    an open mouth the way leads through its bag, in an open eye over the ball. yielding_mm: how far
    from what is joined the skin gives way; both together are the height of a lip or a lid.
    """

    column: int
    right: int
    left: int
    crossing_mm: float
    yielding_mm: float


_SLITS = (_Slit(0, 48, 54, 6.0, 6.5), _Slit(1, 42, 45, 3.0, 7.0), _Slit(2, 36, 39, 3.0, 7.0))
# From here on a vertex surely lies above or below; at the corners sides fade to 0.
_SIDE = 0.5
# What lies this far off the line between the corners, in its lengths, is not at the slit.
_REACH_SHARE = 0.35
# Of the places along the slit between these shares of its length, so many must be joined: near the
# corners, and on coarse meshes, one way across says nothing.
_FROM, _TO, _NUM_PLACES, _SEALED_SHARE = 0.2, 0.8, 9, 0.5


def near_seals(
    template: Template,
    fit: Fit,
    surface: Surface,
    matches: Matches,
    confidences: FloatArray,
    is_skin: BoolArray,
) -> BoolArray:
    """(W,) skin too near to a sealed mouth or eye to follow one lip or lid alone.

    matches, confidences: (W,) final ones, each lip on its own side. is_skin: (W,).
    """
    result = np.zeros(surface.num_vertices, bool)
    sides, inside = template_sides(template), inner_regions(template)
    for slit in _SLITS:
        right, left = fit.landmarks[slit.right], fit.landmarks[slit.left]
        reach = 0.5 * float(np.linalg.norm(left - right)) + 2.0 * (
            slit.crossing_mm + slit.yielding_mm
        )
        offsets = surface.vertices - 0.5 * (right + left)
        near = np.flatnonzero(is_skin & (np.einsum("wx,wx->w", offsets, offsets) < reach**2))
        corners = template.triangles[matches.triangle_indices[near]]
        values = np.stack([sides[:, slit.column], inside], axis=1)[corners]
        side, depth = np.einsum("nk,nkx->xn", matches.barycentrics[near], values)
        side = side * (confidences[near] > 0) * (depth < 0.5)
        links = _links(surface, near)
        seam = _seam(surface.vertices[near], links, side, slit, (right, left))
        if len(seam):
            ways = dijkstra(links, False, seam, min_only=True, limit=slit.yielding_mm)
            result[near[np.isfinite(ways)]] = True
    return result


def _links(surface: Surface, near: IntArray) -> sparse.csr_matrix:
    """(N, N) lengths of the edges between some vertices of the surface."""
    local = np.full(surface.num_vertices, -1, np.int64)
    local[near] = np.arange(len(near))
    ends = local[surface.edges]
    start, end = ends[(ends >= 0).all(axis=1)].T
    lengths = np.linalg.norm(surface.vertices[near[start]] - surface.vertices[near[end]], axis=1)
    shape = (len(near), len(near))
    return sparse.csr_matrix((np.maximum(lengths, 1e-9), (start, end)), shape)


def _seam(
    points: FloatArray,
    links: sparse.csr_matrix,
    side: FloatArray,
    slit: _Slit,
    corners: tuple[FloatArray, FloatArray],
) -> IntArray:
    """Vertices of each lip that the other lip is joined to; none where the slit is open."""
    upper, lower = np.flatnonzero(side > _SIDE), np.flatnonzero(side < -_SIDE)
    if len(upper) == 0 or len(lower) == 0:
        return upper[:0]
    crossing = max(slit.crossing_mm, 1.01 * float(np.median(links.data)))
    to_upper, to_lower = (
        dijkstra(links, False, ends, min_only=True, limit=crossing) for ends in (upper, lower)
    )
    joined = np.concatenate(
        [lower[np.isfinite(to_upper[lower])], upper[np.isfinite(to_lower[upper])]]
    )
    right, left = corners
    along = left - right
    length = float(np.linalg.norm(along))
    offsets = points[joined] - right
    places = offsets @ along / length**2
    off_line = np.linalg.norm(offsets - places[:, None] * along, axis=1)
    is_at_slit = (places > 0) & (places < 1) & (off_line < _REACH_SHARE * length)
    counts = np.histogram(places[is_at_slit], np.linspace(_FROM, _TO, _NUM_PLACES + 1))[0]
    is_sealed = np.count_nonzero(counts) >= _SEALED_SHARE * _NUM_PLACES
    return joined[is_at_slit] if is_sealed else joined[:0]
