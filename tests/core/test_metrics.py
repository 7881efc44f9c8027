import numpy as np
import pytest

from facegen_core.metrics import (
    jitter,
    mean_displacement,
    roughness,
    speeds,
    umbrella_laplacian,
    vertex_errors,
    weighted_mean,
)

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
    lump[0, 0, 1] = 1.0
    laplacian = umbrella_laplacian(FAN, 7)
    assert roughness(shift, laplacian)[0] == pytest.approx(0.0, abs=1e-6)
    # The lump itself differs from its six neighbours by 1, each of them by 1/3 from its three.
    assert roughness(lump, laplacian)[0] == pytest.approx((1 + 6 / 3) / 7)


def test_roughness_can_be_asked_for_one_region():
    lump = np.zeros((2, 7, 3))
    lump[:, 0] = [0.0, 3.0, 4.0]
    only_lump = np.eye(7)[0]
    values = roughness(lump, umbrella_laplacian(FAN, 7), only_lump)
    np.testing.assert_allclose(values, [5.0, 5.0])


def test_a_vertex_without_neighbours_is_not_rough():
    displacements = np.zeros((1, 8, 3))
    displacements[0, 7] = 9.0
    assert roughness(displacements, umbrella_laplacian(FAN, 8))[0] == 0.0


def test_steady_motion_has_no_jitter_and_shaking_has():
    times = np.arange(10.0)[:, None, None]
    steady = np.broadcast_to(times**2, (10, 5, 3))
    assert jitter(steady) == pytest.approx(0.0)
    assert jitter(steady + 0.1 * (-1.0) ** times) > 0.5
    assert jitter(steady[:3]) == 0.0
    still = np.array([1.0, 0, 0, 0, 0])
    shaken = steady + 0.1 * (-1.0) ** times * (1 - still)[:, None]
    assert jitter(shaken, still) == pytest.approx(0.0)


def test_speed_is_the_way_from_frame_to_frame():
    displacements = np.zeros((3, 2, 3))
    displacements[1, :, 0], displacements[2, :, 0] = 2.0, 3.0
    np.testing.assert_allclose(speeds(displacements), [2.0, 1.0])


def test_mean_displacement_can_be_asked_for_one_region():
    displacements = np.zeros((1, 4, 3))
    displacements[0, 0, 0] = 2.0
    assert mean_displacement(displacements)[0] == pytest.approx(0.5)
    assert mean_displacement(displacements, np.array([1.0, 1, 0, 0]))[0] == pytest.approx(1.0)
