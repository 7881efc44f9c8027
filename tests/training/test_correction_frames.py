"""Few solved frames, and all those between."""

import numpy as np

from training.ict4d.correction_frames import between_frames, choose_frames


def test_a_node_is_itself_and_nothing_happens_outside():
    nodes = np.array([3, 7, 12, 20, 31])
    weights = between_frames(nodes, 40)
    np.testing.assert_allclose(weights[nodes], np.eye(5), atol=1e-12)
    assert not weights[:3].any()
    assert not weights[32:].any()


def test_what_is_constant_or_rises_evenly_is_followed_exactly_between_inner_nodes():
    nodes = np.array([0, 4, 5, 11, 18, 24])
    weights = between_frames(nodes, 25)
    inside = slice(4, 19)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose((weights @ nodes)[inside], np.arange(25)[inside], atol=1e-12)


def test_a_frame_needs_four_nodes_at_most():
    weights = between_frames(np.arange(0, 61, 5), 61)
    assert (np.count_nonzero(np.abs(weights) > 1e-12, axis=1) <= 4).all()


def test_frames_are_chosen_where_the_motion_needs_them():
    t = np.arange(80)
    motion = np.exp(-(((t - 20) / 4.0) ** 2))[:, None]  # all that happens, happens around 20
    chosen = choose_frames(motion, np.array([5, 75]), 8)
    assert len(chosen) == 10
    assert np.sum(np.abs(chosen - 20) < 12) >= 6
    misses = motion - between_frames(chosen, 80) @ motion[chosen]
    assert np.abs(misses).max() < 0.05


def test_what_is_followed_exactly_needs_no_more_frames():
    assert len(choose_frames(np.zeros((50, 2)), np.array([4, 44]), 8)) <= 3


def test_frames_outside_the_fixed_ones_are_never_chosen():
    motion = np.random.default_rng(0).normal(size=(60, 3))
    chosen = choose_frames(motion, np.array([10, 40]), 12)
    assert chosen.min() == 10
    assert chosen.max() == 40
