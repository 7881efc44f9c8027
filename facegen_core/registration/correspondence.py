"""Where each vertex of the target lies on the bent template: the correspondence.

Closest normal-compatible points, with one rule that has no exception: what belongs to the upper
lip or lid is looked for on the upper one only, and the lower on the lower (see `slits`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..mesh import Mesh
from ..template import Template
from ..topology import boundary_edges
from .matching import Matches, TriangleSearch
from .slits import closed_triangles, labels, target_sides, template_sides
from .surface import Surface

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]

# Matches this close are trusted whole, beyond the second distance not at all: a good fit leaves
# about 1 mm on the face, and the other wall of a nostril or an ear is about 6 mm away.
FULL_TRUST_MM, NO_TRUST_MM = 2.5, 6.0
# Inside mouth and sockets meshes differ by design, so closeness there means less.
INNER_FULL_TRUST_MM, INNER_NO_TRUST_MM = 1.0, 3.0
# Cosines between normals: trusted whole above about 50°, not at all from 80°.
_FULL_TRUST_COSINE, _NO_TRUST_COSINE = 0.65, 0.17
# A point this close to a triangle that does not face the other way lies on it.
_ON_SURFACE_MM, _CONTRARY_COSINE = 1e-2, -0.5
# A match less on the vertex's own side by the first is looked for again, by the second never
# believed; sides fade over some millimetres at the corners, and are told there to a vertex or two.
_UNLIKE_SIDE, _CONTRARY_SIDE = 0.3, 0.6
_SIDE_STEP = 0.2
# From here on a correspondence is taken at its word; below, it is a hint.
CONFIDENT = 0.6
# Points matched past the template's open edge lie beyond it; on the edge itself they do not.
_BORDER_TOLERANCE_MM = 0.5
# Where the target goes on beyond that edge, down a throat, no match so near is believed either, mm
# along the surface: motion fades out over the throat, not over the collar bones.
_FADING_MM = 30.0
# Neighbours that the correspondence tears apart by more than this disagree: neither is trusted.
_TEAR_RATIO, _TEAR_SLACK_MM = 3.0, 2.5
# Neighbours pressed together on the template, as happens at the corners of mouth and eyes, would
# move as one: the worse matched one is smoothed in between instead.
_PRESS_RATIO, _HINT = 0.4, 0.3
INNER_REGIONS = ("mouth_bag", "eye_socket_left", "eye_socket_right")


def inner_regions(template: Template) -> FloatArray:
    """(V,) the skin inside mouth and eye sockets, soft in [0, 1]."""
    return np.max([template.regions[name] for name in INNER_REGIONS], axis=0)


def match_surface(template: Template, neutral: FloatArray, surface: Surface) -> Matches:
    """Unrestricted matches of all W vertices of the surface on the bent template, (V, 3) mm."""
    search = TriangleSearch(Mesh.from_triangles(neutral, template.triangles))
    return search.closest(surface.vertices, surface.normals)


def looks_inside_out(matches: Matches) -> bool:
    """Whether most of what lies on the template faces against it: a mesh with normals inwards."""
    is_close = matches.distances < FULL_TRUST_MM
    return bool(is_close.any() and np.median(matches.cosines[is_close]) < 0)


def correspond(
    template: Template,
    neutral: FloatArray,
    surface: Surface,
    matches: Matches,
    is_skin: BoolArray,
) -> tuple[Matches, FloatArray]:
    """Final matches of the W vertices and their (W,) confidences in [0, 1]; 0 off the skin.

    neutral: (V, 3) mm, the template bent onto the target. matches: from `match_surface`.
    is_skin: (W,) which vertices belong to parts that move as skin.
    """
    confidences = _confidences(template, neutral, matches) * is_skin
    is_outside = matches.values(template.triangles, inner_regions(template)) < 0.5
    is_sure = is_outside & (confidences > CONFIDENT)
    sides = target_sides(template, neutral, surface, matches, is_sure)
    restricted = _match_by_side(template, neutral, surface, matches, sides)
    confidences = _confidences(template, neutral, restricted) * is_skin
    confidences = confidences * _agreement(template, restricted, sides)
    confidences = _distrust_torn(template, neutral, surface, restricted, confidences)
    confidences = confidences * ~_near_beyond(template, surface, restricted, is_skin)
    return restricted, confidences.astype(np.float32)


def _match_by_side(
    template: Template,
    neutral: FloatArray,
    surface: Surface,
    matches: Matches,
    sides: FloatArray,
) -> Matches:
    """Match vertices again where their match lies on the other side of the slit.

    sides: (W, 3) of the target's vertices. Near the corners, where sides fade into one another, a
    vertex is looked for among triangles as much on its own side.
    """
    own_sides = template_sides(template)
    closed = closed_triangles(template, own_sides)  # (F, 3)
    numbers = labels(sides)
    mesh = Mesh.from_triangles(neutral, template.triangles)
    fields = Matches(*(values.copy() for values in vars(matches).values()))
    for number in np.unique(numbers[numbers != 0]):
        slit, sign = abs(number) - 1, np.sign(number)
        rows = np.flatnonzero(numbers == number)
        is_open = closed[:, slit] != -sign
        wrong = rows[~is_open[fields.triangle_indices[rows]]]
        _rematch(fields, mesh, np.flatnonzero(is_open), surface, wrong)
        triangle_sides = sign * own_sides[template.triangles, slit].mean(axis=1)
        wanted = np.abs(sides[rows, slit])
        is_unlike = wanted - triangle_sides[fields.triangle_indices[rows]] > _UNLIKE_SIDE
        is_unlike &= ~_is_on_surface(fields)[rows]
        bins = np.floor(wanted[is_unlike] / _SIDE_STEP)
        for step in np.unique(bins):
            is_like = triangle_sides > (step + 1.0) * _SIDE_STEP - _UNLIKE_SIDE
            chosen = rows[is_unlike][bins == step]
            _rematch(fields, mesh, np.flatnonzero(is_like), surface, chosen)
    return fields


def _rematch(
    fields: Matches, mesh: Mesh, triangle_indices: IntArray, surface: Surface, rows: IntArray
) -> None:
    """Replace the matches of some rows by the closest among some triangles."""
    if len(rows) == 0 or len(triangle_indices) == 0:
        return
    search = TriangleSearch(mesh, triangle_indices)
    found = search.closest(surface.vertices[rows], surface.normals[rows])
    for stored, new in zip(vars(fields).values(), vars(found).values(), strict=True):
        stored[rows] = new


def _agreement(template: Template, matches: Matches, sides: FloatArray) -> FloatArray:
    """(W,) in [0, 1], how well the sides (W, 3) of vertices agree with those of their matches.

    A match farther from the slit than the vertex is no contradiction, one nearer or across is.
    """
    matched = matches.values(template.triangles, template_sides(template))
    unlike = (np.abs(sides) - np.sign(sides) * matched).max(axis=1)
    agreement = np.clip((_CONTRARY_SIDE - unlike) / (_CONTRARY_SIDE - _UNLIKE_SIDE), 0.0, 1.0)
    return np.where(_is_on_surface(matches), 1.0, agreement)


def _is_on_surface(matches: Matches) -> BoolArray:
    """(N,) whether points lie on the surface itself, as those of the template's own mesh do.

    Vertex normals mean little at sharp edges, and position is proof enough, unless the surface
    faces the other way there, as a lip does that lies on the other lip.
    """
    return (matches.distances < _ON_SURFACE_MM) & (matches.cosines > _CONTRARY_COSINE)


def _confidences(template: Template, neutral: FloatArray, matches: Matches) -> FloatArray:
    is_inner = matches.values(template.triangles, inner_regions(template)) > 0.5
    full = np.where(is_inner, INNER_FULL_TRUST_MM, FULL_TRUST_MM)
    none = np.where(is_inner, INNER_NO_TRUST_MM, NO_TRUST_MM)
    by_distance = np.clip((none - matches.distances) / (none - full), 0.0, 1.0)
    by_normal = (matches.cosines - _NO_TRUST_COSINE) / (_FULL_TRUST_COSINE - _NO_TRUST_COSINE)
    by_normal = np.where(_is_on_surface(matches), 1.0, np.clip(by_normal, 0.0, 1.0))
    return by_distance * by_normal * ~_is_beyond(template, matches)


def _is_beyond(template: Template, matches: Matches) -> BoolArray:
    """(N,) points past the template's open edge."""
    return _on_border(template, matches) & (matches.distances > _BORDER_TOLERANCE_MM)


