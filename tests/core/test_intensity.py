import numpy as np
import pytest

from facegen_core.errors import IntensityError
from facegen_core.intensity import (
    EXPRESSIONS,
    Envelope,
    check_intensities,
    frame_range,
    sample_envelopes,
)


def test_an_event_is_read_from_text():
    assert Envelope.parse("happy@1,12,30,45=0.8") == Envelope("happy", 1, 12, 30, 45, 0.8)
    assert Envelope.parse("fear@-5,0.5,0.5,9").intensity == 1.0


def test_intensity_is_zero_outside_and_peaks_at_the_apex():
    happy = Envelope("happy", 10, 20, 30, 50, 0.6)
    curve = sample_envelopes([happy], np.arange(0, 61))[:, EXPRESSIONS.index("happy")]
    assert not curve[:11].any()
    assert not curve[50:].any()
    np.testing.assert_array_equal(curve[20:31], 0.6)
    assert curve[15] == pytest.approx(0.3)
    assert curve[40] == pytest.approx(0.3)


def test_only_the_channel_of_the_expression_moves():
    intensities = sample_envelopes([Envelope("sad", 0, 1, 2, 3)], np.arange(4))
    assert intensities.shape == (4, 6)
    assert np.count_nonzero(intensities.any(axis=0)) == 1


def test_overlapping_events_never_exceed_the_stronger_one():
    events = [Envelope("angry", 0, 5, 10, 20, 0.7), Envelope("angry", 5, 10, 15, 20, 0.9)]
    assert sample_envelopes(events, np.arange(21)).max() == 0.9


def test_the_frame_range_covers_all_events_in_whole_frames():
    events = [Envelope("sad", 2.5, 4, 5, 9.2), Envelope("happy", 7, 8, 9, 12)]
    np.testing.assert_array_equal(frame_range(events), np.arange(2, 13))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("joy@1,2,3,4", "Unknown expression 'joy'"),
        ("happy@12,1,30,45", "onset start < apex start"),
        ("happy@1,12,10,45", "apex start <= apex end"),
        ("happy@1,12,30,30", "apex end < offset end"),
        ("happy@1,12,30,45=1.5", "between 0 and 1"),
        ("happy@1,12,30,45=-0.1", "between 0 and 1"),
        ("happy@1,12,30,nan", "must be a number"),
        ("happy@1,12,30", "write for example"),
        ("happy", "write for example"),
        ("happy@a,b,c,d", "write for example"),
        ("", "write for example"),
    ],
)
def test_an_event_that_makes_no_sense_is_refused_in_a_sentence(text, words):
    with pytest.raises(IntensityError, match=words):
        Envelope.parse(text)


def test_a_clip_without_events_is_refused():
    with pytest.raises(IntensityError, match="no expression yet"):
        frame_range([])


@pytest.mark.parametrize(
    ("intensities", "words"),
    [
        (np.zeros((0, 6)), "frame range is empty"),
        (np.zeros((3, 5)), r"\(T, 6\)"),
        (np.full((3, 6), 1.2), "between 0 and 1"),
        (np.full((3, 6), np.nan), "frame index 0"),
    ],
)
def test_curves_that_cannot_be_played_are_refused(intensities, words):
    with pytest.raises(IntensityError, match=words):
        check_intensities(intensities)
