import numpy as np

from facegen_core.registration.closest_points import (
    FacingSurface,
    closest_barycentrics,
    farthest_points,
    sample_triangles,
)

SQUARE = np.array([[0.0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]])
UP = np.array([[0, 1, 2], [0, 2, 3]])


def two_facing_sheets():
    """Two squares 1 mm apart, the lower facing up, the upper facing down: a pair of lips."""
    vertices = np.concatenate([SQUARE, SQUARE + [0, 0, 1.0]])
    return vertices, np.concatenate([UP, UP[:, ::-1] + 4])


def test_the_closest_point_of_a_triangle_beats_every_sampled_point():
    rng = np.random.default_rng(0)
    corners, points = rng.normal(size=(200, 3, 3)), 2.0 * rng.normal(size=(200, 3))
    found = closest_barycentrics(corners, points)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    assert found.min() >= 0.0
    distances = np.linalg.norm(np.einsum("nc,ncx->nx", found, corners) - points, axis=1)
    samples = rng.dirichlet(np.ones(3), size=4000)
    naive = np.linalg.norm(np.einsum("sc,ncx->nsx", samples, corners) - points[:, None], axis=-1)
    assert (distances <= naive.min(axis=1) + 1e-12).all()


def test_a_flat_triangle_still_has_a_closest_point():
    corners = np.array([[[0.0, 0, 0], [1, 0, 0], [2, 0, 0]]])
    found = closest_barycentrics(corners, np.array([[1.5, 3.0, 0.0]]))
    np.testing.assert_allclose(np.einsum("nc,ncx->nx", found, corners), [[1.5, 0, 0]], atol=1e-12)


def test_a_point_finds_the_sheet_that_faces_its_way_although_the_other_is_nearer():
    surface = FacingSurface(*two_facing_sheets(), spacing=1.0, normal_weight=10.0)
    middle = np.array([[5.0, 5.0, 0.7]])
    lower = surface.closest(middle, np.array([[0.0, 0.0, 1.0]]))
    upper = surface.closest(middle, np.array([[0.0, 0.0, -1.0]]))
    assert lower.positions[0, 2] == 0.0
    assert upper.positions[0, 2] == 1.0


def test_only_points_on_an_open_edge_are_on_the_border():
    surface = FacingSurface(SQUARE, UP, spacing=1.0, normal_weight=1.0)
    up = np.tile([0.0, 0.0, 1.0], (3, 1))
    points = np.array([[5.0, 2.0, 1.0], [12.0, 5.0, 0.0], [5.0, 5.0, 1.0]])
    assert surface.closest(points, up).is_border.tolist() == [False, True, False]


def test_samples_leave_no_gap_and_include_every_vertex():
    triangles, barycentrics = sample_triangles(SQUARE, UP, 1.0)
    samples = np.einsum("nc,ncx->nx", barycentrics, SQUARE[UP[triangles]])
    for vertex in SQUARE:
        assert np.linalg.norm(samples - vertex, axis=1).min() == 0.0
    grid = np.stack(np.meshgrid(*[np.linspace(0, 10, 21)] * 2), axis=-1).reshape(-1, 2)
    gaps = np.linalg.norm(samples[None, :, :2] - grid[:, None], axis=-1).min(axis=1)
    assert gaps.max() < 1.0


def test_farthest_points_cover_what_they_say_they_cover():
    points = np.random.default_rng(1).normal(size=(300, 3))
    chosen, radii = farthest_points(points, 20)
    assert len(set(chosen.tolist())) == 20
    gaps = np.linalg.norm(points[:, None] - points[chosen[:10]], axis=-1).min(axis=1)
    assert abs(gaps.max() - radii[10]) < 1e-12
