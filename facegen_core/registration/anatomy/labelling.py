"""Which piece of a connected surface each vertex belongs to: nearness first, creases next.

Teeth that are modelled into the skin lie as close to the inner lip as to the fitted teeth, but
they face the other way: so nearness counts position and normal together. What nearness leaves open
is decided along the surface, where labels spread freely over smooth skin and hardly across a
concave crease, as between a tooth and its gum or a lid and its eyeball (random walks with priors:
Grady 2005, Multilabel random walker image segmentation using prior models; concave creases as
borders: Hoffman & Richards 1984, Parts of recognition).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ...mesh import vertex_normals
from ...topology import cotangent_laplacian, factorised
from ..surface import Surface

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]

# A normal turned by 60° counts as this many millimetres of distance.
_NORMAL_MM = 4.0
# Costs this much apart make one label e times as likely as the other.
_COST_MM = 2.0
# Lengths along the surface over which smoothness wins against nearness.
_SMOOTH_MM = 2.0
# Concave turns of this many degrees along an edge make it carry a label e times less, and from
# the second on they part two pieces.
_CREASE_DEG, _CUT_DEG = 20.0, 35.0
# Rounds in which shapes are moved onto what they label, together and then each on its own, and
# how many of the vertices speak in them.
_ROUNDS_TOGETHER, _ROUNDS_ALONE, _MAX_SPEAKERS = 3, 4, 2000
_MIN_SPEAKERS = 12


@dataclass(frozen=True, eq=False)
class Patch:
    """C vertices cut out of a surface, with the triangles between them.

    indices: (C,) into the surface. points, normals: (C, 3) mm. triangles: (F, 3) into the patch.
    """

    indices: IntArray
    points: FloatArray
    normals: FloatArray
    triangles: IntArray

    @classmethod
    def cut(cls, surface: Surface, indices: IntArray) -> Patch:
        """The patch of a surface between vertices with the given sorted indices."""
        local = np.full(surface.num_vertices, -1, np.int64)
        local[indices] = np.arange(len(indices))
        corners = local[surface.triangles]
        triangles = corners[(corners >= 0).all(axis=1)]
        return cls(indices, surface.vertices[indices], surface.normals[indices], triangles)

    def as_surface(self) -> Surface:
        count = len(self.indices)
        return Surface(self.points, self.triangles, np.arange(count), np.zeros(count, np.int32))


@dataclass(frozen=True, eq=False)
class Shape:
    """A part that may be found: S samples of its surface, points and normals (S, 3), in mm.

    tree: of samples and normals before the shape was shifted, shift: (3,) mm since then.
    """

    points: FloatArray
    normals: FloatArray
    tree: cKDTree
    shift: FloatArray

    @classmethod
    def of(cls, vertices: FloatArray, triangles: IntArray) -> Shape:
        """Vertices, edge middles and triangle centres of a surface; only what triangles use."""
        used, corners = np.unique(triangles, return_inverse=True)
        vertices, triangles = vertices[used], corners.reshape(-1, 3)
        normals = vertex_normals(vertices, triangles)
        corners, turned = vertices[triangles], normals[triangles]
        middles = 0.5 * (corners + np.roll(corners, 1, axis=1))
        leaning = turned + np.roll(turned, 1, axis=1)
        points = np.concatenate([vertices, middles.reshape(-1, 3), corners.mean(axis=1)])
        directions = np.concatenate([normals, leaning.reshape(-1, 3), turned.sum(axis=1)])
        lengths = np.linalg.norm(directions, axis=1, keepdims=True)
        normals = directions / np.maximum(lengths, 1e-12)
        tree = cKDTree(np.hstack([points, _NORMAL_MM * normals]), balanced_tree=False)
        return cls(points, normals, tree, np.zeros(3))

    def moved(self, shift: FloatArray) -> Shape:
        return Shape(self.points + shift, self.normals, self.tree, self.shift + shift)

    def costs(
        self, points: FloatArray, normals: FloatArray, most_mm: float = np.inf
    ) -> tuple[FloatArray, IntArray]:
        """(N,) mm of distance and turn to the closest sample, and (N,) which sample that is.

        inf and S where no sample is nearer than most_mm: to look no farther is much faster.
        """
        keys = np.hstack([points - self.shift, _NORMAL_MM * normals])
        return self.tree.query(keys, distance_upper_bound=most_mm)


def skin_costs(distances: FloatArray, cosines: FloatArray, most_mm: float) -> FloatArray:
    """(N,) the same cost for matches on the fitted skin: distance and cosine of the normals.

    Never more than most_mm: what nothing explains is skin that the template does not have.
    """
    turns = 2.0 * _NORMAL_MM**2 * (1.0 - np.clip(cosines, -1.0, 1.0))
    return np.minimum(np.sqrt(distances**2 + turns), most_mm)


def settle(
    patch: Patch, shapes: Mapping[str, Shape], skin: FloatArray, groups: tuple[tuple[str, ...], ...]
) -> dict[str, Shape]:
    """The shapes, shifted onto the vertices that they explain better than anything else does.

    skin: (C,) costs of being skin. groups: names of shapes that are moved together at first, as a
    mouth as a whole sits higher or lower than expected.
    """
    step = max(len(patch.indices) // _MAX_SPEAKERS, 1)
    most = float(skin.max(initial=0.0)) + 1e-9  # what costs more never wins
    points, normals = patch.points[::step], patch.normals[::step]
    current = dict(shapes)
    alone = tuple((name,) for name in shapes)
    for number in range(_ROUNDS_TOGETHER + _ROUNDS_ALONE):
        found = {name: shape.costs(points, normals, most) for name, shape in current.items()}
        costs = np.stack([skin[::step], *(cost for cost, _ in found.values())])
        winners = costs.argmin(axis=0)
        for group in groups if number < _ROUNDS_TOGETHER else alone:
            offsets = []
            for name in group:
                own = winners == 1 + list(current).index(name)
                offsets.append(points[own] - current[name].points[found[name][1][own]])
            together = np.concatenate(offsets)
            if len(together) >= _MIN_SPEAKERS:
                shift = np.median(together, axis=0)
                current |= {name: current[name].moved(shift) for name in group}
    return current


def probabilities(patch: Patch, costs: FloatArray) -> FloatArray:
    """(C, L) of each of L labels, from (C, L) costs in mm and the creases of the patch."""
    priors = np.exp((costs.min(axis=1, keepdims=True) - costs) / _COST_MM)
    priors /= priors.sum(axis=1, keepdims=True)
    surface = patch.as_surface()
    start, end = surface.edges.T
    laplacian = cotangent_laplacian(patch.points, patch.triangles)
    weights = -np.asarray(laplacian[start, end]).ravel()
    weights *= np.exp(-concave_turns(patch, surface.edges) / _CREASE_DEG)
    count = len(patch.indices)
    links = sparse.csr_matrix((weights, (start, end)), (count, count))
    links = links + links.T
    pull = surface.vertex_areas / _SMOOTH_MM**2
    system = sparse.diags(np.asarray(links.sum(axis=1)).ravel() + pull) - links
    return factorised(system).solve(pull[:, None] * priors)


def concave_turns(patch: Patch, edges: IntArray) -> FloatArray:
    """(E,) degrees by which the surface turns towards itself along each edge; 0 where convex."""
    start, end = edges.T
    first, second = patch.normals[start], patch.normals[end]
    degrees = np.degrees(np.arccos(np.clip((first * second).sum(axis=1), -1.0, 1.0)))
    along = patch.points[end] - patch.points[start]
    return np.where(((second - first) * along).sum(axis=1) < 0, degrees, 0.0)


def crease_pieces(patch: Patch) -> IntArray:
    """(C,) number of the piece of each vertex when the patch is cut along its concave creases."""
    edges = patch.as_surface().edges
    start, end = edges[concave_turns(patch, edges) < _CUT_DEG].T
    count = len(patch.indices)
    graph = sparse.coo_matrix((np.ones(len(start)), (start, end)), (count, count))
    return connected_components(graph, directed=False)[1]
