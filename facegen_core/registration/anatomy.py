"""Which loose part of the target is what, and how it follows the motion.

Recognised by shape and place alone, against the skin and the inner parts that came along with the
fit; names of objects or materials are never read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..mesh import Mesh
from ..template import Template
from .alignment import KIND_MOTIONS, Fit, Part
from .correspondence import inner_regions
from .matching import Matches
from .surface import Surface

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# A part is skin when most of it lies this close to the fitted skin, facing the same way ...
_SKIN_DISTANCE_MM, _SKIN_COSINE, _SKIN_SHARE = 4.0, 0.3, 0.5
# ... and is more than a patch lying on skin that is already there (brows, stubble, decals).
_NEW_SKIN_SHARE, _COVER_DISTANCE_MM = 0.5, 4.0
# Eyeballs: centre and radius against the fitted eyeball, and how round they must be, as shares of
# its radius.
_EYE_CENTRE_SHARE, _EYE_RADIUS_SHARES, _EYE_ROUNDNESS = 0.6, (0.6, 1.4), 0.12
_EYE_REACH_SHARE = 1.7
# Tears and other shells lie on the eyeball, lashes stand off it.
_SHELL_SHARE = 0.2
# Tears and occlusion shells hug the lid line; irises and corneas sit in the middle.
_LID_LINE_DISTANCE_MM = 2.0
# Teeth, gums and tongues lie this close to the fitted ones, after these have been moved onto them.
_MOUTH_SHARE, _MOUTH_REACH_MM, _MOUTH_DISTANCE_MM = 0.7, 16.0, 9.0
_PURE_SHARE, _CLEAR_RATIO = 0.85, 0.6
_SHIFT_ROUNDS, _KEPT_PERCENT = 5, 80
# Parts wider than one tooth, and how far a row of teeth stays from its own centre.
_ROW_WIDTH_MM, _ROW_HOLLOW_MM = 25.0, 6.0
# Lashes start at a lid and are not longer than this; brows lie on the skin at the brow.
_LASH_ROOT_MM, _LASH_LENGTH_MM = 2.5, 18.0
_BROW_REACH_MM, _BROW_HEIGHT_MM = 14.0, 6.0
# Closed shapes of at most this many vertices are markers for joints, not anatomy.
_MARKER_VERTICES = 8
_HAIR_REACH_MM = 60.0
_HAIR_SHARE = 0.3
_ON_SKIN_MM = 4.0
_MOUTH_PROXIES = ("upper_teeth", "lower_teeth", "tongue")


@dataclass(frozen=True, eq=False)
class _Scene:
    """What every rule below looks at; positions in mm."""

    template: Template
    fit: Fit
    surface: Surface
    matches: Matches
    lids: cKDTree


def find_parts(
    template: Template, fit: Fit, target: Mesh, surface: Surface, matches: Matches
) -> tuple[Part, ...]:
    """Every welded loose part of the target with its kind, motion and how sure we are.

    surface, matches: the target welded, in mm, and its unrestricted matches on the fitted skin.
    """
    scene = _scene(template, fit, surface, matches)
    members = _members(surface.parts)
    skins = _skin_parts(scene, members)
    kinds = {number: ("skin", 1.0) for number in skins}
    rest = [number for number in range(len(members)) if number not in kinds]
    kinds |= _mouth_parts(scene, {n: members[n] for n in rest})
    for number in rest:
        if number not in kinds:
            kinds[number] = _kind_outside_mouth(scene, members[number])
    welded_parts = surface.parts[surface.welded_indices]
    parts = []
    for number, indices in enumerate(_members(welded_parts)):
        kind, confidence = kinds[number]
        motion = KIND_MOTIONS[kind]
        index = int(target.loose_parts[indices[0]])
        parts.append(Part(index, kind, motion, indices.astype(np.int32), confidence))
    return tuple(parts)


def _scene(template: Template, fit: Fit, surface: Surface, matches: Matches) -> _Scene:
    lids = np.max([template.regions[n] for n in template.regions if "lid_" in n], axis=0) > 0.5
    return _Scene(template, fit, surface, matches, cKDTree(fit.neutral[lids]))


def _members(numbers: IntArray) -> list[IntArray]:
    """Vertex indices of part 0, 1, ..."""
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.cumsum(np.bincount(numbers))[:-1])


def _skin_parts(scene: _Scene, members: list[IntArray]) -> list[int]:
    """The part that covers most of the face, and parts that add skin beside it."""
    matches, triangles = scene.matches, scene.template.triangles
    lies_on_skin = (matches.distances < _SKIN_DISTANCE_MM) & (matches.cosines > _SKIN_COSINE)
    # Teeth may lie on the wall of the mouth, eyeballs on that of their socket.
    lies_on_skin &= matches.values(triangles, inner_regions(scene.template)) < 0.5
    face = matches.values(triangles, scene.template.regions["face"])
    areas = scene.surface.vertex_areas
    covered = np.array([(areas * lies_on_skin * face)[m].sum() for m in members])
    main = int(covered.argmax())
    points = matches.values(triangles, np.asarray(scene.template.vertices, np.float64))
    cover = cKDTree(points[members[main]][lies_on_skin[members[main]]])
    skins = [main]
    for number, indices in enumerate(members):
        on_skin = indices[lies_on_skin[indices]]
        if number == main or len(on_skin) < _SKIN_SHARE * len(indices):
            continue
        is_new = cover.query(points[on_skin])[0] > _COVER_DISTANCE_MM
        if is_new.mean() > _NEW_SKIN_SHARE and len(indices) > _MARKER_VERTICES:
            skins.append(number)
    return skins


def _mouth_parts(scene: _Scene, members: dict[int, IntArray]) -> dict[int, tuple[str, float]]:
    """Teeth, gums and tongues by the closest of the fitted ones, moved onto what is found."""
    proxies = [scene.fit.inner[name] for name in _MOUTH_PROXIES]
    together = np.concatenate(proxies)
    near = cKDTree(together)
    candidates = {}
    for number, indices in members.items():
        distances = near.query(scene.surface.vertices[indices])[0]
        is_marker = _is_marker(scene.surface, indices)
        if (distances < _MOUTH_REACH_MM).mean() >= _MOUTH_SHARE and not is_marker:
            candidates[number] = indices
    if not candidates:
        return {}
    found = scene.surface.vertices[np.concatenate(list(candidates.values()))]
    shift = _shift_onto(together, found)
    trees = [cKDTree(points + shift) for points in proxies]
    kinds = {}
    for number, indices in candidates.items():
        distances = np.stack([t.query(scene.surface.vertices[indices])[0] for t in trees])
        if np.median(distances.min(axis=0)) > _MOUTH_DISTANCE_MM:
            continue
        kinds[number] = _mouth_kind(scene.surface.vertices[indices], distances)
    return kinds


def _mouth_kind(points: FloatArray, distances: FloatArray) -> tuple[str, float]:
    """Kind of (P, 3) points by their (3, P) distances to upper teeth, lower teeth and tongue.

    Only vertices clearly closer to one jaw count: where the teeth bite together, both are close.
    Parts with a clear share in both jaws are "mouth_interior".
    """
    to_upper, to_lower = distances[0], distances[1:].min(axis=0)
    num_upper = np.count_nonzero(to_upper < _CLEAR_RATIO * to_lower)
    num_lower = np.count_nonzero(to_lower < _CLEAR_RATIO * to_upper)
    upper_share = num_upper / max(num_upper + num_lower, 1)
    if 1.0 - _PURE_SHARE < upper_share < _PURE_SHARE:
        return "mouth_interior", 0.7
    if upper_share > 0.5:
        return "upper_teeth", upper_share
    is_tongue = np.median(distances[2]) < np.median(distances[1])
    if np.ptp(points[:, 0]) > _ROW_WIDTH_MM:
        # A row of teeth is a horseshoe: nothing of it lies over or under its centre.
        from_centre = np.linalg.norm((points - points.mean(axis=0))[:, [0, 2]], axis=1)
        is_tongue = from_centre.min() < _ROW_HOLLOW_MM
    return ("tongue" if is_tongue else "lower_teeth"), 1.0 - upper_share


def _shift_onto(points: FloatArray, found: FloatArray) -> FloatArray:
    """(3,) translation that brings points close to what was found: trimmed closest points.

    Started in place and from the common centre, because rows of teeth look alike.
    """
    starts = (np.zeros(3), found.mean(axis=0) - points.mean(axis=0))
    results = [_closest_shift(points, found, start) for start in starts]
    return min(results, key=lambda result: result[1])[0]


def _closest_shift(
    points: FloatArray, found: FloatArray, shift: FloatArray
) -> tuple[FloatArray, float]:
    """(3,) refined translation and the mean distance it leaves, mm."""
    tree = cKDTree(points)
    for _ in range(_SHIFT_ROUNDS):
        distances, closest = tree.query(found - shift)
        is_kept = distances <= np.percentile(distances, _KEPT_PERCENT)
        shift = (found[is_kept] - points[closest[is_kept]]).mean(axis=0)
    return shift, float(tree.query(found - shift)[0].mean())


def _kind_outside_mouth(scene: _Scene, indices: IntArray) -> tuple[str, float]:
    points = scene.surface.vertices[indices]
    if _is_marker(scene.surface, indices):
        return "helper", 1.0
    for side in ("left", "right"):
        kind = _eye_kind(scene, points, side)
        if kind is not None:
            return kind
    to_lids = scene.lids.query(points)[0]
    if to_lids.min() < _LASH_ROOT_MM and to_lids.max() < _LASH_LENGTH_MM:
        return "lashes", 0.9
    to_skin = scene.matches.distances[indices]
    to_brows = cKDTree(scene.fit.landmarks[17:27]).query(points)[0]
    if np.percentile(to_brows, 90) < _BROW_REACH_MM and to_skin.max() < _BROW_HEIGHT_MM:
        return "brows", 0.8
    return _kind_around_head(scene, points, to_skin)


def _eye_kind(scene: _Scene, points: FloatArray, side: str) -> tuple[str, float] | None:
    """An eyeball, something inside one, or a shell along the lids; None when it is elsewhere."""
    centre, radius, _ = fit_sphere(scene.fit.inner[f"eyeball_{side}"])
    if np.linalg.norm(points - centre, axis=1).max() > _EYE_REACH_SHARE * radius:
        return None
    own_centre, own_radius, roughness = fit_sphere(points)
    low, high = _EYE_RADIUS_SHARES
    is_round = (
        np.linalg.norm(own_centre - centre) < _EYE_CENTRE_SHARE * radius
        and low * radius < own_radius < high * radius
        and roughness < _EYE_ROUNDNESS * radius
    )
    if is_round and np.ptp(points, axis=0).min() > radius:
        return f"eyeball_{side}", 1.0 - roughness / radius
    to_lids = scene.lids.query(points)[0]
    from_ball = np.linalg.norm(points - centre, axis=1) - radius
    if np.abs(from_ball).mean() > _SHELL_SHARE * radius and from_ball.max() > 0:
        return None
    return ("tears", 0.8) if np.mean(to_lids) < _LID_LINE_DISTANCE_MM else (f"cornea_{side}", 0.7)


def fit_sphere(points: FloatArray) -> tuple[FloatArray, float, float]:
    """Centre (3,), radius and RMS distance of (P, 3) points to the algebraically best sphere."""
    origin = points.mean(axis=0)
    local = points - origin
    system = np.hstack([2.0 * local, np.ones((len(points), 1))])
    solution = np.linalg.lstsq(system, (local * local).sum(axis=1), rcond=None)[0]
    centre = solution[:3]
    radius = float(np.sqrt(max(solution[3] + centre @ centre, 0.0)))
    roughness = np.linalg.norm(local - centre, axis=1) - radius
    return centre + origin, radius, float(np.sqrt(np.mean(roughness**2)))


def _kind_around_head(scene: _Scene, points: FloatArray, to_skin: FloatArray) -> tuple[str, float]:
    chin_height, brow_height = scene.fit.landmarks[8, 1], scene.fit.landmarks[17:27, 1].mean()
    is_at_head = (points[:, 1] > chin_height) & (to_skin < _HAIR_REACH_MM)
    if is_at_head.mean() < _HAIR_SHARE:
        return ("clothes" if is_at_head.any() or to_skin.min() < _HAIR_REACH_MM else "body"), 0.5
    if np.percentile(to_skin, 90) < _ON_SKIN_MM:
        return "patch", 0.6
    if points[:, 1].max() > brow_height:
        return "hair", 0.6
    return "unknown", 0.3


def _is_marker(surface: Surface, indices: IntArray) -> bool:
    """Small closed shapes: joint cubes, locators."""
    if len(indices) > _MARKER_VERTICES:
        return False
    is_own = np.zeros(surface.num_vertices, bool)
    is_own[indices] = True
    triangles = surface.triangles[is_own[surface.triangles[:, 0]]]
    num_edges = int(is_own[surface.edges[:, 0]].sum())
    return len(triangles) > 0 and 2 * num_edges == 3 * len(triangles)
