"""What colours skin, teeth, gums, tongue and eyes have in the small pictures of a head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from .template import InnerPart, Template

Colour = tuple[float, float, float]
Colours = NDArray[np.float32]

# sRGB from 0 to 1.
IRIS, PUPIL = (0.30, 0.38, 0.42), (0.05, 0.05, 0.06)
_SKIN, _MOUTH_BAG = (0.87, 0.71, 0.62), (0.42, 0.17, 0.16)
_WHITE, _TOOTH, _GUM = (0.93, 0.92, 0.91), (0.92, 0.88, 0.82), (0.71, 0.40, 0.38)
_PART_COLOURS = {
    "eyeball_left": _WHITE,
    "eyeball_right": _WHITE,
    "upper_teeth": _TOOTH,
    "lower_teeth": _TOOTH,
    "tongue": (0.74, 0.42, 0.41),
}
_TEETH = ("upper_teeth", "lower_teeth")
# A piece that reaches over this share of the arch is gum: no tooth is so wide.
_GUM_WIDTH = 0.5
_GAMMA = 2.2


def linear(colour: Colour) -> Colours:
    """(3,) light of an sRGB colour."""
    return (np.array(colour) ** _GAMMA).astype(np.float32)


def as_srgb(light: NDArray[np.floating]) -> NDArray[np.floating]:
    """Light of any shape as sRGB from 0 to 1."""
    return light.clip(0.0, 1.0) ** (1.0 / _GAMMA)


def skin_colours(template: Template) -> Colours:
    """(V, 3) light: skin, darker and redder where it lines the mouth."""
    inside = np.asarray(template.regions["mouth_bag"], np.float32)[:, None]
    skin, bag = linear(_SKIN), linear(_MOUTH_BAG)
    return skin + inside * (bag - skin)


def part_colours(part: InnerPart) -> Colours:
    """(P, 3) light: one colour, but teeth apart from the gums they stand in."""
    colours = np.broadcast_to(linear(_PART_COLOURS[part.name]), part.vertices.shape).copy()
    if part.name in _TEETH:
        colours[_is_gum(part)] = linear(_GUM)
    return colours


def _is_gum(part: InnerPart) -> NDArray[np.bool_]:
    """(P,) vertices of pieces as wide as the arch; none where teeth and gums are one piece."""
    corners = part.triangles
    edges = (np.ones(corners.size), (corners.ravel(), np.roll(corners, 1, axis=1).ravel()))
    graph = sparse.coo_matrix(edges, (len(part.vertices),) * 2)
    num_pieces, piece = connected_components(graph, directed=False)
    across = np.asarray(part.vertices)[:, 0]
    low, high = np.full(num_pieces, np.inf), np.full(num_pieces, -np.inf)
    np.minimum.at(low, piece, across)
    np.maximum.at(high, piece, across)
    is_wide = high - low > _GUM_WIDTH * np.ptp(across)
    return is_wide[piece] & (not is_wide.all())
