"""What may not touch on one matched head: its lids, its lips, its teeth, found once per head."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from ..registration.alignment import Alignment, Part, vertices_moving, vertices_of
from ..registration.lid_closing import LidClosing
from ..registration.masking import Masking
from ..registration.surface import Surface
from ..retarget import Retargeter
from .areas import Area, LidArea, MouthArea, Row
from .lid_contact import EyeShape, LidContact, lies_on_ball
from .lip_contact import LipContact
from .resolving import Opening, Resolver
from .teeth_contact import TeethContact, ToothShape
from .zone import Reach, Zone, zone_around

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]

# Lid landmarks from corner to corner and round, and the column of the eye's sides.
_EYES = {"left": ((42, 43, 44, 45, 46, 47), 1), "right": ((36, 37, 38, 39, 40, 41), 2)}
_INNER_CORNERS = (60, 64)
_INNER_LIPS = (60, 61, 62, 63, 64, 65, 66, 67)
# On a face of ordinary size eyes are this wide, mm; zones of larger ones are larger.
_EYE_WIDTH_MM, _MOUTH_WIDTH_MM = 30.0, 44.0
_SMALLEST, _LARGEST = 0.7, 2.5
_LIP_REACH = Reach(touching=9.0, yielding=20.0, response=2.5, patch=2.4, spacing=1.3)
_LID_REACH = Reach(touching=14.0, yielding=22.0, response=2.5, patch=2.4, spacing=1.1)
# Where the slit is: skin this near to the line of landmarks, and surely of a side. Nearer to the
# corners of the mouth, where the lips are one, they cannot be pushed apart.
_SEED_MM = 4.0
_LEAST_LID_SIDE, _LEAST_LIP_SIDE = 0.12, 0.4
# Skin farther than this from an eyeball at rest does not come to touch it, mm; nor does what lines
# the socket, farther back than this (cosine from straight ahead).
_LID_THICKNESS_MM, _FARTHEST_BACK = 6.0, -0.1
# Vertices a row's rigid motion is read off.
_RIGID_SAMPLES = 60
# An eyeball needs this many triangles to have a shape.
_MIN_EYE_TRIANGLES = 12


@dataclass(frozen=True, eq=False)
class HeadContact:
    """The areas of one head in which something can touch.

    riding_shares: (P,) of the motion of the skin under them that riding vertices take, None for
    all of it.
    """

    areas: tuple[Area, ...]
    riding_shares: FloatArray | None = None

    def carries(self, retargeter: Retargeter) -> bool:
        """Whether any part rides on skin of these areas."""
        riding = retargeter.riding
        if len(riding.vertex_indices) == 0 or not self.areas:
            return False
        under = np.union1d(riding.anchor_rows.indices, riding.neighbour_rows.indices)
        return bool(np.isin(under, np.concatenate([a.vertices for a in self.areas])).any())


def prepare_head(
    alignment: Alignment, retargeter: Retargeter, masking: Masking | None = None
) -> HeadContact:
    """masking: how much of the motion vertices take, and give way when pushed; None is all."""
    surface = retargeter.surface
    mobility = _is_skin(alignment, surface).astype(np.float64)
    if masking is not None:
        mobility *= masking.skin
    areas: list[Area] = []
    for side, (chain, column) in _EYES.items():
        eye, is_own = _eye_shape(alignment, surface, side)
        away, outward = eye.clearances(surface.vertices)
        can_touch = (np.abs(away) < _LID_THICKNESS_MM) & (outward[:, 2] > _FARTHEST_BACK)
        line = alignment.fit.landmarks[list(chain)]
        size = _size(line[0], line[3], _EYE_WIDTH_MM)
        reach = _LID_REACH.scaled(size)
        rims = _rims(retargeter.lid_closing, column)
        zone = _zone(
            retargeter, line, column, mobility, can_touch, reach, _LEAST_LID_SIDE, rims.indices
        )
        if zone is not None:
            opening = _opening(retargeter.lid_closing, column, rims, zone, eye)
            lids = LidContact.of(zone, eye, is_own)
            areas.append(_lid_area(alignment, surface, side, lids, opening))
    mouth = _mouth(alignment, retargeter, mobility)
    if mouth is not None:
        areas.append(mouth)
    return HeadContact(tuple(areas), None if masking is None else masking.riding)


def _lid_area(
    alignment: Alignment, surface: Surface, side: str, lids: LidContact, opening: Opening | None
) -> LidArea:
    """With some vertices of the head's own eyeball, to tell where it looks."""
    ball = [p for p in alignment.parts if p.kind == f"eyeball_{side}"] if lids.is_own else []
    vertices = _samples(surface, ball)
    return LidArea(Resolver.of(lids, opening), lids, vertices, surface.vertices[vertices])


def _mouth(alignment: Alignment, retargeter: Retargeter, mobility: FloatArray) -> MouthArea | None:
    landmarks = alignment.fit.landmarks
    right, left = landmarks[list(_INNER_CORNERS)]
    size = _size(right, left, _MOUTH_WIDTH_MM)
    can_touch = np.ones(retargeter.surface.num_vertices, bool)
    line, reach = landmarks[list(_INNER_LIPS)], _LIP_REACH.scaled(size)
    zone = _zone(retargeter, line, 0, mobility, can_touch, reach, _LEAST_LIP_SIDE)
    if zone is None:
        return None
    rows = _rows(alignment, retargeter.surface, zone)
    return MouthArea(Resolver.of(LipContact.of(zone, size)), rows)


