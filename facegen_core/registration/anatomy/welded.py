"""Teeth, gums, tongue and eyeballs that are welded into a larger connected surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ...template import PART_MOTIONS
from .inside_mouth import MOUTH_PROXIES, mouth_kind
from .labelling import Patch, Shape, concave_turns, crease_pieces, probabilities, settle, skin_costs
from .scene import Scene, fit_sphere, members_of

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

EYES = ("eyeball_left", "eyeball_right")
# Only what lies this near to a fitted inner part can be one: mouths sit up to 10 mm off.
_REACH_MM = 12.0
# Skin that the template does not have costs this much; nearness counts beyond it no more.
_SKIN_MOST_MM = 6.0
# Nothing is likely that costs this much more than being skin.
_MOST_MM = 30.0
# A piece cut out by creases has one kind when it has nearly all of one; smaller ones are left.
_PIECE_VERTICES, _PIECE_SHARE, _PIECE_SKIN_SHARE = 12, 0.85, 0.35
# Where both jaws have at least this share of a vertex, neither does.
_UNSURE_SHARE = 0.35
# Islands with less than this share of the area of a kind are noise; a tooth is more.
_ISLAND_SHARE, _ISLAND_VERTICES = 0.01, 4
# A part is there when so much of the fitted one is covered this closely (the walls of a mouth
# without teeth cover 0.03), or when creases set off a piece that is nearly as wide as it: then at
# most this many edges, per root of its vertices, lead out of it without a crease.
_COVER_MM, _FULL_COVER = 3.0, 0.25
_MIN_COVER = {"upper_teeth": 0.05, "lower_teeth": 0.05, "tongue": 0.14}
_OPEN_BORDER, _BORDER_CREASE_DEG, _MIN_SPAN = 1.5, 20.0, 0.4
_SET_OFF_COVER = 0.25
# A lid stands over its eyeball in a crease; where the border turns less than the first, these are
# lids that are closed over it, and from the second on nobody doubts it.
_LID_CREASE_DEG = (10.0, 25.0)
# Of an eyeball only what the lids leave open can be seen.
_MIN_EYE_AREA_MM2, _EYE_ROUGHNESS_SHARE, _EYE_RADIUS_SHARES = 30.0, 0.08, (0.6, 1.6)


@dataclass(frozen=True, eq=False)
class Piece:
    """A piece of a loose part: kind, (P,) welded vertices and how sure we are, in [0, 1]."""

    kind: str
    indices: IntArray
    confidence: float


def welded_pieces(scene: Scene, indices: IntArray, shift: FloatArray) -> list[Piece]:
    """Inner parts in a loose part of the skin with the given (P,) welded vertices.

    shift: (3,) mm by which loose teeth were found off the fitted ones.
    """
    return _pieces(scene, indices, shift, (*MOUTH_PROXIES, *EYES))


def mouth_pieces(scene: Scene, indices: IntArray, shift: FloatArray) -> list[Piece]:
    """Upper teeth, lower teeth and tongue in a loose part that holds more than one of them."""
    return _pieces(scene, indices, shift, MOUTH_PROXIES)


def _pieces(
    scene: Scene, indices: IntArray, shift: FloatArray, names: tuple[str, ...]
) -> list[Piece]:
    patch = _candidates(scene, indices, names)
    if len(patch.triangles) == 0:
        return []
    shapes = {}
    for name in names:
        triangles = scene.template.inner_part(name).triangles
        shape = Shape.of(np.asarray(scene.fit.inner[name], np.float64), triangles)
        shapes[name] = shape.moved(shift) if name in MOUTH_PROXIES else shape
    matches = scene.matches
    skin = skin_costs(
        matches.distances[patch.indices], matches.cosines[patch.indices], _SKIN_MOST_MM
    )
    shapes = settle(patch, shapes, skin, (MOUTH_PROXIES, *((n,) for n in names if n in EYES)))
    found = (s.costs(patch.points, patch.normals, _MOST_MM)[0] for s in shapes.values())
    costs = np.stack([skin, *found], axis=1)
    shares = probabilities(patch, costs)
    areas = patch.as_surface().vertex_areas
    labels = np.where(_is_between_jaws(shares, list(shapes)), 0, shares.argmax(axis=1))
    labels = _without_islands(patch, _by_piece(patch, labels, shapes), areas)
    pieces = []
    for number, (name, shape) in enumerate(shapes.items(), start=1):
        own = np.flatnonzero(labels == number)
        cover = _eye_cover(patch, own, areas, shape) if name in EYES else _cover(patch, own, shape)
        if name in MOUTH_PROXIES and _is_set_off(patch, own, shape):
            cover = max(cover, _SET_OFF_COVER)
        if len(own) == 0 or cover <= _MIN_COVER.get(name, 0.0):
            continue
        full = 1.0 if name in EYES else _FULL_COVER
        sureness = float(shares[own, number].mean()) * min(cover / full, 1.0)
        pieces.append(Piece(name, patch.indices[own], sureness))
    return pieces


def _candidates(scene: Scene, indices: IntArray, names: tuple[str, ...]) -> Patch:
    """The part of the surface that lies near fitted inner parts."""
    together = np.concatenate([scene.fit.inner[name] for name in names])
    points = scene.surface.vertices[indices]
    low, high = together.min(axis=0) - _REACH_MM, together.max(axis=0) + _REACH_MM
    boxed = indices[((points > low) & (points < high)).all(axis=1)]
    tree = cKDTree(together)
    distances = tree.query(scene.surface.vertices[boxed], distance_upper_bound=_REACH_MM)[0]
    return Patch.cut(scene.surface, np.sort(boxed[np.isfinite(distances)]))


def _is_between_jaws(shares: FloatArray, names: list[str]) -> NDArray[np.bool_]:
    """(C,) whether a vertex may as well be still as move with the jaw: there the surface bends."""
    jaw = [1 + number for number, name in enumerate(names) if PART_MOTIONS[name] == "jaw"]
    still = [1 + number for number, name in enumerate(names) if PART_MOTIONS[name] == "still"]
    return np.minimum(shares[:, jaw].sum(axis=1), shares[:, still].sum(axis=1)) > _UNSURE_SHARE


def _by_piece(patch: Patch, labels: IntArray, shapes: dict[str, Shape]) -> IntArray:
    """(C,) labels, the same all over a piece between creases where it is nearly so already.

    A whole piece also tells by its form whether it is a row of teeth or a tongue.
    """
    result = labels.copy()
    names = list(shapes)
    trees = [cKDTree(shapes[name].points) for name in MOUTH_PROXIES]
    for own in members_of(crease_pieces(patch)):
        if len(own) < _PIECE_VERTICES:
            continue
        shares = np.bincount(labels[own], minlength=len(names) + 1) / len(own)
        upper, lower = shares[1], shares[2] + shares[3]
        best = int(shares.argmax())
        if shares[0] < _PIECE_SKIN_SHARE and max(upper, lower) > _PIECE_SHARE * (upper + lower) > 0:
            points = patch.points[own]
            distances = np.stack([tree.query(points)[0] for tree in trees])
            kind = mouth_kind(points, distances)[0]
            best = 1 + names.index(kind) if kind in names else best
            result[own] = best
        elif best > 0 and shares[best] > _PIECE_SHARE:
            result[own] = best
    return result


def _without_islands(patch: Patch, labels: IntArray, areas: FloatArray) -> IntArray:
    """(C,) labels, where islands too small to be what they are called take that of their shore."""
    edges = patch.as_surface().edges
    start, end = edges[labels[edges[:, 0]] == labels[edges[:, 1]]].T
    count = len(patch.indices)
    graph = sparse.coo_matrix((np.ones(len(start)), (start, end)), (count, count))
    islands = connected_components(graph, directed=False)[1]
    totals = np.bincount(labels, areas)[labels]
    is_small = np.bincount(islands, areas)[islands] < _ISLAND_SHARE * totals
    is_small |= np.bincount(islands)[islands] < _ISLAND_VERTICES
    ends = np.concatenate([edges, edges[:, ::-1]])
    ashore = ends[is_small[ends[:, 0]] & (labels[ends[:, 0]] != labels[ends[:, 1]])]
    votes = np.zeros((islands.max() + 1, labels.max() + 1))
    np.add.at(votes, (islands[ashore[:, 0]], labels[ashore[:, 1]]), 1.0)
    has_shore = votes.sum(axis=1)[islands] > 0
    return np.where(is_small & has_shore, votes.argmax(axis=1)[islands], labels)


def _cover(patch: Patch, own: IntArray, shape: Shape) -> float:
    """Share of a shape's samples that vertices of the piece lie on, facing the same way."""
    if len(own) == 0:
        return 0.0
    is_own = np.zeros(len(patch.indices), bool)
    is_own[own] = True
    triangles = patch.triangles[is_own[patch.triangles].all(axis=1)]
    if len(triangles) == 0:
        return 0.0
    found = Shape.of(patch.points, triangles)
    return float((found.costs(shape.points, shape.normals, _COVER_MM)[0] < _COVER_MM).mean())


