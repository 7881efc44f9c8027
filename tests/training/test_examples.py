import dataclasses

import numpy as np
import pytest

from training.expression_model.examples import (
    LONGEST_EXAMPLE,
    Example,
    ExampleSource,
    blend,
    pad,
    retime,
)
from training.expression_model.recordings import MagnitudeStatistics, RecordedComponent, Recording
from training.expression_model.train_config import AugmentationConfig

MARKS = np.array([5.0, 12.0, 20.0, 30.0])


def recording(subject="S001", expression=0, magnitude=2.0) -> Recording:
    ramp = np.interp(np.arange(36.0), MARKS, [0, 1, 1, 0], left=0, right=0).astype(np.float32)
    coefficients = ramp[:, None] * np.array([2.0, -1.0], np.float32)
    jaw = ramp[:, None] * np.ones(6, np.float32)
    parts = (RecordedComponent(expression, MARKS, magnitude),)
    return Recording(f"{subject}_1", subject, parts, coefficients, jaw)


def compound(subject="S001") -> Recording:
    """Channel 0, then channel 3 while it fades."""
    first = recording(subject, 0)
    parts = (first.components[0], RecordedComponent(3, MARKS + 15.0, 1.0))
    coefficients = np.concatenate([first.coefficients, first.coefficients[:20]])
    jaw = np.concatenate([first.jaw, first.jaw[:20]])
    return Recording(f"{subject}_2", subject, parts, coefficients, jaw)


def example(channel: int, value: float, num_frames: int = 10) -> Example:
    signal = np.zeros((num_frames, 6), np.float32)
    signal[:, channel] = value
    ones = np.ones((num_frames, 2), np.float32)
    jaw = value * np.ones((num_frames, 6), np.float32)
    return Example(signal, value * ones, jaw)


def source(**shares) -> ExampleSource:
    recordings = [recording("S001", 0), recording("S001", 2), recording("S002", 1)]
    statistics = MagnitudeStatistics((2.0,) * 6, (0.5,) * 6)
    changes = AugmentationConfig(**{"retimed": 0.0, "weakened": 0.0, "blended": 0.0} | shares)
    return ExampleSource(recordings, statistics, "proportional", changes)


def test_an_unchanged_example_has_the_label_of_its_magnitude():
    drawn = source().as_recorded(0)
    assert drawn.signal.max() == pytest.approx(2.0 / 2.5)
    assert np.array_equal(drawn.coefficients, recording().coefficients)


def test_a_weakened_example_keeps_motion_in_proportion_to_its_label():
    rng = np.random.default_rng(0)
    for _ in range(10):
        drawn = source(weakened=1.0).draw(rng, 0)
        peak = drawn.signal.max()
        assert drawn.coefficients[:, 0].max() == pytest.approx(2.0 * peak / 0.8, rel=1e-4)


def test_retiming_keeps_the_peak_and_the_rest():
    rng = np.random.default_rng(1)
    for _ in range(20):
        changed = retime(recording(), rng)
        marks = changed.components[0].marks
        assert len(changed.coefficients) == len(changed.jaw) > marks[-1]
        assert np.all(np.diff(marks) > 0)
        peak = changed.coefficients[int(marks[1]) + 1, 0]
        assert peak == pytest.approx(2.0, rel=1e-3)
        assert not changed.coefficients[: int(marks[0])].any()
        assert not changed.coefficients[int(np.ceil(marks[-1])) :].any()


def test_two_expressions_are_stretched_together():
    rng = np.random.default_rng(3)
    for _ in range(10):
        changed, original = retime(compound(), rng), compound()
        stretch = changed.components[0].marks[0] / MARKS[0]
        for new, old in zip(changed.components, original.components, strict=True):
            np.testing.assert_allclose(new.marks, old.marks * stretch)
        frame = int(changed.components[0].marks[1]) + 1
        assert changed.coefficients[frame, 0] == pytest.approx(2.0, rel=1e-3)


def test_the_label_of_two_expressions_has_two_channels():
    drawn = ExampleSource(
        [compound()],
        MagnitudeStatistics((2.0,) * 6, (0.5,) * 6),
        "proportional",
        AugmentationConfig(retimed=0.0, weakened=0.0, blended=0.0),
    ).as_recorded(0)
    assert np.flatnonzero(drawn.signal.any(axis=0)).tolist() == [0, 3]
    assert drawn.signal[:, 0].max() == pytest.approx(2.0 / 2.5)
    assert drawn.signal[:, 3].max() == pytest.approx(1.5 / 2.5)  # one deviation below, at the most


def test_retiming_moves_label_and_motion_together():
    rng = np.random.default_rng(2)
    changed = retime(recording(), rng)
    frames = np.arange(len(changed.coefficients))
    ramp = np.interp(frames, changed.components[0].marks, [0, 1, 1, 0], left=0, right=0)
    inner = (ramp > 0.15) & (ramp < 0.85)
    np.testing.assert_allclose(changed.coefficients[inner, 0], 2 * ramp[inner], atol=0.25)


def test_a_blend_within_one_adds_up():
    mixed = blend(example(0, 0.4), example(1, 0.5), 0)
    np.testing.assert_allclose(mixed.signal[0, :2], [0.4, 0.5])
    np.testing.assert_allclose(mixed.coefficients, 0.9, atol=1e-6)


def test_a_blend_beyond_one_is_the_weighted_mean():
    mixed = blend(example(0, 1.0), example(1, 1.0), 0)
    np.testing.assert_allclose(mixed.signal[0, :2], 1.0)
    np.testing.assert_allclose(mixed.coefficients, 1.0)


def test_a_later_second_expression_makes_the_clip_longer():
    mixed = blend(example(0, 1.0), example(1, 1.0), 7)
    assert len(mixed.signal) == 17
    assert not mixed.signal[:7, 1].any()
    assert mixed.signal[12, 1] == 1.0


def test_padding_is_masked_and_what_is_too_long_is_cut():
    batch = pad([example(0, 1.0, 4), example(1, 1.0, LONGEST_EXAMPLE + 5)])
    assert batch.signal.shape == (2, LONGEST_EXAMPLE, 6)
    assert batch.mask.sum(axis=1).tolist() == [4.0, LONGEST_EXAMPLE]
    assert not batch.coefficients[0, 4:].any()


def test_blends_are_of_one_person():
    rng = np.random.default_rng(0)
    drawn = [source(blended=1.0).draw(rng, i % 3) for i in range(30)]
    channels = {tuple(np.flatnonzero(d.signal.any(axis=0))) for d in drawn}
    assert channels <= {(0,), (2,), (0, 2), (1,)}


def test_the_same_generator_draws_the_same_batch():
    batches = [
        source(retimed=0.5, blended=0.5).draw_batch(5, np.random.default_rng(4)) for _ in range(2)
    ]
    for field in dataclasses.fields(batches[0]):
        first, second = (getattr(batch, field.name) for batch in batches)
        assert np.array_equal(first, second)
