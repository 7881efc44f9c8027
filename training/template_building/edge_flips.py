"""Turning edges along the creases of a surface, after remeshing.

An isotropic mesh cuts across the sharp rims of lips and lids, which then look like saw teeth. Where
the other diagonal of two triangles lies closer to the surface, it is taken.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from facegen_core.mesh import vertex_normals
from facegen_core.topology import edges_of
from training.template_building.surface import Surface, triangle_normals, unit

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

MAX_PASSES = 6
# A flip must bring the edge's middle this much closer, as a fraction of its length: below, regular
# triangles are worth more than a closer edge.
MIN_RELATIVE_GAIN = 0.04
MIN_ANGLE_DEGREES = 20.0
MIN_NORMAL_COSINE = 0.3


class _Diagonals(NamedTuple):
    """Inner edges a-b between triangles `first` (a, b, c) and `second` (b, a, d); all (E,)."""

    a: IntArray
    b: IntArray
    c: IntArray
    d: IntArray
    first: IntArray
    second: IntArray


def align_edges(surface: Surface, vertices: FloatArray, triangles: IntArray) -> IntArray:
    """(F, 3) triangles on the same (V, 3) vertices, edges flipped to lie closer to the surface."""
    triangles = triangles.copy()
    for _ in range(MAX_PASSES):
        diagonals = _diagonals(triangles)
        normals = vertex_normals(vertices, triangles)
        gains = _distance(surface, vertices, normals, diagonals.a, diagonals.b)
        gains -= _distance(surface, vertices, normals, diagonals.c, diagonals.d)
        lengths = np.linalg.norm(vertices[diagonals.a] - vertices[diagonals.b], axis=1)
        gains[gains < MIN_RELATIVE_GAIN * lengths] = 0.0
        gains[~_is_sound(vertices, triangles, diagonals)] = 0.0
        if _flip_best(triangles, diagonals, gains) == 0:
            break
    return triangles


def smallest_angles(vertices: FloatArray, triangles: IntArray) -> FloatArray:
    """(F,) the smallest angle of every triangle, degrees."""
    corners, angles = vertices[triangles], []
    for k in range(3):
        u = corners[:, (k + 1) % 3] - corners[:, k]
        v = corners[:, (k + 2) % 3] - corners[:, k]
        cross = np.linalg.norm(np.cross(u, v), axis=1)
        angles.append(np.arctan2(cross, (u * v).sum(axis=1)))
    return np.degrees(np.min(angles, axis=0))


def _diagonals(triangles: IntArray) -> _Diagonals:
    corners = np.concatenate(
        [triangles[:, [0, 1, 2]], triangles[:, [1, 2, 0]], triangles[:, [2, 0, 1]]]
    )
    owners = np.tile(np.arange(len(triangles)), 3)
    size = int(triangles.max()) + 1
    keys = corners[:, 0].astype(np.int64) * size + corners[:, 1]
    reversed_keys = corners[:, 1].astype(np.int64) * size + corners[:, 0]
    order = np.argsort(keys)
    found = np.minimum(np.searchsorted(keys[order], reversed_keys), len(keys) - 1)
    is_inner = (keys[order][found] == reversed_keys) & (corners[:, 0] < corners[:, 1])
    one = np.flatnonzero(is_inner)
    other = order[found[one]]
    a, b, c = corners[one].T
    return _Diagonals(a, b, c, corners[other, 2], owners[one], owners[other])


def _distance(
    surface: Surface, vertices: FloatArray, normals: FloatArray, starts: IntArray, ends: IntArray
) -> FloatArray:
    """(E,) how far the middle of each edge is from the surface."""
    middles = 0.5 * (vertices[starts] + vertices[ends])
    directions = unit(normals[starts] + normals[ends])
    feet = surface.carry_matrix(*surface.closest(middles, directions)) @ surface.vertices
    return np.linalg.norm(feet - middles, axis=1)


def _flipped(diagonals: _Diagonals) -> tuple[IntArray, IntArray]:
    a, b, c, d = diagonals[:4]
    return np.stack([c, a, d], axis=1), np.stack([d, b, c], axis=1)


def _is_sound(
    vertices: FloatArray, triangles: IntArray, diagonals: _Diagonals
) -> NDArray[np.bool_]:
    new = _flipped(diagonals)
    mean = triangle_normals(vertices[triangles[diagonals.first]])
    mean = mean + triangle_normals(vertices[triangles[diagonals.second]])
    sound = np.ones(len(diagonals.a), bool)
    for corners in new:
        sound &= smallest_angles(vertices, corners) > MIN_ANGLE_DEGREES
        sound &= (triangle_normals(vertices[corners]) * mean).sum(axis=1) > MIN_NORMAL_COSINE
    return sound


def _flip_best(triangles: IntArray, diagonals: _Diagonals, gains: FloatArray) -> int:
    """Flip in place from the best gain down, every triangle at most once; returns how many."""
    existing = set(map(tuple, edges_of(triangles).tolist()))
    touched = np.zeros(len(triangles), bool)
    new_first, new_second = _flipped(diagonals)
    num_flips = 0
    for k in np.argsort(-gains, kind="stable"):
        if gains[k] <= 0:
            break
        first, second = diagonals.first[k], diagonals.second[k]
        edge = tuple(sorted((int(diagonals.c[k]), int(diagonals.d[k]))))
        if touched[first] or touched[second] or edge in existing:
            continue
        triangles[first], triangles[second] = new_first[k], new_second[k]
        touched[[first, second]] = True
        existing.add(edge)
        num_flips += 1
    return num_flips