def _is_set_off(patch: Patch, own: IntArray, shape: Shape) -> bool:
    """Whether creases part a piece from the rest, and it is nearly as wide as the shape."""
    if len(own) < _PIECE_VERTICES:
        return False
    span = np.ptp(patch.points[own][:, 0]) / np.ptp(shape.points[:, 0])
    num_open = np.count_nonzero(_border_turns(patch, own) < _BORDER_CREASE_DEG)
    return bool(span > _MIN_SPAN and num_open < _OPEN_BORDER * np.sqrt(len(own)))


def _border_turns(patch: Patch, own: IntArray) -> FloatArray:
    """Degrees by which the surface turns towards itself along the edges out of a piece."""
    is_own = np.zeros(len(patch.indices), bool)
    is_own[own] = True
    edges = patch.as_surface().edges
    return concave_turns(patch, edges[is_own[edges].sum(axis=1) == 1])


def _eye_cover(patch: Patch, own: IntArray, areas: FloatArray, shape: Shape) -> float:
    """How surely vertices are the open part of an eyeball: 1 for a ball, 0 for none."""
    if len(own) < _PIECE_VERTICES or areas[own].sum() < _MIN_EYE_AREA_MM2:
        return 0.0
    points, normals = patch.points[own], patch.normals[own]
    centre, radius, roughness = fit_sphere(points)
    _, fitted, _ = fit_sphere(shape.points)
    low, high = _EYE_RADIUS_SHARES
    is_ball = low * fitted < radius < high * fitted and roughness < _EYE_ROUGHNESS_SHARE * fitted
    outward = ((points - centre) * normals).sum(axis=1) / radius
    if not is_ball or np.median(outward) < 0.8:
        return 0.0
    turns = _border_turns(patch, own)
    if len(turns) < _OPEN_BORDER * np.sqrt(len(own)):  # a whole ball that hangs on the socket
        return 1.0 - roughness / fitted
    crease = float(turns.mean())
    return 0.0 if crease < _LID_CREASE_DEG[0] else min(crease / _LID_CREASE_DEG[1], 1.0)
