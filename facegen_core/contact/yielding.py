"""How skin around a slit gives way when points of it are pushed: smoothly, and only nearby.

The answer to a force is that of a membrane and plate in one, (M + l² L)⁻¹ M (M + l² L)⁻¹ with the
cotangent Laplacian L and l how far a push reaches. Forces are those of a linear complementarity
problem: each moves its point out just as far as it is too deep, they push and never pull.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse.csgraph import dijkstra
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from ..template import Template
from ..topology import cotangent_laplacian, edges_of

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# How far a push reaches along the skin, mm.
_RESPONSE_MM = 2.5
# Skin within the first distance of the rim can touch, within the second it gives way, mm.
_TOUCHING_MM, _YIELDING_MM = 8.0, 18.0
# Which vertices are surely of one side, see registration.slits.
SURE_SIDE = 0.12
# Skin this near gives way together: pushing its deepest point is enough, mm.
_PATCH_MM = 1.7
# Of a contact's own give, what is added so that contacts side by side do not fight.
_SOFTNESS = 0.03


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
        touching = np.flatnonzero((away[zone] < _TOUCHING_MM) & (np.abs(sides[zone]) > SURE_SIDE))
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
    """(V,) mm², a third of the triangles around each vertex."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6.0
    shares: FloatArray = np.repeat(areas, 3)
    return np.asarray(np.bincount(triangles.ravel(), shares, len(vertices)), np.float64)


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
