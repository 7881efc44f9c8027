"""Triangles at the corners stay on their side; what does not fold is left as it is."""

from __future__ import annotations

import numpy as np

from facegen_core.mesh import Mesh, vertex_normals
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


def squares_of(surface):
    """(F / 2, 4) corners of the squares that were cut into two triangles each."""
    first, second = surface.triangles.reshape(-1, 2, 3).transpose(1, 0, 2)
    return np.concatenate([first, second[:, 2:]], axis=1)


def with_doubled_squares(surface):
    """The same of a mesh in which every square has four vertices of its own; and that mesh."""
    corners = squares_of(surface).ravel()
    first = np.arange(0, len(corners), 4)[:, None]
    own = np.concatenate([first + [0, 1, 2], first + [0, 2, 3]])
    doubled = Surface(surface.vertices, surface.triangles, corners, surface.parts)
    return doubled, Mesh.from_polygons(surface.vertices[corners], own)


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


def test_corners_slide_along_the_skin_no_farther_than_needed_and_without_a_jump():
    surface = patch()
    pushes = np.linspace(0.0, 1.6, 161)
    moved = np.zeros((surface.num_vertices, len(pushes), 3))
    moved[40, :, 0] = pushes * SPACING_MM
    unfolding = prepare_unfolding(surface, landmarks(), np.ones(surface.num_vertices, bool))
    corrected = moved.copy()
    unfolding.unfold_in_place(corrected)
    correction = corrected - moved
    assert all(normals_up(surface, frame).min() > 0 for frame in corrected.transpose(1, 0, 2))
    assert not correction[:, pushes < 0.9].any()
    assert np.abs(correction).max() < 0.7 * SPACING_MM
    assert not correction[..., 2].any()
    steps = np.linalg.norm(np.diff(correction, axis=1), axis=2)
    assert steps.max() < 6.0 * (pushes[1] - pushes[0]) * SPACING_MM


def test_each_frame_is_unfolded_for_itself_and_masked_skin_is_left():
    surface = patch()
    moved = np.zeros((surface.num_vertices, 3, 3))
    moved[40, 0, 0] = moved[31, 2, 1] = 1.5 * SPACING_MM
    unfolding = prepare_unfolding(surface, landmarks(), np.ones(surface.num_vertices, bool))
    together = unfolding.correction(moved)
    for frame in range(3):
        alone = unfolding.correction(moved[:, frame : frame + 1])[:, 0]
        np.testing.assert_allclose(together[:, frame], alone, atol=1e-12)
    mask = np.ones(surface.num_vertices)
    mask[40] = 0.0
    masked = unfolding.correction(moved, mask)
    assert not masked[40].any()
    assert masked.any()


def test_polygons_with_corners_of_their_own_do_not_fold_within_themselves():
    surface = patch()
    doubled, mesh = with_doubled_squares(surface)
    moved = np.zeros((surface.num_vertices, 1, 3))
    moved[40, 0, :2] = 0.8 * SPACING_MM
    free = np.ones(surface.num_vertices, bool)
    prepare_unfolding(doubled, landmarks(), free, mesh=mesh).unfold_in_place(moved)
    assert normals_up(surface, moved[:, 0]).min() > 0


def test_polygons_do_not_fold_however_they_are_cut():
    surface = patch()
    squares = squares_of(surface)
    a, b, c, d = squares.T
    other_cut = np.concatenate([np.stack([a, b, d], axis=1), np.stack([b, c, d], axis=1)])
    other = Surface(surface.vertices, other_cut, surface.welded_indices, surface.parts)
    moved = np.zeros((surface.num_vertices, 1, 3))
    moved[40, 0, :2] = 0.7 * SPACING_MM  # towards the far corner of its square
    assert normals_up(surface, moved[:, 0]).min() > 0
    assert normals_up(other, moved[:, 0]).min() < 0
    free = np.ones(surface.num_vertices, bool)
    # Read backwards, a square is cut the other way.
    for cut, polygons in ((surface, squares), (other, squares[:, ::-1])):
        unfolded = moved.copy()
        mesh = Mesh.from_polygons(surface.vertices, polygons)
        prepare_unfolding(cut, landmarks(), free, mesh=mesh).unfold_in_place(unfolded)
        assert normals_up(other, unfolded[:, 0]).min() > 0
        assert normals_up(surface, unfolded[:, 0]).min() > 0


def test_doubled_squares_do_not_fold_against_their_own_normals():
    surface = patch()
    doubled, mesh = with_doubled_squares(surface)
    moved = np.zeros((surface.num_vertices, 1, 3))
    moved[40, 0] = np.array([2.0, -1.5, -0.5]) * SPACING_MM
    free = np.ones(surface.num_vertices, bool)

    def num_folded(**options):
        unfolded = moved.copy()
        prepare_unfolding(doubled, landmarks(), free, **options).unfold_in_place(unfolded)
        positions = (surface.vertices + unfolded[:, 0])[doubled.welded_indices]
        around = vertex_normals(positions, mesh.triangles)[mesh.triangles].sum(axis=1)
        a, b, c = (positions[mesh.triangles[:, k]] for k in range(3))
        return np.count_nonzero(np.sum(np.cross(b - a, c - a) * around, axis=1) < 0)

    assert num_folded() > 0
    assert num_folded(mesh=mesh) == 0