def _near_beyond(
    template: Template, surface: Surface, matches: Matches, is_skin: BoolArray
) -> BoolArray:
    """(W,) skin from which it is not far to where the target goes on beyond the template."""
    beyond = np.flatnonzero(is_skin & _is_beyond(template, matches))
    return np.isfinite(surface.distances_along(beyond, _FADING_MM))


def _on_border(template: Template, matches: Matches) -> BoolArray:
    """(N,) whether the matched point lies on an open edge of the template."""
    at_border = np.zeros(template.num_vertices)
    at_border[np.unique(boundary_edges(template.triangles))] = 1.0
    return matches.values(template.triangles, at_border) > 1.0 - 1e-9


def _distrust_torn(
    template: Template,
    neutral: FloatArray,
    surface: Surface,
    matches: Matches,
    confidences: FloatArray,
) -> FloatArray:
    """Less confidence along edges that the matches tear apart or press together.

    Torn: none at both ends. Pressed: the end that lies farther from its match becomes a hint.
    """
    start, end = surface.edges.T
    points = matches.values(template.triangles, neutral)
    lengths = np.linalg.norm(surface.vertices[start] - surface.vertices[end], axis=1)
    matched = np.linalg.norm(points[start] - points[end], axis=1)
    both = np.minimum(confidences[start], confidences[end]) > 0
    torn = both & (matched > _TEAR_RATIO * lengths + _TEAR_SLACK_MM)
    pressed = both & (matched < _PRESS_RATIO * lengths)
    farther = np.where(matches.distances[start] > matches.distances[end], start, end)[pressed]
    result = confidences.copy()
    result[farther] = np.minimum(result[farther], _HINT)
    result[start[torn]] = 0.0
    result[end[torn]] = 0.0
    return result