def _rows(alignment: Alignment, surface: Surface, zone: Zone) -> tuple[Row, ...]:
    """Teeth and tongue of this head; the template's where it has none are not looked at."""
    teeth = [p for p in alignment.parts if p.kind in ("upper_teeth", "lower_teeth", "tongue")]
    rows = []
    if teeth:
        points = np.concatenate([alignment.target.vertices[p.vertex_indices] for p in teeth])
        middle = alignment.fit.similarity.apply(points).mean(axis=0)
        for motion in ("still", "jaw"):
            members = [p for p in teeth if p.motion == motion]
            triangles = _triangles_of(surface, members)
            skin = zone.points @ zone.rest
            shape = ToothShape.of(surface.vertices, triangles, middle, skin)
            if shape is None:
                continue
            vertices: IntArray = np.zeros(0, np.int64)
            if motion == "jaw":
                vertices = _samples(surface, members)
            row = TeethContact.of(zone, shape)
            rows.append(Row(row, vertices, surface.vertices[vertices]))
    return tuple(rows)


def _samples(surface: Surface, parts: Iterable[Part]) -> IntArray:
    """Some welded vertices of rigid parts, enough to tell their motion."""
    vertices = np.unique(surface.welded_indices[vertices_of(parts)])
    return vertices[:: max(len(vertices) // _RIGID_SAMPLES, 1)]


def _size(start: FloatArray, end: FloatArray, ordinary: float) -> float:
    """How large an eye or a mouth is beside an ordinary one."""
    return float(np.clip(np.linalg.norm(end - start) / ordinary, _SMALLEST, _LARGEST))


def _zone(
    retargeter: Retargeter,
    line: FloatArray,
    column: int,
    mobility: FloatArray,
    can_touch: BoolArray,
    reach: Reach,
    least_side: float,
    watched: IntArray | None = None,
) -> Zone | None:
    """Around a slit. line: (N, 3) landmarks around it; column: of its sides; watched: as there."""
    surface, sides = retargeter.surface, retargeter.sides[:, column]
    seeds = _near_line(surface.vertices, line, np.abs(sides) > least_side)
    return zone_around(
        surface.vertices,
        surface.triangles,
        sides,
        surface.distances_along(seeds, reach.yielding),
        mobility,
        can_touch,
        reach,
        least_side,
        watched,
    )


def _rims(closing: LidClosing, column: int) -> sparse.csr_matrix:
    """(2 K, W) barycentrics of the upper, then the lower rims of one eye."""
    rims = closing.target_rims.chosen(closing.target_rims.columns == column)
    return sparse.vstack([rims.upper_rows, rims.lower_rows]).tocsr()


def _opening(
    closing: LidClosing, column: int, rims: sparse.csr_matrix, zone: Zone, eye: EyeShape
) -> Opening | None:
    """The places of one eye, None where it is closed at rest."""
    places = np.flatnonzero(closing.target_rims.columns == column)
    if len(places) == 0:
        return None
    spread = np.zeros((len(zone.yielding), len(places)))
    _, rows, own = np.intersect1d(
        zone.yielding, closing.lid_indices, assume_unique=True, return_indices=True
    )
    spread[rows] = closing.spread[np.ix_(own, places)]
    return Opening(rims[:, zone.yielding], spread, eye.centre)


def _near_line(vertices: FloatArray, line: FloatArray, is_allowed: BoolArray) -> IntArray:
    """Allowed vertices near a closed line of points; the nearest to each where none is."""
    chosen = np.flatnonzero(is_allowed)
    if len(chosen) == 0:
        return chosen
    ends = np.roll(line, -1, axis=0)
    steps = np.linspace(0.0, 1.0, 8, endpoint=False)[:, None, None]
    samples = ((1.0 - steps) * line + steps * ends).reshape(-1, 3)
    nearest = cKDTree(vertices[chosen]).query(samples)[0]
    farthest = max(_SEED_MM, 1.001 * float(nearest.max()))
    chosen = chosen[
        np.isfinite(cKDTree(samples).query(vertices[chosen], distance_upper_bound=farthest)[0])
    ]
    distances = np.linalg.norm(vertices[chosen, None] - samples, axis=2)
    return np.unique(
        np.concatenate([chosen[distances.min(axis=1) < _SEED_MM], chosen[distances.argmin(axis=0)]])
    )


def _eye_shape(alignment: Alignment, surface: Surface, side: str) -> tuple[EyeShape, bool]:
    """The head's own eyeball, or the template's where it has none; and whether it is its own."""
    kinds = (f"eyeball_{side}", f"cornea_{side}")
    ball, cornea = ([p for p in alignment.parts if p.kind == kind] for kind in kinds)
    if ball:
        around = np.concatenate([_points_of(surface, part) for part in ball])
        cornea = [part for part in cornea if lies_on_ball(_points_of(surface, part), around)]
    own = _triangles_of(surface, [*ball, *cornea])
    if len(own) >= _MIN_EYE_TRIANGLES:
        return EyeShape.of(surface.vertices, own), True
    proxy = alignment.template.inner_part(kinds[0])
    return EyeShape.of(alignment.fit.inner[kinds[0]], proxy.triangles), False


def _points_of(surface: Surface, part: Part) -> FloatArray:
    return np.asarray(surface.vertices[surface.welded_indices[part.vertex_indices]], np.float64)


def _triangles_of(surface: Surface, parts: Iterable[Part]) -> IntArray:
    """(Q, 3) triangles of the surface whose corners all belong to the parts."""
    is_member = surface.is_any_of(vertices_of(parts))
    return surface.triangles[is_member[surface.triangles].all(axis=1)]


def _is_skin(alignment: Alignment, surface: Surface) -> BoolArray:
    """(W,) what belongs to parts that move as skin and to no other."""
    others = [part for part in alignment.parts if part.motion != "skin"]
    is_skin = surface.is_any_of(vertices_moving(alignment.parts, "skin"))
    return is_skin & ~surface.is_any_of(vertices_of(others))
