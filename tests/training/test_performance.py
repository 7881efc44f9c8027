"""How expressions are played: activations of shapes over time."""

import numpy as np
import pytest

from facegen_core.intensity import EXPRESSIONS
from tests.training.toy_facekit import REAL_SHAPE_NAMES
from training.ict4d.expression_prototypes import PROTOTYPES, sides
from training.ict4d.performance import (
    EXTREMENESS_MEAN,
    HOLD_VARIATION,
    LENGTH_RANGE,
    MAX_ACTIVATION,
    MAX_COMPOUND_LENGTH,
    OVERSHOOT,
    STARTLES,
    Lips,
    blend,
    draw_compound_timing,
    draw_style,
    draw_timing,
    minimum_jerk,
    perform,
)

WIDE_OPEN = Lips(gap=1.0, changes=np.where(np.array(REAL_SHAPE_NAMES) == "mouthShrugLower", -8, 0))


def _perform(expression, seed, **arguments):
    rng = np.random.default_rng(seed)
    style = draw_style(REAL_SHAPE_NAMES, rng)
    return perform(expression, style, WIDE_OPEN, REAL_SHAPE_NAMES, rng, **arguments)


def test_prototypes_use_shapes_the_model_has_and_shares_sum_to_one():
    assert tuple(PROTOTYPES) == EXPRESSIONS
    for prototypes in PROTOTYPES.values():
        assert len(prototypes) >= 2
        assert sum(p.share for p in prototypes) == pytest.approx(1)
        for shape in (s for p in prototypes for s in p.activations):
            assert set(sides(shape, REAL_SHAPE_NAMES)) <= set(REAL_SHAPE_NAMES)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_take_rests_exactly_outside_its_marks_and_moves_inside(expression):
    most = (1 + HOLD_VARIATION) * (1 + OVERSHOOT[1]) * MAX_ACTIVATION
    for seed in range(10):
        take = _perform(expression, seed)
        onset, apex, apex_end, offset = take.marks.astype(int)
        assert LENGTH_RANGE[0] <= len(take.activations) <= LENGTH_RANGE[1]
        assert 0 < onset < apex <= apex_end < offset < len(take.activations)
        assert not take.activations[: onset + 1].any()
        assert not take.activations[offset:].any()
        played = take.activations[apex : apex_end + 1].any(axis=0)
        assert (take.activations[apex : apex_end + 1, played] > 0).all()
        assert take.activations.max() <= most


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_no_take_jerks(expression):
    """From frame to frame no shape is faster than a minimum-jerk rise in three frames."""
    for seed in range(10):
        take = _perform(expression, seed)
        assert np.abs(np.diff(take.activations, axis=0)).max() < 1.875 / 3 * MAX_ACTIVATION
        steps = np.abs(np.diff(take.activations, axis=0))
        _, apex, apex_end, _ = take.marks.astype(int)
        hold = steps[apex + 9 : apex_end]
        assert hold.size == 0 or hold.max() < 0.03


def test_faces_relax_more_slowly_than_they_move():
    takes = [_perform(e, seed) for e in EXPRESSIONS for seed in range(20)]
    rises = [t.marks[1] - t.marks[0] for t in takes]
    falls = [t.marks[3] - t.marks[2] for t in takes]
    assert np.mean(falls) > 1.4 * np.mean(rises)


def test_startles_overshoot_and_settle_others_do_not():
    for expression in ("happy", *STARTLES):
        takes = [_perform(expression, seed) for seed in range(30)]
        ratios = []
        for take in takes:
            _, apex, apex_end, _ = take.marks.astype(int)
            shape = int(take.activations[apex].argmax())
            curve = take.activations[:, shape]
            if apex_end - apex > 14:
                ratios.append(curve[apex - 2 : apex + 3].max() / curve[apex + 9 : apex_end].mean())
        if expression in STARTLES:
            assert np.mean(ratios) > 1.01
        else:
            assert np.mean(ratios) < 1.02


def test_timing_and_extremeness_can_be_given():
    timing = draw_timing("happy", np.random.default_rng(1))
    takes = [_perform("happy", seed, timing=timing, extremeness=0.5) for seed in range(5)]
    for take in takes:
        np.testing.assert_array_equal(take.marks, timing[0])
        assert len(take.activations) == timing[1]
        assert take.extremeness == 0.5
    assert not np.allclose(takes[0].activations, takes[1].activations)


def test_the_same_generator_state_plays_the_same_take():
    np.testing.assert_array_equal(_perform("fear", 5).activations, _perform("fear", 5).activations)


def test_lips_of_a_closed_mouth_meet_whatever_the_face():
    names = np.array(REAL_SHAPE_NAMES)
    for gap, touching in ((0.5, 0.0), (1.5, -0.4), (3.0, 0.6)):
        changes = np.where(names == "mouthShrugLower", -8.0, 0.0)
        lips = Lips(gap, changes, dict.fromkeys(("corners down", "about to cry"), touching))
        rng = np.random.default_rng(0)
        style = draw_style(REAL_SHAPE_NAMES, rng)
        takes = [perform("sad", style, lips, REAL_SHAPE_NAMES, rng) for _ in range(40)]
        strong = [t for t in takes if t.extremeness > EXTREMENESS_MEAN]
        assert strong
        for take in strong:
            middle = int(take.marks[1:3].mean())
            height = gap + lips.changes @ take.activations[middle]
            wanted = min(touching, gap)
            assert abs(height - wanted) < 0.05 + 0.05 * abs(gap - wanted)


def test_minimum_jerk_starts_and_ends_at_rest():
    t = np.linspace(-0.5, 1.5, 2001)
    curve = minimum_jerk(t)
    assert (curve[t <= 0] == 0).all()
    np.testing.assert_allclose(curve[t >= 1], 1)
    assert (np.diff(curve) >= -1e-15).all()
    assert np.abs(np.diff(curve, 2)).max() < 1e-5


def test_compound_timings_are_transitions_and_blends():
    rng = np.random.default_rng(0)
    kinds = set()
    for _ in range(200):
        (first, second), kind = draw_compound_timing("sad", "surprise", rng)
        kinds.add(kind)
        (marks, length), (others, other_length) = first, second
        assert length == other_length <= MAX_COMPOUND_LENGTH
        assert max(marks[3], others[3]) < length
        assert marks[0] <= others[0] < marks[3]  # the second begins while the first is on
        both_at_apex = min(marks[2], others[2]) - max(marks[1], others[1])
        assert (others[1] > marks[2]) if kind == "transition" else (both_at_apex > 0)
    assert kinds == {"transition", "blend"}


def test_a_blend_is_the_sum_and_never_more_than_a_mean_of_full_expressions():
    timing = draw_timing("sad", np.random.default_rng(2))
    takes = [_perform(e, 3, timing=timing, extremeness=1.12) for e in ("sad", "happy")]
    mixed = blend(takes)
    apex = int(timing[0][1:3].mean())
    mean = np.mean([t.activations[apex] for t in takes], axis=0)
    np.testing.assert_allclose(mixed[apex], mean, rtol=1e-3, atol=1e-6)
    weak = [_perform(e, 3, timing=timing, extremeness=0.4) for e in ("sad", "happy")]
    total = weak[0].activations + weak[1].activations
    np.testing.assert_allclose(blend(weak), total, rtol=1e-6)


def test_one_expression_played_alone_is_its_own_blend():
    take = _perform("angry", 4)
    np.testing.assert_array_equal(blend([take]), take.activations)
