"""How skin gives way when it is pushed at some places: that of contact.yielding, on any mesh.

The inner and the outer skin of a lid or lip are tied together: what is pushed from inside keeps its
thickness. The answer is smooth over the length a push reaches; where vertices lie far closer than
that, it is solved for on nodes among them (Galerkin's method) that vertices between them follow
smoothly, as in smoothed aggregation (Vaněk, Mandel & Brezina 1996).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ..mesh import vertex_normals
from ..topology import cotangent_laplacian, edges_of, factorised

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Two skins of one lid or lip: facing apart (cosine below) and this near, mm; how strongly they are
# tied, in units of the stiffness of the skin itself.
_APART, _THICKNESS_MM, _TIE = -0.2, 9.0, 3.0
# Nodes lie this share of the reach of a push apart, if that is so many times as far as vertices do.
# They are thinned out by about so much at a time; cells of less than this share of the usual number
# join a neighbour.
_NODE_SPACING, _WORTH_IT, _THINNING, _LEAST_CELL = 0.5, 1.5, 3.0, 0.4


@dataclass(frozen=True, eq=False)
class Response:
    """Motion of Z vertices for unit pushes at H handles.

    at_nodes: (X, H) float32. spread: (Z, X) float32, how vertices follow the nodes; None where
    every vertex is one.
    """

    at_nodes: NDArray[np.float32]
    spread: sparse.csr_matrix | None

    def at(self, rows: IntArray) -> NDArray[np.float32]:
        """(N, H) of some vertices only."""
        if self.spread is None:
            return self.at_nodes[rows]
        return np.asarray(self.spread[rows] @ self.at_nodes)

    def moved(self, pushes: FloatArray) -> FloatArray:
        """(Z, T, 3) for (H, T, 3) pushes."""
        used = np.flatnonzero(pushes.any(axis=(1, 2)))
        flat = pushes[used].reshape(len(used), pushes[0].size).astype(np.float32)
        moved = self.at_nodes[:, used] @ flat
        if self.spread is not None:
            moved = self.spread @ moved
        return np.asarray(moved, np.float64).reshape(len(moved), *pushes.shape[1:])

    def scaled(self, factor: float) -> Response:
        return Response((factor * self.at_nodes).astype(np.float32), self.spread)


@dataclass(frozen=True, eq=False)
class _Skin:
    """K vertices or nodes: (K, 3) mm, unit normals, (K,) sides of the slit, masses in mm², and the
    (E, 2) edges between them."""

    vertices: FloatArray
    normals: FloatArray
    sides: FloatArray
    masses: FloatArray
    edges: IntArray


def prepare_response(
    vertices: FloatArray,
    triangles: IntArray,
    chosen: IntArray,
    sides: FloatArray,
    mobility: FloatArray,
    handles: sparse.csr_matrix,
    reach_mm: float,
) -> tuple[Response, FloatArray]:
    """The answer of the skin `chosen`, (Z,) of (W, 3) vertices, mm, and (H, H) it at the handles.

    triangles: (F, 3) of the W; sides: (Z,) of the slit; mobility: (Z,) in [0, 1]; handles: (H, Z)
    barycentrics of where pushes act; reach_mm: how far they reach.
    """
    laplacian, skin = _skin(vertices, triangles, chosen, sides)
    weights = sparse.diags(skin.masses)
    stiff = weights + reach_mm**2 * laplacian
    pushes = (sparse.diags(mobility) @ handles.T).tocsr()
    nodes, spread = _nodes(skin, _NODE_SPACING * reach_mm)
    if spread is not None:
        stiff, weights = (spread.T @ matrix @ spread for matrix in (stiff, weights))
        pushes = (spread.T @ pushes).tocsr()
    factors = factorised(stiff + _ties(nodes))
    answer = factors.solve(weights @ factors.solve(pushes.toarray()))
    gram = np.asarray(pushes.T @ answer)
    if spread is None:
        return Response(mobility[:, None] * answer, None), gram
    return Response(answer, (sparse.diags(mobility) @ spread).astype(np.float32).tocsr()), gram


def _skin(
    vertices: FloatArray, triangles: IntArray, chosen: IntArray, sides: FloatArray
) -> tuple[sparse.csr_matrix, _Skin]:
    """(Z, Z) Laplacian of the chosen vertices, the skin around them at rest; and what they are."""
    is_chosen = np.zeros(len(vertices), bool)
    is_chosen[chosen] = True
    around = triangles[is_chosen[triangles].any(axis=1)]
    used, compact = np.unique(around, return_inverse=True)
    compact = compact.reshape(-1, 3)
    own = np.searchsorted(used, chosen)
    a, b, c = (vertices[around[:, k]] for k in range(3))
    areas = np.repeat(np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6.0, 3)
    masses = np.asarray(np.bincount(compact.ravel(), areas, len(used))[own], np.float64)
    masses = np.maximum(masses, 1e-6 * max(float(masses.mean()), 1e-12))
    row_of = np.full(len(used), -1)
    row_of[own] = np.arange(len(own))
    inside = row_of[compact]
    inside = inside[(inside >= 0).all(axis=1)]
    rest = vertices[chosen]
    normals = vertex_normals(rest, inside)
    laplacian = cotangent_laplacian(vertices[used], compact)[own][:, own]
    return laplacian, _Skin(rest, normals, sides, masses, edges_of(inside))


def _nodes(skin: _Skin, spacing: float) -> tuple[_Skin, sparse.csr_matrix | None]:
    """Nodes about so far apart, mm, and (Z, X) how vertices follow them; None, all are nodes."""
    apart = np.sqrt(float(skin.masses.mean()))
    if spacing < _WORTH_IT * apart:
        return skin, None
    num_times = max(round(float(np.log(spacing / apart) / np.log(_THINNING))), 1)
    factor = float((spacing / apart) ** (1.0 / num_times))
    spread = sparse.identity(len(skin.vertices), format="csr")
    for k in range(1, num_times + 1):
        node_of = _cells(skin, apart * factor**k, _LEAST_CELL * factor**2)
        # A step widens by half the square of an edge, a node reaches half-way to the next.
        spread = spread @ _following(skin, node_of, round(0.75 * factor**2))
        skin = _merged(skin, node_of)
    return skin, spread.tocsr()


def _cells(skin: _Skin, spacing: float, least: float) -> IntArray:
    """(K,) numbers of what hangs together in a cell of a grid on one side of the slit.

    What has fewer than the least number of vertices joins its largest neighbour.
    """
    count, (start, end) = len(skin.vertices), skin.edges.T
    cells = np.column_stack([np.round(skin.vertices / spacing), np.sign(np.round(skin.sides, 1))])
    is_inside = (cells[start] == cells[end]).all(axis=1)
    links = np.ones(np.count_nonzero(is_inside)), (start[is_inside], end[is_inside])
    cell_of = connected_components(sparse.coo_matrix(links, (count, count)), directed=False)[1]
    sizes = np.bincount(cell_of)
    one, other = cell_of[skin.edges[~is_inside]].T
    small, large = np.concatenate([one, other]), np.concatenate([other, one])
    is_joined = (sizes[small] < least) & (sizes[large] >= least)
    small, large = small[is_joined], large[is_joined]
    order = np.argsort(sizes[large], kind="stable")
    into = np.arange(len(sizes))
    into[small[order]] = large[order]  # the last one counts
    return np.unique(into[cell_of], return_inverse=True)[1]


def _following(skin: _Skin, node_of: IntArray, num_steps: int) -> sparse.csr_matrix:
    """(K, X) shares of the nodes at each vertex, smoothed along the edges so many times."""
    count, (start, end) = len(skin.vertices), skin.edges.T
    links = sparse.coo_matrix((np.ones(len(start)), (start, end)), (count, count))
    walk = (links + links.T).tocsr()
    degrees = np.asarray(walk.sum(axis=1)).ravel()
    # Half stays, half goes to the neighbours; what has none stays.
    walk = sparse.diags(0.5 / np.maximum(degrees, 1.0)) @ walk
    walk = (walk + sparse.diags(np.where(degrees > 0, 0.5, 1.0))).tocsr()
    result = sparse.csr_matrix((np.ones(count), (np.arange(count), node_of)))
    for _ in range(num_steps):
        result = walk @ result
    return result


def _merged(skin: _Skin, node_of: IntArray) -> _Skin:
    """The nodes that (K,) vertices are merged into."""
    size = int(node_of.max()) + 1
    gather = sparse.csr_matrix((np.ones(len(node_of)), (node_of, np.arange(len(node_of)))))
    shares = gather / np.bincount(node_of, minlength=size)[:, None]
    normals = gather @ skin.normals
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    edges = node_of[skin.edges]
    edges = np.unique(np.sort(edges[edges[:, 0] != edges[:, 1]], axis=1), axis=0)
    means = np.asarray(shares @ skin.vertices), np.asarray(shares @ skin.sides)
    return _Skin(means[0], normals, means[1], np.asarray(gather @ skin.masses), edges)


def _ties(skin: _Skin) -> sparse.csr_matrix:
    """(K, K) Laplacian of the ties between the inner and the outer skin."""
    rest, normals, masses = skin.vertices, skin.normals, skin.masses
    keys = np.hstack([rest, 4.0 * _THICKNESS_MM * np.sign(np.round(skin.sides, 1))[:, None]])
    count = min(24, len(rest))
    distances, nearest = cKDTree(keys).query(keys, count)
    distances, nearest = distances.reshape(len(rest), -1), nearest.reshape(len(rest), -1)
    cosines = np.einsum("zx,zkx->zk", normals, normals[nearest])
    # The other skin lies behind this one, not across the slit in front of it.
    depth = np.einsum("zx,zkx->zk", normals, rest[nearest] - rest[:, None])
    is_other = (cosines < _APART) & (distances < _THICKNESS_MM) & (depth < 0)
    found = np.flatnonzero(is_other.any(axis=1))
    partner = nearest[found, is_other[found].argmax(axis=1)]
    weights = _TIE * np.minimum(masses[found], masses[partner])
    size = (len(rest), len(rest))
    ties = sparse.coo_matrix((weights, (found, partner)), size)
    ties = (ties + ties.T).tocsr()
    return (sparse.diags(np.asarray(ties.sum(axis=1)).ravel()) - ties).tocsr()
