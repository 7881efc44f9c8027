"""Edges, ordered one-rings, boundaries and components of triangle meshes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import SuperLU, splu

IntArray = NDArray[np.integer]


def edges_of(triangles: IntArray) -> IntArray:
    """(E, 2) int32 undirected edges, each once, smaller index first, sorted."""
    keys, size = edge_keys(triangles)
    return _ends(np.unique(keys), size)


def boundary_edges(triangles: IntArray) -> IntArray:
    """(E, 2) int32 edges that belong to exactly one triangle, sorted."""
    keys, size = edge_keys(triangles)
    unique, counts = np.unique(keys, return_counts=True)
    return _ends(unique[counts == 1], size)


def edge_keys(triangles: IntArray) -> tuple[NDArray[np.int64], int]:
    """(3 F,) one number for the undirected edge after each corner, and what numbers count in.

    Sorting numbers is twenty times as fast as sorting rows.
    """
    size = int(triangles.max(initial=0)) + 1
    here, after = triangles.astype(np.int64), np.roll(triangles, -1, axis=1).astype(np.int64)
    return (np.minimum(here, after) * size + np.maximum(here, after)).ravel(), size


def _ends(keys: NDArray[np.int64], size: int) -> IntArray:
    return np.stack([keys // size, keys % size], axis=1).astype(np.int32)


def adjacency(triangles: IntArray, num_vertices: int) -> sparse.csr_matrix:
    """(V, V) symmetric 0/1 matrix of the edges; dense would be 6.5 GB at 28 k vertices."""
    edges = edges_of(triangles)
    rows, columns = np.concatenate([edges, edges[:, ::-1]]).T
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), (num_vertices, num_vertices))


def vertex_components(triangles: IntArray, num_vertices: int) -> IntArray:
    """(V,) int32 connected component of every vertex; vertices without faces stand alone."""
    return connected_components(adjacency(triangles, num_vertices), directed=False)[1]


def sheets_of(triangles: IntArray) -> IntArray:
    """(F,) int32 which triangles hang together by edges that exactly two of them share.

    Lashes and tear shells that an artist welded to the lids are sheets of their own.
    """
    keys, _ = edge_keys(triangles)
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    counts = np.diff(starts, append=len(keys))
    pairs = starts[counts == 2]
    first, second = order[pairs] // 3, order[pairs + 1] // 3
    size = (len(triangles), len(triangles))
    graph = sparse.coo_matrix((np.ones(len(first)), (first, second)), size)
    return connected_components(graph, directed=False)[1]


def ordered_one_rings(triangles: IntArray, num_vertices: int) -> list[list[list[int]]]:
    """The neighbours of every vertex in winding order, as runs.

    A run is a chain of neighbours joined by triangles around the vertex; its first element is not
    repeated at the end. An inner vertex has one closed run, a boundary vertex one open run, a
    non-manifold vertex several. Runs are rotated to start at the lowest index when closed, so the
    result does not depend on the order of the triangles. A Python loop over
    vertices: 0.1 s at 14 k.
    """
    following: list[dict[int, list[int]]] = [{} for _ in range(num_vertices)]
    for a, b, c in triangles.tolist():
        following[a].setdefault(b, []).append(c)
        following[b].setdefault(c, []).append(a)
        following[c].setdefault(a, []).append(b)
    return [_runs(links) for links in following]


def _runs(links: dict[int, list[int]]) -> list[list[int]]:
    remaining = {start: sorted(ends) for start, ends in links.items()}
    arrivals = {end for ends in links.values() for end in ends}
    runs = []
    for open_start in sorted(set(links) - arrivals):
        runs.append(_walk(open_start, remaining))
    for closed_start in sorted(links):
        if remaining.get(closed_start):
            run = _walk(closed_start, remaining)
            runs.append(run[:-1] if len(run) > 1 and run[-1] == run[0] else run)
    return runs


def _walk(start: int, remaining: dict[int, list[int]]) -> list[int]:
    run, current = [start], start
    while remaining.get(current):
        current = remaining[current].pop(0)
        run.append(current)
    return run


def cotangent_laplacian(vertices: NDArray[np.floating], triangles: IntArray) -> sparse.csr_matrix:
    """(V, V) positive semi-definite cotangent Laplacian (Pinkall & Polthier 1993), rows sum to 0.

    Cotangents are clamped to [0.01, 20] (angles of about 3° to 89.5°), so slivers of artists'
    meshes neither flip a weight's sign nor dominate.
    """
    rows, columns, values = [], [], []
    for k in range(3):
        i, j, o = triangles[:, (k + 1) % 3], triangles[:, (k + 2) % 3], triangles[:, k]
        u, v = vertices[i] - vertices[o], vertices[j] - vertices[o]
        cross = np.linalg.norm(np.cross(u, v), axis=1)
        cotangents = np.einsum("ij,ij->i", u, v) / np.maximum(cross, 1e-12)
        weights = 0.5 * np.clip(cotangents, 0.01, 20.0)
        rows += [i, j]
        columns += [j, i]
        values += [weights, weights]
    size = (len(vertices), len(vertices))
    off = sparse.csr_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=size
    )
    return (sparse.diags(np.asarray(off.sum(axis=1)).ravel()) - off).tocsr()


def factorised(system: sparse.spmatrix) -> SuperLU:
    """A symmetric positive definite system of a mesh, ready to be solved.

    Minimum degree on A + Aᵀ: three times faster than the default on meshes.
    """
    return splu(
        system.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
