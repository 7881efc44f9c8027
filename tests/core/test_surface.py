"""Values carried over a surface, and matches that leave out what cannot be nearest."""

import numpy as np
import pytest

from facegen_core.mesh import Mesh
from facegen_core.registration.closest_points import closest_barycentrics
from facegen_core.registration.matching import TriangleSearch
from facegen_core.registration.surface import Surface


def strip(num_columns, offset=0, height=0.0):
    """A flat strip of two rows of vertices 10 mm apart, bent a little so that no value is exact."""
    x = np.repeat(np.arange(num_columns) * 10.0, 2)
    y = np.tile([0.0, 10.0], num_columns)
    vertices = np.stack([x, y, height + 2.0 * np.sin(x)], axis=1)
    first = 2 * np.arange(num_columns - 1)[:, None] + offset
    return vertices, np.concatenate([first + [0, 2, 3], first + [0, 3, 1]]).astype(np.int32)


@pytest.fixture
def surface():
    """Two strips of 20 columns that do not touch: vertices 0–39 and 40–79."""
    (first, low), (second, high) = strip(20), strip(20, 40, 50.0)
    vertices = np.concatenate([first, second])
    parts = np.repeat([0, 1], 40)
    return Surface(vertices, np.concatenate([low, high]), np.arange(80), parts)


def dense(surface, is_fixed, values):
    """The same extension by a dense solve over all free vertices at once."""
    laplacian = surface.laplacian.toarray()
    free = ~is_fixed
    system = laplacian[np.ix_(free, free)] + 1e-9 * np.eye(free.sum())
    result = np.where(is_fixed[:, None], values, 0.0)
    result[free] = np.linalg.solve(system, -laplacian[np.ix_(free, is_fixed)] @ values[is_fixed])
    return result


def test_a_harmonic_extension_is_the_solution_of_the_whole_system(surface):
    is_fixed = np.zeros(80, bool)
    is_fixed[[0, 1, 18, 19, 38, 39]] = True  # uneven before column 9, equal after it
    values = np.zeros((80, 2))
    values[[0, 1]] = [[1.0, 0.3], [0.8, 0.3]]
    values[[18, 19, 38, 39]] = [0.25, -0.5]
    extended = surface.harmonic_extension(is_fixed, values)
    np.testing.assert_allclose(extended, dense(surface, is_fixed, values), atol=1e-6)
    assert np.ptp(extended[2:18, 0]) > 0.3


def test_no_value_reaches_what_touches_nothing_fixed(surface):
    is_fixed = np.arange(80) < 2
    extended = surface.harmonic_extension(is_fixed, np.full((80, 1), 0.7))
    np.testing.assert_allclose(extended[:40], 0.7)
    assert not extended[40:].any()
    assert not surface.harmonic_extension(np.zeros(80, bool), np.ones((80, 1))).any()


def test_beyond_its_reach_an_extension_is_zero(surface):
    is_fixed = np.isin(np.arange(80), [0, 1])
    values = np.where(np.arange(80) == 0, 1.0, 0.5)[:, None]
    near = surface.vertices[:, 0] < 45.0
    extended = surface.harmonic_extension(is_fixed, values, reach_mm=45.0)[:40, 0]
    assert (extended[near[:40]] > 0.5 - 1e-6).all()
    assert not extended[surface.vertices[:40, 0] > 50.0].any()


def test_a_match_is_the_cheapest_of_all_triangles():
    random = np.random.default_rng(3)
    vertices = random.normal(0.0, 5.0, (36, 3))
    mesh = Mesh.from_triangles(vertices, np.arange(36, dtype=np.int32).reshape(-1, 3))
    points, normals = random.normal(0.0, 8.0, (300, 3)), random.normal(0.0, 1.0, (300, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    corners = np.broadcast_to(vertices.reshape(12, 3, 3), (300, 12, 3, 3))
    barycentrics = closest_barycentrics(corners, np.repeat(points[:, None], 12, axis=1))
    offsets = np.einsum("nkc,nkcx->nkx", barycentrics, corners) - points[:, None]
    distances = np.linalg.norm(offsets, axis=2)
    # A contrary normal makes a triangle look up to nine times as far away as it is.
    costs = (distances + 1e-3) * (1.0 + 4.0 * (1.0 - normals @ mesh.face_normals.T))
    found = TriangleSearch(mesh).closest(points, normals)
    np.testing.assert_array_equal(found.triangle_indices, costs.argmin(axis=1))
    best = np.arange(300), costs.argmin(axis=1)
    np.testing.assert_allclose(found.distances, distances[best])
    np.testing.assert_allclose(found.barycentrics, barycentrics[best], atol=1e-12)
