from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch")

from training.oracle import _likeness, _solved_frames

MARKS = np.array([5.0, 14.0, 30.0, 45.0])


def test_what_is_solved_at_some_frames_is_followed_between_them():
    sequence = SimpleNamespace(marks=MARKS, num_frames=52)
    frames = np.arange(52)
    solved, follow = _solved_frames(sequence, frames)
    assert len(solved) < 12
    ramp = np.interp(frames, MARKS, [0, 1, 1, 0])
    smooth = ramp**3 * (10 - 15 * ramp + 6 * ramp**2)
    np.testing.assert_allclose(follow @ smooth[solved], smooth, atol=0.03)
    assert not follow[:6].any()
    assert not follow[45:].any()


def test_only_asked_frames_are_followed():
    sequence = SimpleNamespace(marks=MARKS, num_frames=52)
    whole = _solved_frames(sequence, np.arange(52))[1]
    some = _solved_frames(sequence, np.array([7, 20]))[1]
    np.testing.assert_array_equal(some, whole[[7, 20]])


def test_draws_whose_label_comes_out_as_asked_count_most():
    weights = _likeness(np.linspace(0, 1, 101), 0.5)
    assert weights.sum() == pytest.approx(1.0)
    assert weights.argmax() == 50
    assert weights[:30].sum() < 1e-3


def test_where_no_label_is_near_the_nearest_count():
    weights = _likeness(np.linspace(0, 0.5, 51), 1.0)
    assert np.isfinite(weights).all()
    assert weights.argmax() == 50
