import numpy as np
import pytest

from facegen_core.metrics import jitter, mean_displacement, roughness, vertex_errors, weighted_mean

FAN = np.array([[0, i, i % 6 + 1] for i in range(1, 7)])


def test_vertex_error_is_the_euclidean_distance():
    a = np.zeros((2, 4, 3))
    b = a + [3.0, 4.0, 0.0]
    np.testing.assert_allclose(vertex_errors(a, b), 5.0)


def test_a_region_counts_only_its_own_vertices():
    values = np.array([[1.0, 9.0], [3.0, 9.0]])
    assert weighted_mean(values, np.array([1.0, 0.0])) == pytest.approx(2.0)


def test_a_lump_is_rough_and_a_shift_is_smooth():
    shift = np.ones((1, 7, 3))
    lump = np.zeros((1, 7, 3))
    lump[0, 0] = 1.0
    assert roughness(shift, FAN)[0] == pytest.approx(0.0)
    assert roughness(lump, FAN)[0] > 0.2


def test_steady_motion_has_no_jitter_and_shaking_has():
    times = np.arange(10.0)[:, None, None]
    steady = np.broadcast_to(times**2, (10, 5, 3))
    assert jitter(steady) == pytest.approx(0.0)
    assert jitter(steady + 0.1 * (-1.0) ** times) > 0.5
    assert jitter(steady[:3]) == 0.0


def test_mean_displacement_can_be_asked_for_one_region():
    displacements = np.zeros((1, 4, 3))
    displacements[0, 0, 0] = 2.0
    assert mean_displacement(displacements)[0] == pytest.approx(0.5)
    assert mean_displacement(displacements, np.array([1.0, 1, 0, 0]))[0] == pytest.approx(1.0)
