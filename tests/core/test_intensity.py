import numpy as np
import pytest

from facegen_core.eases import EASES
from facegen_core.errors import IntensityError
from facegen_core.intensity import (
    EXPRESSIONS,
    Envelope,
    check_intensities,
    frame_range,
    in_between,
    parse_event,
    sample_envelopes,
)


def test_an_event_is_read_from_text():
    assert Envelope.parse("happy@1,12,30,45=0.8") == Envelope("happy", 1, 12, 30, 45, 0.8)
    assert Envelope.parse("fear@-5,0.5,0.5,9").intensity == 1.0


def test_an_event_names_the_eases_of_its_ramps():
    assert Envelope.parse("happy@1,12,30,45") == Envelope.parse("happy@1,12,30,45=1/linear")
    smooth = Envelope.parse("happy@1,12,30,45=0.8/smooth")
    assert (smooth.onset_ease, smooth.offset_ease) == ("smooth", "smooth")
    both = parse_event("happy~sad:0.25@1,12,30,45/quick/slow")
    assert {(e.onset_ease, e.offset_ease) for e in both} == {("quick", "slow")}


@pytest.mark.parametrize("ease", EASES)
def test_every_ease_goes_from_rest_to_the_apex_and_back(ease):
    event = Envelope("happy", 0, 10, 20, 40, 0.8, ease, ease)
    curve = sample_envelopes([event], np.arange(51))[:, 0]
    np.testing.assert_allclose(curve[10:21], 0.8, atol=1e-15)
    assert curve[0] == 0.0
    assert not curve[40:].any()
    assert (np.diff(curve[:11]) > 0).all()
    assert (np.diff(curve[20:41]) < 0).all()
    # Half way up: where the ease says; half way down it has come as far.
    half = EASES[ease].progress(np.array([0.5]))[0]
    assert curve[5] == pytest.approx(0.8 * half)
    assert curve[30] == pytest.approx(0.8 * (1 - half))


def test_names_of_other_data_sets_are_read():
    assert Envelope.parse("mouth_open@1,12,30,45").expression == "mouth_open"
    assert Envelope.parse("AU12_r-2.b@1,12,30,45=0.3").expression == "AU12_r-2.b"


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


def test_channels_follow_the_names_of_the_bundle():
    names = ("mouth_open", "happy", "cheeks_in")
    events = [Envelope("cheeks_in", 0, 1, 2, 3, 0.5), Envelope("mouth_open", 0, 1, 2, 3)]
    intensities = sample_envelopes(events, np.arange(4), names)
    np.testing.assert_array_equal(intensities[1], [1.0, 0.0, 0.5])
    check_intensities(intensities, num_expressions=3)


def test_an_expression_the_bundle_lacks_is_refused_with_those_it_has():
    with pytest.raises(IntensityError, match=r"'joy': this model has happy, .*, fear\.$"):
        sample_envelopes([Envelope("joy", 1, 2, 3, 4)], np.arange(4))
    with pytest.raises(IntensityError, match="'happy': this model has bareteeth, eyebrow"):
        sample_envelopes([Envelope("happy", 1, 2, 3, 4)], np.arange(4), ("bareteeth", "eyebrow"))


def test_an_event_of_two_expressions_shares_its_intensity():
    first, second = parse_event("happy~mouth_open:0.25@1,12,30,45=0.8")
    assert (first.expression, second.expression) == ("happy", "mouth_open")
    assert first.marks == second.marks == (1, 12, 30, 45)
    assert first.intensity == pytest.approx(0.6)
    assert second.intensity == pytest.approx(0.2)
    assert parse_event("happy~sad@1,2,3,4")[1].intensity == 0.5
    assert parse_event("happy@1,2,3,4=0.7") == (Envelope("happy", 1, 2, 3, 4, 0.7),)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_an_in_between_is_on_the_line_from_one_expression_to_the_other(share):
    event, frames = Envelope("happy", 0, 10, 20, 30, 0.9), np.arange(31)
    happy, fear = (
        sample_envelopes([Envelope(e, *event.marks, 0.9)], frames) for e in ("happy", "fear")
    )
    found = sample_envelopes(in_between(event, "fear", share), frames)
    np.testing.assert_allclose(found, (1 - share) * happy + share * fear, atol=1e-12)


def test_at_the_ends_of_the_line_only_one_expression_is_left():
    event = Envelope("happy", 0, 10, 20, 30)
    assert in_between(event, "fear", 0.0) == (event,)
    assert [e.expression for e in in_between(event, "fear", 1.0)] == ["fear"]


def test_overlapping_events_never_exceed_the_stronger_one():
    events = [Envelope("angry", 0, 5, 10, 20, 0.7), Envelope("angry", 5, 10, 15, 20, 0.9)]
    assert sample_envelopes(events, np.arange(21)).max() == 0.9


def test_the_frame_range_covers_all_events_in_whole_frames():
    events = [Envelope("sad", 2.5, 4, 5, 9.2), Envelope("happy", 7, 8, 9, 12)]
    np.testing.assert_array_equal(frame_range(events), np.arange(2, 13))


@pytest.mark.parametrize(
    ("text", "words"),
    [
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
        ("happy@1,2,3,4/sudden", "no ease 'sudden', only linear, smooth, swift, quick, slow"),
        ("happy@1,2,3,4/", "no ease ''"),
        ("happy@1,2,3,4=1/slow/slow/slow", "write for example"),
        ("happy sad@1,2,3,4", "write for example"),
        ("happy~sad:1.5@1,2,3,4", "share of sad is between 0 and 1, got 1.5"),
        ("happy~sad:nan@1,2,3,4", "share of sad is between 0 and 1"),
        ("happy~happy:0.5@1,2,3,4", "two expressions, got happy twice"),
        ("happy~@1,2,3,4", "two expressions and a share"),
        ("happy~sad:much@1,2,3,4", "two expressions and a share"),
        ("happy~sad~fear@1,2,3,4", "two expressions and a share"),
        ("happy~sad:0.4@4,3,2,1", "onset start < apex start"),
        ("happy~sad:0.4", "write for example"),
    ],
)
def test_an_event_that_makes_no_sense_is_refused_in_a_sentence(text, words):
    with pytest.raises(IntensityError, match=words) as caught:
        parse_event(text)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


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
