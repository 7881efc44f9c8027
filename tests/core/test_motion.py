import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from facegen_core.motion import fit_pose, pose_points

PIVOT = np.array([0.0, 20.0, -60.0])
POINTS = np.random.default_rng(3).normal(0, 20, (40, 3))


def test_a_pose_of_zero_moves_nothing():
    np.testing.assert_allclose(pose_points(POINTS, PIVOT, np.zeros((1, 6)))[0], POINTS, atol=1e-12)


def test_the_pose_found_is_the_pose_applied():
    pose = np.array([0.2, -0.05, 0.02, 1.0, -2.0, 0.5])
    moved = pose_points(POINTS, PIVOT, pose[None])[0]
    np.testing.assert_allclose(fit_pose(POINTS, moved, PIVOT), pose, atol=1e-9)


def test_posed_points_keep_their_distances():
    pose = np.array([[0.3, 0.1, 0.0, 0.0, -3.0, 1.0]])
    moved = pose_points(POINTS, PIVOT, pose)[0]
    before = np.linalg.norm(POINTS[:, None] - POINTS, axis=-1)
    after = np.linalg.norm(moved[:, None] - moved, axis=-1)
    np.testing.assert_allclose(after, before, atol=1e-9)


def test_the_best_pose_of_noisy_points_is_close():
    pose = np.array([0.2, 0.0, 0.0, 0.0, -1.0, 0.0])
    moved = pose_points(POINTS, PIVOT, pose[None])[0]
    noisy = moved + np.random.default_rng(0).normal(0, 0.1, moved.shape)
    found = Rotation.from_rotvec(fit_pose(POINTS, noisy, PIVOT)[:3]).magnitude()
    assert found == pytest.approx(0.2, abs=0.01)
