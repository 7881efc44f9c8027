"""Triangles at the corners stay on their side; what does not fold is left as it is."""

from __future__ import annotations

import numpy as np

from facegen_core.registration.surface import Surface
from facegen_core.registration.unfolding import prepare_unfolding
from tests.core.face_fixtures import grid_triangles

SPACING_MM = 0.4


def patch(size=9):
    """A flat square of small triangles around the right corner of a mouth."""
    x, y = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    points = np.stack([x, y, 0.0 * x], axis=-1).reshape(-1, 3) - (size - 1) / 2 * np.array(
        [1, 1, 0]
    )
    count = len(points)
    triangles = grid_triangles(np.arange(count).reshape(size, size).T)
    return Surface(SPACING_MM * points, triangles, np.arange(count), np.zeros(count, np.int32))


def landmarks():
    result = np.full((68, 3), 500.0)
    result[60] = 0.0
    return result


def normals_up(surface, moved):
    a, b, c = ((surface.vertices + moved)[surface.triangles[:, k]] for k in range(3))
    return np.cross(b - a, c - a)[:, 2]


def test_a_vertex_pushed_over_its_neighbour_is_taken_back():
    surface = patch()
    moved = np.zeros((surface.num_vertices, 2, 3))
    moved[40, 1] = 1.5 * SPACING_MM, 0.3 * SPACING_MM, 0.0
    assert normals_up(surface, moved[:, 1]).min() < 0
    free = np.ones(surface.num_vertices, bool)
    prepare_unfolding(surface, landmarks(), free).unfold_in_place(moved)
    assert normals_up(surface, moved[:, 1]).min() > 0
    assert not moved[:, 0].any()


def test_what_does_not_fold_or_may_not_move_is_left():
    surface = patch()
    smooth = np.repeat(0.3 * surface.vertices[:, None], 3, axis=1)
    kept = smooth.copy()
    free = np.ones(surface.num_vertices, bool)
    prepare_unfolding(surface, landmarks(), free).unfold_in_place(kept)
    np.testing.assert_array_equal(kept, smooth)
    folded = np.zeros((surface.num_vertices, 1, 3))
    folded[40, 0, 0] = 1.5 * SPACING_MM
    held = folded.copy()
    prepare_unfolding(surface, landmarks(), ~free).unfold_in_place(held)
    np.testing.assert_array_equal(held, folded)
