import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from facegen_core.errors import InvalidMeshError, LandmarkError
from facegen_core.registration.alignment import Similarity
from facegen_core.registration.rigid import fit_similarity, similarity_columns, similarity_step


def some_similarity():
    return Similarity(2.5, Rotation.from_rotvec([0.3, -1.2, 0.8]).as_matrix(), np.array([4, -7, 1]))


def test_the_similarity_found_is_the_similarity_applied():
    points = np.random.default_rng(0).normal(size=(13, 3))
    applied = some_similarity()
    found = fit_similarity(points, applied.apply(points))
    assert found.scale == pytest.approx(applied.scale, abs=1e-12)
    np.testing.assert_allclose(found.rotation, applied.rotation, atol=1e-12)
    np.testing.assert_allclose(found.translation, applied.translation, atol=1e-12)


def test_points_without_weight_have_no_say():
    points = np.random.default_rng(1).normal(size=(8, 3))
    goals = some_similarity().apply(points)
    goals[3] += 50.0
    found = fit_similarity(points, goals, np.arange(8) != 3)
    np.testing.assert_allclose(found.apply(points[0]), goals[0], atol=1e-10)


def test_a_mirrored_head_is_not_reflected_back():
    points = np.random.default_rng(2).normal(size=(20, 3))
    found = fit_similarity(points, points * [-1.0, 1.0, 1.0])
    assert np.linalg.det(found.rotation) == pytest.approx(1.0)
    assert found.scale > 0


def test_points_in_one_place_are_refused():
    with pytest.raises(LandmarkError, match="one point"):
        fit_similarity(np.ones((13, 3)), np.ones((13, 3)))


def test_a_similarity_without_size_is_refused():
    with pytest.raises(InvalidMeshError, match="no size"):
        Similarity(0.0, np.eye(3), np.zeros(3))


def test_a_similarity_undoes_itself_and_follows_another():
    first = some_similarity()
    second = Similarity(0.3, Rotation.from_rotvec([1, 0, 0]).as_matrix(), np.ones(3))
    points = np.random.default_rng(3).normal(size=(5, 3))
    np.testing.assert_allclose(first.apply_inverse(first.apply(points)), points, atol=1e-12)
    np.testing.assert_allclose(first.inverse().apply(first.apply(points)), points, atol=1e-12)
    chained = second.after(first).apply(points)
    np.testing.assert_allclose(chained, second.apply(first.apply(points)), atol=1e-12)
    moved = first.apply(points + 0.5) - first.apply(points)
    np.testing.assert_allclose(first.apply_vectors(np.full((5, 3), 0.5)), moved, atol=1e-12)
    np.testing.assert_allclose(first.inverse_vectors(moved), np.full((5, 3), 0.5), atol=1e-12)


def test_the_derivative_of_a_similarity_agrees_with_a_small_step():
    points = np.random.default_rng(4).normal(size=(6, 3))
    step = 1e-6 * np.random.default_rng(5).normal(size=7)
    growth, turns, shifts = similarity_step(step[None])
    moved = growth[0] * points @ turns[0].T + shifts[0]
    np.testing.assert_allclose(similarity_columns(points) @ step, moved - points, atol=1e-10)
