"""Which side of the mouth and eye slits a vertex belongs to, decided along the surface.

Lips and lids touch: in space a point of the upper lip can be closest to the lower one. Along the
surface they are far apart. So sides are read where they are certain, well away from the slit, and
carried from there over the target's own surface as a harmonic function, into the mouth bag and
behind the lids. How the lips meet in space no longer matters.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..template import Template
from .matching import Matches
from .surface import Surface

FloatArray = NDArray[np.floating]
BoolArray = NDArray[np.bool_]

# The regions above, below and behind each slit: the mouth, the left eye, the right eye.
_HALVES = (
    ("upper_lip", "lower_lip", "mouth_bag"),
    ("upper_lid_left", "lower_lid_left", "eye_socket_left"),
    ("upper_lid_right", "lower_lid_right", "eye_socket_right"),
)
# A side this clear on the template, and this far from the other side, is certain on the target.
_CERTAIN_SIDE = 0.4
_CERTAIN_CLEARANCE_MM = 4.0
# Nearer to the other side a vertex is believed that faces as its match does, unless what is certain
# around it says the opposite this clearly: meshes of few vertices have hardly any other.
_LIKELY_CLEARANCE_MM, _ALIKE_COSINE, _CONTRADICTION = 1.0, 0.85, 0.3
# Below this a vertex belongs to neither side: beyond the corners of the slit.
_NO_SIDE = 0.02
# Which triangles are closed to the other side. Near the corners both sides move alike, and the
# line between them is uncertain by a vertex or two: there nothing is closed.
_CLOSED_SIDE = 0.12
_LABELLED_SIDE = 0.01
# Where the two sides join, at the corners, they fade over this way along the skin.
_JOINT_MM = 8.0
# Farther than this from where sides are known there are none: throats are not as deep.
_REACH_MM = 150.0

_known_sides: WeakKeyDictionary[Template, FloatArray] = WeakKeyDictionary()


def template_sides(template: Template) -> FloatArray:
    """(V, 3) side of mouth, left eye and right eye: +1 upper, -1 lower, 0 neither.

    Sides fade towards the line where they join, at the corners and deep in the mouth; at the slit
    itself, where they only touch, they stay sharp. Worked out once for a template; not writable.
    """
    if template not in _known_sides:
        _known_sides[template] = _sides_of(template)
        _known_sides[template].setflags(write=False)
    return _known_sides[template]


def _sides_of(template: Template) -> FloatArray:
    surface = _as_surface(template)
    regions = {name: values.astype(np.float64) for name, values in template.regions.items()}
    columns = []
    for upper, lower, inside in _HALVES:
        sides = np.clip(regions[upper] - regions[lower], -1.0, 1.0)
        sides = _fade_at_joint(surface, sides)[:, None]
        # What hangs on the upper lip or lid, inside mouth or socket, is upper.
        is_inside = regions[inside] > 0.5
        columns.append(surface.harmonic_extension(~is_inside, sides)[:, 0])
    return np.stack(columns, axis=1)


def _fade_at_joint(surface: Surface, sides: FloatArray) -> FloatArray:
    """(V,) sides, fading to 0 where upper and lower join along the surface."""
    upper, lower = (np.flatnonzero(sign * sides > _CLOSED_SIDE) for sign in (1.0, -1.0))
    to_upper = surface.distances_along(upper, _JOINT_MM)
    to_lower = surface.distances_along(lower, _JOINT_MM)
    return sides * np.minimum(np.where(sides > 0, to_lower, to_upper) / _JOINT_MM, 1.0)


def clearances(neutral: FloatArray, sides: FloatArray) -> FloatArray:
    """(V, 3) distance in mm from each vertex of a slit's side to the other side; inf elsewhere."""
    result = np.full(sides.shape, np.inf)
    for k in range(sides.shape[1]):
        upper, lower = (np.flatnonzero(s * sides[:, k] > _CLOSED_SIDE) for s in (1.0, -1.0))
        if len(upper) and len(lower):
            result[upper, k] = cKDTree(neutral[lower]).query(neutral[upper])[0]
            result[lower, k] = cKDTree(neutral[upper]).query(neutral[lower])[0]
    return result


def target_sides(
    template: Template, neutral: FloatArray, surface: Surface, matches: Matches, is_sure: BoolArray
) -> FloatArray:
    """(W, 3) sides of the target's vertices, from the certain ones along its own surface.

    neutral: (V, 3) the template bent onto the target. matches: unrestricted matches of the W
    vertices. is_sure: (W,) where they are close, compatible, and outside mouth and sockets.
    """
    sides = template_sides(template)
    away = clearances(neutral, sides)
    triangles = template.triangles
    matched = matches.values(triangles, sides)  # (W, 3)
    corner_clearances = away[triangles[matches.triangle_indices]].min(axis=1)  # (W, 3)
    result = np.zeros_like(matched)
    for k in range(matched.shape[1]):
        values = matched[:, k]
        is_clear = is_sure & (np.abs(values) > _CERTAIN_SIDE)
        certain = is_clear & (corner_clearances[:, k] > _CERTAIN_CLEARANCE_MM)
        is_seed = certain | (is_sure & (np.abs(values) < _NO_SIDE))
        first = surface.harmonic_extension(is_seed, values[:, None], _REACH_MM)[:, 0]
        likely = is_clear & (corner_clearances[:, k] > _LIKELY_CLEARANCE_MM)
        likely &= (matches.cosines > _ALIKE_COSINE) & (np.sign(values) * first > -_CONTRADICTION)
        result[:, k] = surface.harmonic_extension(is_seed | likely, values[:, None], _REACH_MM)[
            :, 0
        ]
    return result


def closed_triangles(template: Template, sides: FloatArray) -> FloatArray:
    """(F, 3) side of each triangle: +1 closed to the lower, -1 closed to the upper, else 0."""
    means = sides[template.triangles].mean(axis=1)
    return np.sign(means) * (np.abs(means) > _CLOSED_SIDE)


def labels(sides: FloatArray) -> NDArray[np.int8]:
    """(W,) one number per side of each slit: 0 free, ±1 mouth, ±2 left eye, ±3 right eye."""
    strongest = np.abs(sides).argmax(axis=1)
    values = sides[np.arange(len(sides)), strongest]
    numbers = np.sign(values) * (strongest + 1) * (np.abs(values) > _LABELLED_SIDE)
    return numbers.astype(np.int8)


def _as_surface(template: Template) -> Surface:
    count = template.num_vertices
    parts = np.zeros(count, np.int32)
    vertices = np.asarray(template.vertices, np.float64)
    return Surface(vertices, template.triangles, np.arange(count), parts)
