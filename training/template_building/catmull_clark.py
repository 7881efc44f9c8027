"""One level of Catmull–Clark subdivision as a sparse matrix: linear, so it carries any field.

Catmull & Clark, "Recursively generated B-spline surfaces on arbitrary topological meshes", 1978.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

IntArray = NDArray[np.integer]


def catmull_clark(polygons: IntArray, num_vertices: int) -> tuple[sparse.csr_matrix, IntArray]:
    """Matrix (P', P) from coarse to fine vertices, and the fine quads (Q, 4).

    polygons: (G, 4) vertex indices, -1 in the last place for triangles. Fine vertices come in the
    order: moved old vertices, edge points, face points.
    """
    is_corner = polygons >= 0
    sizes = is_corner.sum(axis=1)
    faces = np.repeat(np.arange(len(polygons)), sizes)
    places = np.tile(np.arange(4), len(polygons))[is_corner.ravel()]
    corners = polygons.ravel()[is_corner.ravel()]
    following = polygons[faces, (places + 1) % sizes[faces]]
    pairs = np.sort(np.stack([corners, following], axis=1), axis=1)
    edges, edge_of, counts = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    edge_of = edge_of.ravel()
    face_shape, edge_shape = (len(polygons), num_vertices), (len(edges), num_vertices)

    face_points = sparse.csr_matrix((1 / sizes[faces], (faces, corners)), shape=face_shape)
    halves = np.full(2 * len(edges), 0.5)
    middles = sparse.csr_matrix(
        (halves, (np.repeat(np.arange(len(edges)), 2), edges.ravel())), shape=edge_shape
    )
    is_rim = counts == 1
    across = sparse.csr_matrix(
        (np.full(len(faces), 0.5), (edge_of, faces)), shape=(len(edges), len(polygons))
    )
    smooth_edges = sparse.diags(0.5 * ~is_rim) @ (middles + across @ face_points)
    edge_points = smooth_edges + sparse.diags(1.0 * is_rim) @ middles
    vertex_points = _vertex_points(edges, is_rim, middles, faces, corners, face_points)

    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    preceding = starts[faces] + (places - 1) % sizes[faces]  # the corner before, in its face
    first_edge, first_face = num_vertices, num_vertices + len(edges)
    columns = [corners, first_edge + edge_of, first_face + faces, first_edge + edge_of[preceding]]
    return sparse.vstack([vertex_points, edge_points, face_points]).tocsr(), np.stack(columns, 1)


def triangulated(polygons: IntArray) -> IntArray:
    """(F, 3) triangles of (G, 4) polygons, -1 in the last place for triangles."""
    is_quad = polygons[:, 3] >= 0
    return np.concatenate([polygons[:, :3], polygons[is_quad][:, [0, 2, 3]]]).astype(np.int32)


def _vertex_points(
    edges: IntArray,
    is_rim: NDArray[np.bool_],
    middles: sparse.csr_matrix,
    faces: IntArray,
    corners: IntArray,
    face_points: sparse.csr_matrix,
) -> sparse.csr_matrix:
    """(Q + 2R + (n - 3) S) / n inside; (1, 6, 1) / 8 along boundaries."""
    num_faces, num_vertices = face_points.shape
    at_faces = sparse.csr_matrix(
        (np.ones(len(corners)), (corners, faces)), shape=(num_vertices, num_faces)
    )
    at_edges = sparse.csr_matrix(
        (np.ones(edges.size), (edges.ravel(), np.repeat(np.arange(len(edges)), 2))),
        shape=(num_vertices, len(edges)),
    )
    valences = np.maximum(np.bincount(edges.ravel(), minlength=num_vertices), 1)
    num_around = np.maximum(np.bincount(corners, minlength=num_vertices), 1)
    on_rim = np.zeros(num_vertices, bool)
    on_rim[edges[is_rim].ravel()] = True
    face_means = sparse.diags(1 / num_around) @ at_faces @ face_points
    edge_means = sparse.diags(1 / valences) @ at_edges @ middles
    inner = face_means + 2 * edge_means + sparse.diags(valences - 3.0)
    along = 0.5 * sparse.identity(num_vertices) + 0.25 * (
        at_edges @ sparse.diags(1.0 * is_rim) @ middles
    )
    return sparse.diags(~on_rim / valences) @ inner + sparse.diags(1.0 * on_rim) @ along
