"""Blinks and gaze: as often, as fast and as far as the sources say, and the same for a seed."""

import numpy as np
import pytest

from facegen_core import eye_motion as em
from facegen_core.errors import IntensityError

MINUTES = 10.0
SEEDS = range(8)


def stories(**settings):
    for seed in SEEDS:
        chosen = em.EyeSettings(seed, **settings)
        looks = em.fixations(chosen, 60.0 * MINUTES)
        yield looks, em.blink_starts(chosen, 60.0 * MINUTES, looks)


@pytest.mark.parametrize("rate", [5.0, 15.0, 30.0, 60.0])
def test_blinks_come_as_often_as_asked_for_and_never_twice_within_half_a_second(rate):
    starts = [blinks for _, blinks in stories(blinks_per_minute=rate, gaze_amount=1.0)]
    assert np.mean([len(blinks) for blinks in starts]) / MINUTES == pytest.approx(rate, rel=0.08)
    gaps = np.concatenate([np.diff(blinks) for blinks in starts])
    assert gaps.min() > em.MIN_INTERVAL_S - 1e-6
    assert np.mean(gaps) > np.median(gaps)  # skewed to long intervals, not a clock
    assert gaps.std() > 0.25 * gaps.mean()


def test_some_blinks_are_double_and_many_go_with_a_shift_of_gaze():
    both = list(stories(blinks_per_minute=15.0, gaze_amount=1.0))
    gaps = np.concatenate([np.diff(blinks) for _, blinks in both])
    assert 0.05 < (gaps < 0.8).mean() < 0.2
    linked = np.mean([np.isin(blinks, looks.starts).mean() for looks, blinks in both])
    by_chance = 0.05
    assert linked > 5 * by_chance


def test_a_blink_shuts_in_100_ms_and_opens_in_200():
    times = np.linspace(-0.1, 0.6, 7001)
    shut = em.blink_profile(times)
    assert shut.min() == 0.0
    assert shut.max() == 1.0
    is_shut = times[shut > 1.0 - 1e-9]
    assert is_shut[0] == pytest.approx(0.1, abs=0.002)
    moving = times[(shut > 0.0) & (times > is_shut[-1])]
    assert moving[-1] - is_shut[-1] == pytest.approx(0.2, abs=0.01)
    speed = np.gradient(shut, times)
    assert speed.max() > 1.5 * -speed.min()  # lids fall faster than they rise


@pytest.mark.parametrize("rate", [12.0, 24.0, 30.0, 60.0])
def test_a_frame_sees_every_blink_shut(rate):
    settings = em.EyeSettings(5, 20.0, 0.0)
    motion = em.eye_motion(np.arange(0.0, 60.0, 1.0 / rate), settings)
    starts = em.blink_starts(settings, 59.0, em.fixations(settings, 59.0))
    frames = np.flatnonzero(motion.blink[:, 0] == 1.0) / rate
    assert len(starts) > 10
    assert all(((frames > start) & (frames < start + 0.3)).any() for start in starts)


def test_fixations_last_as_long_as_people_s_and_stay_small():
    looks = [look for look, _ in stories(gaze_amount=1.0)]
    lengths = np.concatenate([np.diff(look.starts) for look in looks])
    assert lengths.min() >= em.FIXATIONS_S[0] - 1e-9
    assert lengths.max() <= em.FIXATIONS_S[1] + 1e-9
    assert 0.6 < np.median(lengths) < 1.1
    amplitudes = np.rad2deg(np.concatenate([look.amplitudes for look in looks]))
    assert 2.0 < np.median(amplitudes) < 8.0
    assert amplitudes.max() < 30.0 + 1e-6
    sizes = np.abs(np.concatenate([look.targets for look in looks]))
    assert sizes[:, 0].mean() > 1.3 * sizes[:, 1].mean()  # sideways more than up and down


@pytest.mark.parametrize(
    ("degrees", "slowest", "fastest"), [(2, 90, 180), (5, 180, 330), (10, 280, 480)]
)
def test_saccades_are_as_fast_as_the_main_sequence(degrees, slowest, fastest):
    looks = em.Fixations(np.array([0.1]), np.deg2rad([[float(degrees), 0.0]]))
    times = np.linspace(0.0, 0.3, 30001)
    yaw = np.rad2deg(em.gaze_at(times, looks)[:, 0])
    assert yaw[0] == 0.0
    assert yaw[-1] == pytest.approx(degrees)
    assert slowest < np.gradient(yaw, times).max() < fastest


def test_the_same_seed_is_the_same_motion_in_any_range_and_another_seed_another():
    times = np.arange(-5.0, 20.0, 1.0 / 30.0)
    settings = em.EyeSettings(3, 20.0, 1.0)
    whole, part = em.eye_motion(times, settings), em.eye_motion(times[200:400], settings)
    assert np.array_equal(whole.gaze[200:400], part.gaze)
    assert np.allclose(whole.blink[200:400], part.blink, atol=1e-12)
    again = em.eye_motion(times, settings)
    assert np.array_equal(whole.blink, again.blink)
    assert np.array_equal(whole.gaze, again.gaze)
    other = em.eye_motion(times, em.EyeSettings(4, 20.0, 1.0))
    assert not np.array_equal(whole.gaze, other.gaze)
    assert not np.array_equal(whole.blink, other.blink)


def test_nothing_asked_for_is_nothing():
    motion = em.eye_motion(np.arange(300) / 30.0, em.EyeSettings(1, 0.0, 0.0))
    assert not motion.is_moving.any()
    assert not motion.blink.any()
    assert not motion.gaze.any()


def test_keys_go_on_top_and_stop_where_eyes_stop():
    motion = em.EyeMotion.at_rest(3).with_keys(
        np.array([0.0, 0.5, 2.0]), np.deg2rad([[0.0, 0.0], [10.0, -5.0], [80.0, 0.0]])
    )
    assert motion.blink[:, 0].tolist() == [0.0, 0.5, 1.0]
    assert np.rad2deg(motion.gaze[1]) == pytest.approx([10.0, -5.0])
    assert motion.gaze[2, 0] == em.MAX_GAZE
    assert motion.is_moving.tolist() == [False, True, True]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: em.EyeSettings(-1),
        lambda: em.EyeSettings(0, 99.0),
        lambda: em.EyeSettings(0, 15.0, float("nan")),
        lambda: em.EyeMotion(np.full((2, 2), 1.5), np.zeros((2, 2))),
        lambda: em.EyeMotion(np.zeros((2, 2)), np.full((2, 2), 2.0)),
        lambda: em.EyeMotion(np.zeros((2, 2)), np.zeros((3, 2))),
        lambda: em.EyeMotion(np.zeros((1, 2)), np.full((1, 2), np.nan)),
        lambda: em.eye_motion(np.array([np.inf]), em.EyeSettings()),
    ],
)
def test_what_is_out_of_range_is_refused_in_one_sentence(wrong):
    with pytest.raises(IntensityError, match=r"\.$"):
        wrong()
