"""Solving a clip into shapes: known weights come back, bounds hold, the error is the true one."""

import numpy as np
import pytest

from facegen_core.errors import TopologyMismatchError
from facegen_core.solving import SolveSettings, accuracy, solve_weights

NUM_VERTICES, NUM_SHAPES, NUM_FRAMES = 400, 12, 40


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def shapes(rng):
    """Shapes that overlap, as those of a face do."""
    few = rng.normal(size=(8, NUM_VERTICES * 3))
    mixed = rng.normal(size=(NUM_SHAPES, 8)) @ few + 0.5 * rng.normal(size=(NUM_SHAPES, 1200))
    return mixed.reshape(NUM_SHAPES, NUM_VERTICES, 3).astype(np.float32)


@pytest.fixture
def weights(rng):
    times = np.linspace(0.0, 1.0, NUM_FRAMES)
    waves = np.sin(np.outer(times, rng.uniform(2, 12, NUM_SHAPES)) + rng.uniform(0, 6, NUM_SHAPES))
    known = np.clip(waves, 0.0, 1.0)
    known[[0, -1]] = 0.0
    return known


def played(weights, shapes):
    return np.tensordot(weights, shapes, axes=1).astype(np.float32)


def test_known_weights_come_back(shapes, weights):
    found = solve_weights(played(weights, shapes), shapes)
    np.testing.assert_allclose(found, weights, atol=1e-4)
    assert accuracy(played(weights, shapes), shapes, found).max_mm < 1e-3


def test_a_frame_at_rest_has_no_weights_at_all(shapes, weights):
    found = solve_weights(played(weights, shapes), shapes, settings=SolveSettings(0.5, 0.0))
    assert not found[[0, -1]].any()
    assert not solve_weights(np.zeros((4, NUM_VERTICES, 3)), shapes).any()


def test_weights_keep_to_their_bounds_and_are_best_within_them(shapes, weights, rng):
    bounds = np.sort(rng.uniform(0.0, 1.0, (NUM_SHAPES, 2)), axis=1)
    bounds[:, 0] *= 0.3
    clip = 1.7 * played(weights, shapes)
    found = solve_weights(clip, shapes, bounds)
    assert (found >= bounds[:, 0]).all()
    assert (found <= bounds[:, 1]).all()
    # Karush-Kuhn-Tucker: where a weight is free the slope is 0, at a bound it points out of it.
    flat = shapes.reshape(NUM_SHAPES, -1).astype(np.float64)
    moving = clip.any(axis=(1, 2))
    residual = clip.reshape(NUM_FRAMES, -1) - found @ flat
    slope = (residual @ flat.T / np.diag(flat @ flat.T))[moving]
    at_low = (found <= bounds[:, 0] + 1e-7)[moving]
    at_high = (found >= bounds[:, 1] - 1e-7)[moving]
    assert np.abs(slope[~at_low & ~at_high]).max() < 1e-4
    assert (slope[at_low & ~at_high] < 1e-4).all()
    assert (slope[at_high & ~at_low] > -1e-4).all()
    assert at_high.any()
    assert at_low.any()


def test_importance_decides_what_is_given_up(shapes, rng):
    clip = rng.normal(size=(3, NUM_VERTICES, 3)).astype(np.float32)
    near, far = np.full(NUM_VERTICES, 0.01), np.full(NUM_VERTICES, 1.0)
    near[:50], far[:50] = 1.0, 0.01

    def missed(importance):
        found = solve_weights(clip, shapes, importance=importance)
        return np.linalg.norm(clip[:, :50] - played(found, shapes)[:, :50])

    assert missed(near) < missed(far)


def test_sparsity_plays_one_shape_where_it_does_the_work_of_two(shapes):
    both = np.concatenate([shapes, shapes[:1] + shapes[1:2]])
    clip = played(0.8 * np.eye(NUM_SHAPES + 1)[[NUM_SHAPES] * 3], both)
    few = solve_weights(clip, both, settings=SolveSettings(0.0, 0.01))
    many = solve_weights(clip, both)
    assert (few[0] > 1e-3).sum() < (many[0] > 1e-3).sum()
    assert (few[0] > 1e-3).sum() == 1
    assert accuracy(clip, both, few).mean_mm < 0.03 * np.linalg.norm(clip, axis=2).mean()


def test_smoothness_takes_the_jitter_of_noise_out_of_weights(shapes, weights, rng):
    noisy = played(weights, shapes) + rng.normal(size=(NUM_FRAMES, NUM_VERTICES, 3)) * 4.0

    def jitter(smoothness):
        found = solve_weights(noisy, shapes, settings=SolveSettings(smoothness, 0.0))
        return np.abs(np.diff(found[1:-1], 2, axis=0)).mean()

    assert jitter(0.5) < 0.7 * jitter(0.0)
    smooth = solve_weights(played(weights, shapes), shapes, settings=SolveSettings(0.5, 0.0))
    assert np.abs(smooth - weights)[4:-4].mean() < 0.02


def test_the_error_is_the_true_one(shapes, weights, rng):
    clip = played(weights, shapes) + rng.normal(size=(NUM_FRAMES, NUM_VERTICES, 3))
    clip[[0, -1]] = 0.0
    clip[7, 33] += 30.0
    found = solve_weights(clip, shapes)
    distances = 2.5 * np.linalg.norm(clip - np.tensordot(found, shapes, axes=1), axis=2)
    areas = {"lips": np.zeros(NUM_VERTICES), "neck": np.ones(NUM_VERTICES)}
    areas["lips"][33], areas["neck"][33] = 1.0, 0.0
    told = accuracy(clip, shapes, found, 2.5, areas)
    assert told.mean_mm == pytest.approx(distances[1:-1].mean(), rel=1e-4)
    assert told.p95_mm == pytest.approx(np.percentile(distances[1:-1], 95), rel=1e-4)
    assert told.max_mm == pytest.approx(distances.max(), rel=1e-4)
    assert (told.worst_row, told.missed) == (7, "lips")


def test_a_shape_that_moves_nothing_stays_at_rest(shapes, weights):
    shapes[3] = 0.0
    found = solve_weights(played(weights, shapes), shapes)
    assert not found[:, 3].any()


def test_the_same_clip_has_the_same_weights(shapes, weights):
    clip = played(weights, shapes) * 1.3
    np.testing.assert_array_equal(solve_weights(clip, shapes), solve_weights(clip, shapes))


def test_other_meshes_and_numbers_that_are_none_are_refused(shapes, weights):
    clip = played(weights, shapes)
    with pytest.raises(TopologyMismatchError, match="different meshes"):
        solve_weights(clip[:, :-1], shapes)
    shapes[2, 5] = np.nan
    with pytest.raises(TopologyMismatchError, match="Shape 2"):
        solve_weights(clip, shapes)


def test_weights_do_not_depend_on_the_order_in_which_vertices_are_summed(shapes, weights, rng):
    """Other numbers of threads sum in other orders; the weights are the same to the last bit."""
    clip, importance = played(weights, shapes), rng.uniform(0.0, 2.0, NUM_VERTICES)
    found = solve_weights(clip, shapes, importance=importance)
    for _ in range(3):
        order = rng.permutation(NUM_VERTICES)
        other = solve_weights(clip[:, order], shapes[:, order], importance=importance[order])
        np.testing.assert_array_equal(other, found)
