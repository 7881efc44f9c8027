"""Where moving skin may not go: lips not into each other, lids not into the eyeballs.

Contact is resolved as for two elastic sheets. Where something is too deep, a force along the normal
of what it met pushes it out just as far (a linear complementarity problem: forces push, they never
pull), and the skin around gives way smoothly: the answer of a membrane and plate in one,
(M + l² L)⁻¹ M (M + l² L)⁻¹ with the cotangent Laplacian L, l being how far a push reaches. Lips
push both ways alike, eyeballs are not moved. Signed distances to the other lip are those of its
moving tangent planes, blended (implicit moving least squares, Kolluri 2005).

The neutral is the artist's: whatever touches or overlaps at rest may stay as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse.csgraph import dijkstra
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from .mesh import vertex_normals
from .registration.slits import template_sides
from .template import Template
from .topology import cotangent_laplacian, edges_of

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# How far a push reaches along the skin, mm.
_RESPONSE_MM = 2.5
# Skin within the first distance of the slit can touch, within the second it gives way, mm.
_TOUCHING_MM, _YIELDING_MM = 8.0, 18.0
# The slit: skin this near to the other side at rest.
_SLIT_MM = 3.0
# Which vertices are surely of one side, see registration.slits.
_SURE_SIDE = 0.12
# Deeper than this two points of the lips have nothing to do with each other, mm.
_LIP_REACH_MM = 4.0
# Surfaces meet where their normals are opposed (cosine below) and one is over the other, not
# beside it (mm along the surface).
_FACING, _BESIDE_MM = -0.3, 1.0
# The other lip is read off its nearest vertices, blended over this distance, mm.
_NUM_NEAREST, _BLEND_MM = 4, 1.2
# Lids are lifted to this clearance from the eyeball, unless they are nearer at rest, mm.
_LID_CLEARANCE_MM = 0.3
# Lids farther in or out than this are not at the eyeball, mm.
_LID_REACH_MM = 5.0
# The eyeball's radius in a direction is read off its nearest vertices.
_EYE_NEAREST = 4
# Good enough, mm; and how often forces are found anew as the skin moves.
_TOLERANCE_MM, _MAX_ROUNDS = 0.02, 8
# Skin this near gives way together: pushing its deepest point is enough, mm.
_PATCH_MM = 1.7
# Of a contact's own give, what is added so that contacts side by side do not fight.
_SOFTNESS = 0.03
# Lips touch where they are nearer than this, mm, looked at in so many places along the middle of
# the slit (shares of the way between the inner corners of the mouth).
_TOUCH_MM, _NUM_PLACES, _MIDDLE = 0.1, 10, (0.15, 0.85)
_INNER_CORNERS = [60, 64]
_EYES = ("eyeball_left", "eyeball_right")


@dataclass(frozen=True, eq=False)
class Touches:
    """N points that are too deep: what to move, where to, how far.

    indices, weights: (N, J) the moved point is the weighted sum of J vertices, weights of the
    other lip being negative. normals: (N, 3) unit; depths: (N,) mm > 0.
    """

    indices: IntArray
    weights: FloatArray
    normals: FloatArray
    depths: FloatArray


@dataclass(frozen=True, eq=False)
class Yielding:
    """How the skin around one slit gives way: the same for every face of a topology.

    vertices: (Z,) the skin that gives way. can_touch: (C,) rows of it that can be pushed.
    response: (Z, C) float32 displacement per force. sides: (C,) +1 upper, -1 lower.
    patches: (V,) number of the patch each vertex that can touch is of.
    triangles: (F', 3) around the vertices that can touch, as vertices of the face.
    """

    vertices: IntArray
    can_touch: IntArray
    response: NDArray[np.float32]
    sides: FloatArray
    patches: IntArray
    triangles: IntArray

    @classmethod
    def around(cls, template: Template, sides: FloatArray, rim: IntArray) -> Yielding:
        """sides: (V,) of one slit; rim: vertices along it."""
        vertices = np.asarray(template.vertices, np.float64)
        away = _distances_to(vertices, template.triangles, rim)
        zone = np.flatnonzero(away < _YIELDING_MM)
        touching = np.flatnonzero((away[zone] < _TOUCHING_MM) & (np.abs(sides[zone]) > _SURE_SIDE))
        laplacian = cotangent_laplacian(vertices, template.triangles)
        masses = _vertex_areas(vertices, template.triangles)[zone]
        stiff = sparse.diags(masses) + _RESPONSE_MM**2 * laplacian[zone][:, zone]
        factors = splu(stiff.tocsc())
        unit = np.zeros((len(zone), len(touching)))
        unit[touching, np.arange(len(touching))] = 1.0
        response = factors.solve(masses[:, None] * factors.solve(unit))
        if len(touching):
            response /= response[touching, np.arange(len(touching))].mean()
        patches = np.full(len(vertices), -1)
        patches[zone[touching]] = _patches(vertices[zone[touching]])
        triangles = template.triangles[(patches[template.triangles] >= 0).any(axis=1)]
        upward = np.sign(sides[zone[touching]])
        return cls(zone, touching, response.astype(np.float32), upward, patches, triangles)

    @property
    def touching(self) -> IntArray:
        """(C,) vertices of the face that can touch."""
        return self.vertices[self.can_touch]

    def push(self, positions: FloatArray, touches: Touches) -> None:
        """Move (V, 3) positions in place so that the touches are no longer too deep."""
        touches = self._deepest_of_each_patch(touches)
        moved, columns = np.unique(touches.indices, return_inverse=True)
        N, J = touches.indices.shape  # noqa: N806
        lever = np.zeros((N, len(moved)))
        np.add.at(lever, (np.repeat(np.arange(N), J), columns.ravel()), touches.weights.ravel())
        pushed = np.searchsorted(self.vertices, moved)
        given = self.response[:, np.searchsorted(self.touching, moved)]
        give = lever @ given[pushed] @ lever.T * (touches.normals @ touches.normals.T)
        forces = _pushing_forces(give, touches.depths)
        load = lever.T @ (forces[:, None] * touches.normals)
        positions[self.vertices] += given @ load.astype(np.float32)

    def _deepest_of_each_patch(self, touches: Touches) -> Touches:
        order = np.argsort(-touches.depths, kind="stable")
        first = np.unique(self.patches[touches.indices[order, 0]], return_index=True)[1]
        return Touches(*(values[order[first]] for values in vars(touches).values()))


@dataclass(frozen=True, eq=False)
class Lips:
    """Upper against lower lip.

    rest_depths: (C,) how deep each vertex is at rest, mm. places: (C,) where along the middle of
    the slit each vertex is, -1 beyond it.
    """

    skin: Yielding
    rest_depths: FloatArray
    places: IntArray

    @classmethod
    def of(cls, skin: Yielding, neutral: FloatArray, corners: FloatArray) -> Lips:
        """Of a (V, 3) neutral whose inner mouth corners are at (2, 3)."""
        along = corners[1] - corners[0]
        shares = (neutral[skin.touching] - corners[0]) @ along / max(float(along @ along), 1e-9)
        shares = (shares - _MIDDLE[0]) / (_MIDDLE[1] - _MIDDLE[0])
        places = np.where((shares >= 0) & (shares < 1), shares * _NUM_PLACES, -1).astype(int)
        empty = cls(skin, np.zeros(len(skin.can_touch)), places)
        touches, points = empty._find(neutral)
        depths = np.zeros(len(skin.can_touch))
        depths[points] = touches.depths
        return cls(skin, depths, places)

    def touches(self, positions: FloatArray) -> Touches:
        """What is deeper in the other lip than at rest, in (V, 3) positions."""
        return self._find(positions)[0]

    def closed_share(self, positions: FloatArray, nearer_than: float) -> float:
        """Of the middle of the slit, the share along which the lips are that near, 0 to 1."""
        points = self._find(positions, nearer_than)[1]
        places = self.places[points]
        return len(np.unique(places[places >= 0])) / _NUM_PLACES

    def _find(self, positions: FloatArray, nearer_than: float = 0.0) -> tuple[Touches, IntArray]:
        """The touches and which of the C vertices each is about."""
        vertices = self.skin.touching
        normals = _normals_at(positions, self.skin.triangles, vertices)
        found, about = [], []
        for side in (1.0, -1.0):
            own, other = (
                np.flatnonzero(self.skin.sides == side),
                np.flatnonzero(self.skin.sides == -side),
            )
            if len(own) == 0 or len(other) < _NUM_NEAREST:
                continue
            touches, points = self._against(positions, normals, own, other, nearer_than)
            found.append(touches)
            about.append(points)
        if not found:
            return _nothing(1 + _NUM_NEAREST), np.zeros(0, np.int64)
        columns = zip(*(vars(touches).values() for touches in found), strict=True)
        return Touches(*(np.concatenate(c) for c in columns)), np.concatenate(about)

    def _against(
        self,
        positions: FloatArray,
        normals: FloatArray,
        own: IntArray,
        other: IntArray,
        nearer_than: float,
    ) -> tuple[Touches, IntArray]:
        vertices = self.skin.touching
        points, targets = positions[vertices[own]], positions[vertices[other]]
        distances, nearest = cKDTree(targets).query(
            points, _NUM_NEAREST, distance_upper_bound=3.0 * _LIP_REACH_MM
        )
        is_near = np.isfinite(distances).all(axis=1) & (distances[:, 0] < _LIP_REACH_MM)
        own, points, distances = own[is_near], points[is_near], distances[is_near]
        nearest = nearest[is_near]
        weights = np.exp(-0.5 * (distances**2 - distances[:, :1] ** 2) / _BLEND_MM**2)
        weights /= weights.sum(axis=1, keepdims=True)
        planes = normals[other[nearest]]  # (N, J, 3)
        heights = ((points[:, None] - targets[nearest]) * planes).sum(axis=2)
        blended = (weights[..., None] * planes).sum(axis=1)
        blended /= np.maximum(np.linalg.norm(blended, axis=1, keepdims=True), 1e-9)
        depths = -(weights * heights).sum(axis=1) - self.rest_depths[own]
        offsets = points - (weights[..., None] * targets[nearest]).sum(axis=1)
        over = (offsets * blended).sum(axis=1)
        beside = (offsets**2).sum(axis=1) - over**2
        is_facing = (blended * normals[own]).sum(axis=1) < _FACING
        is_met = is_facing & (beside < _BESIDE_MM**2) & (depths < _LIP_REACH_MM)
        deep = np.flatnonzero(is_met & (depths > -nearer_than))
        indices = np.concatenate(
            [vertices[own[deep], None], vertices[other[nearest[deep]]]], axis=1
        )
        levers = np.concatenate([np.ones((len(deep), 1)), -weights[deep]], axis=1)
        return Touches(indices, levers, blended[deep], depths[deep]), own[deep]


@dataclass(frozen=True, eq=False)
class Eyeball:
    """One eyeball, seen from its centre (3,), and the lids around it.

    directions: cKDTree of (P, 3) unit vectors; radii: (P,) mm, the cornea bulging out.
    least: (C,) clearance from it that each vertex of the lids must keep, mm.
    """

    skin: Yielding
    centre: FloatArray
    directions: cKDTree
    radii: FloatArray
    least: FloatArray

    @classmethod
    def of(cls, skin: Yielding, neutral: FloatArray, eyeball: FloatArray) -> Eyeball:
        """eyeball: (P, 3) vertices of this face's own, mm."""
        centre = _sphere_centre(np.asarray(eyeball, np.float64))
        radii = np.linalg.norm(eyeball - centre, axis=1)
        directions = cKDTree((eyeball - centre) / radii[:, None])
        free = cls(skin, centre, directions, radii, np.full(len(skin.can_touch), -np.inf))
        at_rest = free._clearances(neutral)[0]
        return cls(skin, centre, directions, radii, np.minimum(at_rest, _LID_CLEARANCE_MM))

    def touches(self, positions: FloatArray) -> Touches:
        """Lids nearer to the eyeball than allowed, in (V, 3) positions."""
        clearances, normals = self._clearances(positions)
        depths = self.least - clearances
        deep = np.flatnonzero((depths > 0) & (clearances > -_LID_REACH_MM))
        indices = self.skin.touching[deep, None]
        return Touches(indices, np.ones((len(deep), 1)), normals[deep], depths[deep])

    def _clearances(self, positions: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(C,) mm from the eyeball's surface, negative within, and (C, 3) the way out."""
        offsets = positions[self.skin.touching] - self.centre
        lengths = np.maximum(np.linalg.norm(offsets, axis=1), 1e-9)
        outward = offsets / lengths[:, None]
        distances, nearest = self.directions.query(outward, _EYE_NEAREST)
        weights = 1.0 / np.maximum(distances, 1e-6)
        radii = (weights * self.radii[nearest]).sum(axis=1) / weights.sum(axis=1)
        return lengths - radii, outward


@dataclass(frozen=True, eq=False)
class Contact:
    """What may not touch deeper than at rest on one face."""

    neutral: FloatArray
    lips: Lips
    eyeballs: tuple[Eyeball, ...]

    @classmethod
    def of(cls, template: Template, neutral: FloatArray, inner: dict[str, FloatArray]) -> Contact:
        """For a (V, 3) neutral, mm, and {part: (P, 3)} where its eyeballs are.

        What does not depend on the face is kept as long as the template lives. Parts that are
        missing touch nothing.
        """
        mouth, *eyes = _yielding_of(template)
        neutral = np.asarray(neutral, np.float64)
        landmarks = template.landmarks.positions(neutral, template.triangles)
        corners = landmarks[_INNER_CORNERS]
        return cls(
            neutral,
            Lips.of(mouth, neutral, corners),
            tuple(
                Eyeball.of(skin, neutral, inner[name])
                for skin, name in zip(eyes, _EYES, strict=True)
                if name in inner
            ),
        )

    def resolve(self, displacements: FloatArray) -> NDArray[np.float32]:
        """(T, V, 3) mm: the motion with everything pushed out that went too deep."""
        result = np.array(displacements, np.float32)
        for motion in result:
            if motion.any():
                motion += self._pushed_out(motion.astype(np.float64))
        return result

    def _pushed_out(self, motion: FloatArray) -> FloatArray:
        positions = self.neutral + motion
        for part in (*self.eyeballs, self.lips):
            for _ in range(_MAX_ROUNDS):
                touches = part.touches(positions)
                if len(touches.depths) == 0 or touches.depths.max() < _TOLERANCE_MM:
                    break
                part.skin.push(positions, touches)
        return positions - self.neutral - motion

    def penetration(self, displacements: FloatArray) -> FloatArray:
        """(T, 2) mm, how much deeper than allowed lips and lids are at the worst place."""
        lips = self.lip_penetration_mm(displacements)
        return np.stack([lips, self.lid_penetration_mm(displacements)], axis=1)

    def lip_penetration_mm(self, displacements: FloatArray) -> FloatArray:
        """(T,) deepest point of one lip in the other, beyond what overlaps at rest."""
        return self._deepest((self.lips,), displacements)

    def lid_penetration_mm(self, displacements: FloatArray) -> FloatArray:
        """(T,) deepest point of a lid in its eyeball, beyond its clearance."""
        return self._deepest(self.eyeballs, displacements)

    def lip_closure(self, displacements: FloatArray, nearer_than: float = _TOUCH_MM) -> FloatArray:
        """(T,) share of the middle of the slit along which the lips touch, 0 to 1.

        nearer_than: mm; below 0, so deep they must be in one another.
        """
        positions = (self.neutral + motion for motion in displacements)
        return np.array([self.lips.closed_share(p, nearer_than) for p in positions])

    def _deepest(self, parts: tuple[Lips | Eyeball, ...], displacements: FloatArray) -> FloatArray:
        result = np.zeros(len(displacements))
        for frame, motion in enumerate(displacements):
            for part in parts:
                depths = part.touches(self.neutral + motion).depths
                result[frame] = max(result[frame], depths.max(initial=0.0))
        return result


_kept: WeakKeyDictionary[Template, tuple[Yielding, ...]] = WeakKeyDictionary()


def _yielding_of(template: Template) -> tuple[Yielding, ...]:
    """Mouth, left eye, right eye."""
    kept = _kept.get(template)
    if kept is None:
        sides = template_sides(template)
        rims = [_slit(template, sides[:, 0])]
        rims += [_border(template, f"eye_socket_{side}") for side in ("left", "right")]
        kept = tuple(Yielding.around(template, sides[:, k], rim) for k, rim in enumerate(rims))
        _kept[template] = kept
    return kept


def _slit(template: Template, sides: FloatArray) -> IntArray:
    """Vertices of both sides that are near the other side."""
    upper, lower = (np.flatnonzero(s * sides > _SURE_SIDE) for s in (1.0, -1.0))
    if len(upper) == 0 or len(lower) == 0:
        return np.zeros(0, np.int64)
    vertices = template.vertices
    to_lower = cKDTree(vertices[lower]).query(vertices[upper])[0]
    to_upper = cKDTree(vertices[upper]).query(vertices[lower])[0]
    return np.unique(np.concatenate([upper[to_lower < _SLIT_MM], lower[to_upper < _SLIT_MM]]))


def _border(template: Template, region: str) -> IntArray:
    """Vertices at the border of a region."""
    inside = template.regions[region] > 0.5
    edges = edges_of(template.triangles)
    return np.unique(edges[inside[edges[:, 0]] != inside[edges[:, 1]]])


def _patches(points: FloatArray) -> IntArray:
    """(N,) number of the patch of each point; patches are about _PATCH_MM wide."""
    result = np.full(len(points), -1)
    tree = cKDTree(points) if len(points) else None
    for point in range(len(points)):
        if tree is not None and result[point] < 0:
            near = np.array(tree.query_ball_point(points[point], _PATCH_MM))
            result[near[result[near] < 0]] = point
    return result


def _distances_to(vertices: FloatArray, triangles: IntArray, seeds: IntArray) -> FloatArray:
    """(V,) mm along the edges."""
    if len(seeds) == 0:
        return np.full(len(vertices), np.inf)
    edges = edges_of(triangles)
    lengths = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
    graph = sparse.csr_matrix((lengths, (edges[:, 0], edges[:, 1])), (len(vertices),) * 2)
    return dijkstra(graph, directed=False, indices=seeds, min_only=True, limit=2 * _YIELDING_MM)


def _vertex_areas(vertices: FloatArray, triangles: IntArray) -> FloatArray:
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6.0
    return np.bincount(triangles.ravel(), np.repeat(areas, 3), minlength=len(vertices))


def _normals_at(positions: FloatArray, triangles: IntArray, vertices: IntArray) -> FloatArray:
    """(C, 3) normals of some vertices, from the triangles around them."""
    used, local = np.unique(triangles, return_inverse=True)
    normals = vertex_normals(positions[used], local.reshape(-1, 3))
    return normals[np.searchsorted(used, vertices)]


def _sphere_centre(points: FloatArray) -> FloatArray:
    """(3,) centre of the sphere through (P, 3) points, least squares."""
    rows = np.concatenate([2.0 * points, np.ones((len(points), 1))], axis=1)
    return np.linalg.lstsq(rows, (points**2).sum(axis=1), rcond=None)[0][:3]


def _pushing_forces(give: FloatArray, depths: FloatArray) -> FloatArray:
    """(N,) forces >= 0 that move contacts out by their depths; give: (N, N) motion per force.

    Contacts that would have to pull are let go, a few times over.
    """
    forces = np.zeros(len(depths))
    active = np.arange(len(depths))
    while len(active):
        system = give[np.ix_(active, active)]
        system[np.diag_indices(len(active))] *= 1.0 + _SOFTNESS
        pushes = cho_solve(cho_factor(system), depths[active])
        if (pushes >= 0).all():
            forces[active] = pushes
            break
        active = active[pushes > 0]
    return forces


def _nothing(num_points: int) -> Touches:
    empty = np.zeros((0, num_points))
    return Touches(empty.astype(np.int64), empty, np.zeros((0, 3)), np.zeros(0))
