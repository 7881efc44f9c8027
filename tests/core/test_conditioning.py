import numpy as np
import pytest

from facegen_core.conditioning import (
    conditioning_signal,
    extremeness,
    label_signal,
    model_times,
    phase_curve,
    proportional_amplitude,
    relative_lip_gap,
    signal_features,
    stage_times,
    stretches,
    time_code,
)
from facegen_core.intensity import Envelope, sample_envelopes


@pytest.mark.parametrize(
    ("magnitude", "s"), [(1.0, 0.0), (1.5, 0.25), (2.0, 0.5), (3.0, 1.0), (9.0, 1.0), (0.1, 0.0)]
)
def test_extremeness_is_equation_6_of_the_paper(magnitude, s):
    assert extremeness(magnitude, mean=2.0, deviation=1.0) == pytest.approx(s)


def test_without_any_spread_every_sequence_is_average():
    assert extremeness(3.0, 3.0, 0.0) == 0.5
    assert proportional_amplitude(3.0, 3.0, 0.0) == 1.0


def test_proportional_amplitude_is_one_where_extremeness_is_one():
    assert proportional_amplitude(3.0, 2.0, 1.0) == pytest.approx(1.0)
    assert proportional_amplitude(5.0, 2.0, 1.0) == pytest.approx(1.0)


def test_proportional_amplitude_doubles_with_the_motion():
    weak, strong = (proportional_amplitude(m, 2.0, 1.0) for m in (1.2, 2.4))
    assert strong == pytest.approx(2 * weak)


def test_phase_curve_rises_holds_and_falls_linearly():
    curve = phase_curve(np.array([2.0, 4.0, 6.0, 10.0]), np.arange(12.0))
    expected = [0, 0, 0, 0.5, 1, 1, 1, 0.75, 0.5, 0.25, 0, 0]
    np.testing.assert_allclose(curve, expected)


def test_label_signal_uses_one_channel_scaled_by_its_amplitude():
    signal = label_signal(3, 0.6, np.array([1.0, 2.0, 3.0, 4.0]), 6)
    assert signal.shape == (6, 6)
    np.testing.assert_allclose(signal[:, 3], [0, 0, 0.6, 0.6, 0, 0], atol=1e-7)
    assert not np.delete(signal, 3, axis=1).any()


def test_the_models_clock_covers_the_clip_and_starts_with_it():
    times = model_times(np.arange(10) / 24, 30.0)
    assert times[0] == 0
    assert times[-1] >= 9 / 24
    assert times[-1] - 9 / 24 < 1 / 30
    assert len(model_times(np.arange(31) / 30, 30.0)) == 31
    assert len(model_times(np.zeros(1), 30.0)) == 1


def test_at_the_models_rate_the_signal_is_the_curves_themselves():
    curves = np.random.default_rng(0).uniform(0, 1, (40, 6))
    np.testing.assert_allclose(
        conditioning_signal(curves, np.arange(40) / 30, 30.0), curves, atol=1e-6
    )


@pytest.mark.parametrize("rate", [24, 25, 48, 60])
def test_the_same_envelope_gives_the_same_signal_at_any_frame_rate(rate):
    def signal(fps):
        envelope = Envelope("happy", *(np.array([0.1, 0.5, 1.2, 1.8]) * fps), intensity=0.8)
        frames = np.arange(int(2 * fps) + 1.0)
        return conditioning_signal(sample_envelopes([envelope], frames), frames / fps, 30.0)

    # A corner of the envelope between two frames is cut by at most slope · frame / 4.
    assert np.abs(signal(rate) - signal(30)).max() < 2.0 / 24 / 2


def test_a_lip_gap_is_told_in_millimetres_beyond_the_templates():
    template, face = np.zeros((68, 3)), np.zeros((68, 3))
    template[[61, 62, 63], 1] = 1.0
    face[[61, 62, 63], 1] = 1.4
    assert relative_lip_gap(template, template) == 0.0
    assert relative_lip_gap(face, template) == pytest.approx(0.4)
    assert relative_lip_gap(face + 50.0, template) == pytest.approx(0.4)
    face[[61, 62, 63], 1] = 20.0
    assert relative_lip_gap(face, template) == 3.0


def test_a_time_code_tells_how_far_rest_is():
    signal = np.zeros((61, 2))
    signal[30:51, 1] = 0.4
    code = time_code(signal, 30.0)
    assert np.allclose(code[:30], 0)
    assert np.allclose(code[29 + 15], [0.5 / 1.5, (51 - 44) / 30 / (1 + (51 - 44) / 30)])
    assert np.all(np.diff(code[29:51, 0]) > 0)


def test_stretches_are_counted_where_motion_begins():
    signal = np.array([0, 1, 1, 0, 0, 1, 0, 1])[:, None]
    assert stretches(signal).tolist() == [0, 0, 0, 0, 0, 1, 1, 2]
    assert stretches(np.zeros((4, 6))).tolist() == [0] * 4


def test_stages_sample_from_the_first_step_on_and_cover_the_last():
    for num_steps in (10, 31, 600):
        for rate in (0.5, 0.7, 1.0):
            times = stage_times(num_steps, rate)
            assert times[0] == 0
            assert num_steps - 1 <= times[-1] < num_steps - 1 + 1 / rate
            assert np.allclose(times[:5], stage_times(num_steps + 40, rate)[:5])


def test_features_are_nothing_where_nothing_is_near():
    signal = np.zeros((200, 6))
    signal[90:110, 2] = 1.0
    features = signal_features(signal, 30.0)
    assert features.shape == (200, 32)
    assert not features[:50].any()
    assert np.array_equal(features[:, :6], signal.astype(np.float32))
