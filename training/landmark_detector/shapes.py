"""Simple solids that heads wear, stand on and are mistaken for; every function gives one Piece."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
# Vertices (N, 3) mm and triangles (F, 3).
Piece = tuple[FloatArray, IntArray]


def ellipsoid(
    centre: FloatArray, radii: Sequence[float] | FloatArray, num_rings: int = 16
) -> Piece:
    """A ball with a radius along each axis."""
    polar = np.linspace(0.02, np.pi - 0.02, num_rings)
    around = np.arange(2 * num_rings) * np.pi / num_rings
    p, a = np.meshgrid(polar, around, indexing="ij")
    points = np.stack([np.sin(p) * np.cos(a), np.cos(p), np.sin(p) * np.sin(a)], axis=-1)
    return points.reshape(-1, 3) * np.asarray(radii) + centre, _grid(num_rings, 2 * num_rings)


def tube(
    centre: FloatArray,
    radii: tuple[float, float],
    low: float,
    tops: FloatArray,
    flare: float = 1.0,
) -> Piece:
    """An upright open tube: radii along X and Z, from `low` up to `tops` (N,) of its N corners.

    flare: how much wider the upper rim is.
    """
    around = np.arange(len(tops)) * 2.0 * np.pi / len(tops)
    ring = np.stack([np.cos(around) * radii[0], np.zeros(len(tops)), np.sin(around) * radii[1]], 1)
    rows = []
    for share in (0.0, 0.5, 1.0):
        row = ring * (1.0 + (flare - 1.0) * share)
        row[:, 1] = low + share * (tops - low)
        rows.append(row)
    return np.concatenate(rows) + centre, _grid(3, len(tops))


def box(centre: FloatArray, sizes: Sequence[float] | FloatArray, rng: np.random.Generator) -> Piece:
    """A turned box."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * 0.5
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    turned = (corners * np.asarray(sizes)) @ Rotation.random(random_state=rng).as_matrix().T
    return turned + centre, np.array(triangles)


def torus(centre: FloatArray, radii: tuple[float, float], thickness: float) -> Piece:
    """A ring in the X-Y plane."""
    n, m = 20, 6
    a, b = np.meshgrid(np.arange(n) * 2 * np.pi / n, np.arange(m) * 2 * np.pi / m, indexing="ij")
    out = 1.0 + np.cos(b) * thickness / max(radii)
    points = np.stack(
        [np.cos(a) * out * radii[0], np.sin(a) * out * radii[1], np.sin(b) * thickness], axis=-1
    )
    rows = np.arange(n * m).reshape(n, m)
    below, right = np.roll(rows, -1, axis=0), np.roll(rows, -1, axis=1)
    triangles = _quads(rows, below, np.roll(below, -1, axis=1), right)
    return points.reshape(-1, 3) + centre, triangles


def rod(start: FloatArray, end: FloatArray, first: float, last: float) -> Piece:
    """A round rod that goes from one radius to another: finger, horn, arm, arm of glasses."""
    along = end - start
    length = max(float(np.linalg.norm(along)), 1e-6)
    turn = Rotation.align_vectors([along / length], [[0.0, 1.0, 0.0]])[0].as_matrix()
    points, triangles = tube(np.zeros(3), (1.0, 1.0), 0.0, np.full(12, 1.0))
    shares = points[:, 1]
    points = points * np.stack([first + (last - first) * shares] * 3, axis=1)
    points[:, 1] = shares * length
    return points @ turn.T + start, triangles


def hand(rng: np.random.Generator, size: float) -> list[Piece]:
    """A palm with five fingers."""
    pieces = [ellipsoid(np.zeros(3), (0.45 * size, 0.5 * size, 0.16 * size))]
    for k in range(5):
        angle = np.radians(-50 + 25 * k) + rng.normal(0, 0.1)
        tip = np.array([np.sin(angle), np.cos(angle), rng.uniform(-0.3, 0.3)])
        pieces.append(
            rod(0.4 * size * tip, rng.uniform(0.8, 1.2) * size * tip, 0.1 * size, 0.06 * size)
        )
    return pieces


def join(pieces: Sequence[Piece]) -> Piece:
    """One piece of many."""
    starts = np.cumsum([0, *(len(vertices) for vertices, _ in pieces[:-1])])
    triangles = [t + start for (_, t), start in zip(pieces, starts, strict=True)]
    return np.concatenate([vertices for vertices, _ in pieces]), np.concatenate(triangles)


def _grid(num_rows: int, num_columns: int) -> IntArray:
    """Triangles of rows of corners that close around."""
    rows = np.arange(num_rows * num_columns).reshape(num_rows, num_columns)
    right = np.roll(rows, -1, axis=1)
    return _quads(rows[:-1], rows[1:], right[1:], right[:-1])


def _quads(a: IntArray, b: IntArray, c: IntArray, d: IntArray) -> IntArray:
    """Two triangles for each quad of four equal grids of corners."""
    first, second = np.stack([a, b, c], axis=-1), np.stack([a, c, d], axis=-1)
    return np.concatenate([first.reshape(-1, 3), second.reshape(-1, 3)])
