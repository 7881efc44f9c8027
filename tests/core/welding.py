"""Heads in one piece: loose parts joined to the skin by a tube, so the truth is known."""

import numpy as np
from scipy.spatial import cKDTree

from facegen_core.mesh import Mesh
from facegen_core.topology import vertex_components

# Triangles that face each other are joined rather than ones that do not.
_FACING_MM = 4.0


def welded_together(mesh):
    """The same vertices; every loose part hangs on the largest by three new quads of triangles."""
    triangles = mesh.triangles.copy()
    components = vertex_components(triangles, mesh.num_vertices)[triangles[:, 0]]
    main = np.bincount(components).argmax()
    centres, normals = mesh.vertices[triangles].mean(axis=1), mesh.face_normals
    is_removed, tubes = np.zeros(len(triangles), bool), []
    for number in np.unique(components[components != main]):
        own = np.flatnonzero(components == number)
        free = np.flatnonzero((components == main) & ~is_removed)
        distances, nearest = cKDTree(centres[free]).query(centres[own])
        facing = (normals[own] * normals[free[nearest]]).sum(axis=1)
        best = (distances + _FACING_MM * (1.0 + facing)).argmin()
        ends = triangles[own[best]], triangles[free[nearest[best]]][::-1]
        is_removed[[own[best], free[nearest[best]]]] = True
        tubes += _tube(mesh.vertices, *ends)
    return Mesh.from_triangles(mesh.vertices, np.concatenate([triangles[~is_removed], tubes]))


def _tube(vertices, first, second):
    """Six triangles between two removed ones."""
    turns = [np.roll(second, k) for k in range(3)]
    second = min(turns, key=lambda t: np.linalg.norm(vertices[first] - vertices[t], axis=1).sum())
    around = [(first[k], first[k - 2], second[k], second[k - 2]) for k in range(3)]
    return [t for a, b, c, d in around for t in ((a, b, c), (b, d, c))]
