import numpy as np
import pytest

from facegen_core import event_edits as edits
from facegen_core.channel_keys import KEY, SAME_FRAME, envelope_keys, new_keys
from facegen_core.eases import EASES
from facegen_core.errors import IntensityError
from facegen_core.event_dragging import PARTS, placed, pulled
from facegen_core.event_mirror import mirrored
from facegen_core.events import read_events
from facegen_core.intensity import Envelope, sample_envelopes

HAPPY = Envelope("happy", 1, 12, 30, 45, 0.8)


def as_stored(keys):
    """What an animation curve in single precision makes of keys."""
    stored = keys.copy()
    for name in ("frame", "value", "left", "right"):
        stored[name] = keys[name].astype(np.float32)
    return stored


def channel(*envelopes):
    return np.concatenate([envelope_keys(envelope) for envelope in envelopes])


@pytest.mark.parametrize("name", ["frame", "value", "left", "right"])
@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_keys_that_are_no_numbers_make_no_events(name, number):
    keys = channel(HAPPY)
    keys[name][1] = number
    assert read_events("happy", keys) == ()


def only_event(keys):
    (event,) = read_events("happy", keys)
    return event


def drawn_keys():
    """A Bezier curve by hand: handles free and of different lengths, five keys, two peaks."""
    keys = new_keys([10.0, 14.0, 20.0, 26.0, 40.0], [0.0, 0.9, 0.4, 0.7, 0.0])
    keys["interpolation"] = "BEZIER"
    keys["left_type"] = keys["right_type"] = "FREE"
    keys["left"] += [[-1.0, 0.0], [-0.5, 0.02], [-1.5, 0.1], [0.25, -0.03], [-2.0, 0.0]]
    keys["right"] += [[0.5, 0.0], [1.5, 0.02], [0.5, -0.1], [2.0, 0.03], [1.0, 0.0]]
    return keys


def shape_of(keys):
    """All that a stretch or a move must keep of keys, in times relative to the span's length."""
    start, length = keys["frame"][0], np.ptp(keys["frame"])
    places = [keys["frame"], keys["left"][:, 0], keys["right"][:, 0]]
    return np.concatenate([(place - start) / length for place in places])


@pytest.mark.parametrize("onset_ease", EASES)
@pytest.mark.parametrize("offset_ease", EASES)
@pytest.mark.parametrize("fps", [0.5, 12.0, 23.976, 24.0, 30.0, 120.0])
def test_an_envelope_is_read_as_it_was_written(onset_ease, offset_ease, fps):
    marks = [float(np.float32(seconds * fps)) for seconds in (2.0, 2.4, 3.1, 3.9)]
    intensity = float(np.float32(0.7))
    for end in (marks[2], marks[1]):  # with a hold, and with a peak of one key
        envelope = Envelope(
            "happy", marks[0], marks[1], end, marks[3], intensity, onset_ease, offset_ease
        )
        assert only_event(as_stored(envelope_keys(envelope))).envelope == envelope


def test_events_that_touch_are_two_and_share_a_key():
    later = Envelope("happy", 45, 50, 50, 60, 0.5, "quick", "slow")
    keys = edits.inserted(envelope_keys(HAPPY), envelope_keys(later), "happy")
    assert len(keys) == 4 + 3 - 1
    assert [event.envelope for event in read_events("happy", keys)] == [HAPPY, later]


def test_peaks_without_rest_between_them_are_one_event_drawn_by_hand():
    event = only_event(drawn_keys())
    assert event.is_drawn
    assert event.envelope is None
    assert event.marks == (10.0, 14.0, 14.0, 40.0)
    assert event.rows == (0, 1, 1, 4)
    assert 0.9 <= event.intensity <= 1.0


def test_what_rises_between_two_keys_at_rest_is_an_event_too():
    keys = new_keys([1.0, 20.0], [0.0, 0.0])
    assert read_events("happy", keys) == ()
    keys["interpolation"] = "BEZIER"
    keys["left_type"] = keys["right_type"] = "FREE"
    keys["right"][0], keys["left"][1] = (7.0, 0.8), (14.0, 0.8)
    event = only_event(keys)
    assert event.intensity == pytest.approx(0.6)  # three quarters of the handles' height
    assert event.is_drawn
    half = only_event(edits.with_intensity(keys, event, 0.3))
    assert half.intensity == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("name", "row", "value"),
    [
        ("interpolation", 0, "CONSTANT"),
        ("interpolation", 0, "ELASTIC"),
        ("interpolation", 2, "BOUNCE"),
        ("value", 2, 0.7),
        ("value", 3, 0.01),
    ],
)
def test_any_other_shape_was_drawn_by_hand(name, row, value):
    keys = envelope_keys(HAPPY)
    assert not only_event(keys).is_drawn
    keys[name][row] = value
    assert only_event(keys).is_drawn


def test_smooth_ramps_whose_handles_were_pulled_are_drawn_by_hand():
    keys = envelope_keys(Envelope("happy", *HAPPY.marks, 0.8, "smooth", "smooth"))
    assert not only_event(keys).is_drawn
    keys["left_type"][1] = "ALIGNED"
    assert only_event(keys).is_drawn


def test_curves_that_never_come_to_rest_have_an_event_to_their_end():
    event = only_event(new_keys([5.0], [0.6]))
    assert event.marks == (5.0,) * 4
    keys = new_keys([5.0, 10.0, 20.0], [0.0, 1.0, 1.0])
    event = only_event(keys)
    assert event.marks == (5.0, 10.0, 20.0, 20.0)
    longer = edits.with_marks(keys, event, [5.0, 12.0, 30.0, 99.0])
    assert longer["frame"].tolist() == [5.0, 12.0, 30.0]


@pytest.mark.parametrize("ease", EASES)
def test_marks_can_be_set_and_come_back(ease):
    envelope = Envelope("happy", *HAPPY.marks, 0.8, ease, ease)
    marks = (3.0, 4.5, 28.25, 50.0)
    for start in (envelope, Envelope("happy", 1, 12, 12, 45, 0.8, ease, ease)):
        keys = envelope_keys(start)
        found = only_event(edits.with_marks(keys, only_event(keys), marks))
        assert found.envelope == Envelope("happy", *marks, 0.8, ease, ease)
        back = edits.with_marks(envelope_keys(found.envelope), found, start.marks)
        assert only_event(back).envelope == start


@pytest.mark.parametrize("marks", [(110, 114, 114, 140), (10, 18, 18, 40), (10, 11, 11, 25)])
def test_a_curve_drawn_by_hand_is_stretched_with_its_handles(marks):
    keys = drawn_keys()
    found = edits.with_marks(keys, only_event(keys), marks)
    assert only_event(found).marks == marks
    np.testing.assert_array_equal(found["value"], keys["value"])
    np.testing.assert_array_equal(found["left"][:, 1], keys["left"][:, 1])
    old = (keys["frame"][2] - 14) / (40 - 14)
    assert found["frame"][2] == pytest.approx(marks[2] + old * (marks[3] - marks[2]))
    scale = (marks[3] - marks[2]) / (40 - 14)
    reach, before = (k["right"][2, 0] - k["frame"][2] for k in (found, keys))
    assert reach == pytest.approx(before * scale)


def test_a_curve_drawn_by_hand_keeps_its_shape_when_it_is_moved_or_its_tempo_changes():
    keys = drawn_keys()
    event = only_event(keys)
    for found in (
        edits.moved(keys, event, 7.5),
        edits.with_marks(keys, event, edits.tempo_marks(event, 2.0)),
    ):
        np.testing.assert_allclose(shape_of(found), shape_of(keys), atol=1e-12)
    assert np.ptp(edits.with_marks(keys, event, edits.tempo_marks(event, 2.0))["frame"]) == 15.0
    assert only_event(edits.moved(keys, event, 7.5)).marks[0] == 17.5


def test_a_peak_of_one_key_can_be_held_and_let_go():
    keys = drawn_keys()
    held = edits.with_marks(keys, only_event(keys), edits.hold_marks(only_event(keys), 10.0))
    assert only_event(held).marks == (10.0, 14.0, 24.0, 50.0)
    assert len(held) == 6
    np.testing.assert_array_equal(held["left"][1], keys["left"][1])
    np.testing.assert_allclose(held["right"][2], keys["right"][1] + [10.0, 0.0])
    back = edits.with_marks(held, only_event(held), edits.hold_marks(only_event(held), 0.0))
    np.testing.assert_array_equal(back[["frame", "value"]], keys[["frame", "value"]])
    np.testing.assert_allclose(back["right"], keys["right"])


def test_the_mirror_of_a_mirror_is_the_curve_itself():
    for keys in (drawn_keys(), envelope_keys(Envelope("happy", 1, 5, 30, 45, 0.8, "quick"))):
        once = mirrored(keys, only_event(keys))
        twice = mirrored(once, only_event(once))
        for name in KEY.names:
            if KEY[name].base.kind == "f":
                np.testing.assert_allclose(twice[name], keys[name], atol=1e-12, err_msg=name)
            else:
                np.testing.assert_array_equal(twice[name], keys[name], err_msg=name)


@pytest.mark.parametrize("onset_ease", EASES)
@pytest.mark.parametrize("offset_ease", EASES)
def test_a_mirrored_event_plays_the_curve_backwards(onset_ease, offset_ease):
    event = Envelope("happy", 0, 6, 20, 36, 0.9, onset_ease, offset_ease)
    keys = envelope_keys(event)
    found = only_event(mirrored(keys, only_event(keys))).envelope
    frames = np.linspace(0, 36, 73)
    forwards, backwards = (sample_envelopes([e], frames)[:, 0] for e in (event, found))
    np.testing.assert_allclose(backwards, forwards[::-1], atol=1e-12)


def test_stepped_keys_have_no_mirror():
    keys = envelope_keys(HAPPY)
    keys["interpolation"][1] = "CONSTANT"
    with pytest.raises(IntensityError, match="step"):
        mirrored(keys, only_event(keys))


def test_intensity_scales_values_and_handles():
    keys = drawn_keys()
    event = only_event(keys)
    found = edits.with_intensity(keys, event, event.intensity / 2)
    np.testing.assert_allclose(found["value"], keys["value"] / 2)
    np.testing.assert_allclose(found["left"][:, 1], keys["left"][:, 1] / 2)
    assert only_event(found).intensity == pytest.approx(event.intensity / 2)
    with pytest.raises(IntensityError, match="remove the event"):
        edits.with_intensity(keys, event, 0.0)


def test_eases_of_a_plain_envelope_change_and_those_drawn_by_hand_do_not():
    keys = envelope_keys(HAPPY)
    for onset_ease in EASES:
        for offset_ease in EASES:
            keys = edits.with_eases(keys, only_event(keys), onset_ease, offset_ease)
            found = only_event(keys)
            assert (found.onset_ease, found.offset_ease) == (onset_ease, offset_ease)
    drawn = drawn_keys()
    with pytest.raises(IntensityError, match="drawn by hand"):
        edits.with_eases(drawn, only_event(drawn), "smooth", "smooth")


def test_no_act_touches_the_keys_of_others():
    first, third = Envelope("happy", 1, 4, 6, 10), Envelope("happy", 60, 70, 80, 90, 0.3, "slow")
    keys = channel(first, Envelope("happy", 20, 25, 30, 40, 0.5), third)
    event = read_events("happy", keys)[1]
    for found in (
        edits.moved(keys, event, 15),
        edits.with_marks(keys, event, edits.tempo_marks(event, 1.7)),
        edits.with_marks(keys, event, edits.hold_marks(event, 12)),
        edits.with_intensity(keys, event, 0.9),
        mirrored(keys, event),
        edits.with_eases(keys, event, "smooth", "swift"),
        edits.removed(keys, event),
    ):
        np.testing.assert_array_equal(found[:4], keys[:4])
        np.testing.assert_array_equal(found[-4:], keys[-4:])


def test_events_that_shared_a_key_each_keep_one_when_they_part():
    later = Envelope("happy", 45, 50, 55, 60, 0.5, "smooth")
    keys = edits.inserted(envelope_keys(HAPPY), envelope_keys(later), "happy")
    for row in (0, 1):
        event = read_events("happy", keys)[row]
        found = edits.moved(keys, event, 5 if row else -0.5)
        kept = [e.envelope for e in read_events("happy", found)]
        assert kept[1 - row] == (HAPPY, later)[1 - row]
        assert len(found) == 8
        assert [e.envelope for e in read_events("happy", edits.removed(keys, event))] == [
            (HAPPY, later)[1 - row]
        ]
        back = edits.moved(found, read_events("happy", found)[row], -5 if row else 0.5)
        assert [e.envelope for e in read_events("happy", back)] == [HAPPY, later]
        assert len(back) == 7


def test_a_free_handle_of_the_event_beside_it_does_not_come_along():
    keys = np.concatenate([envelope_keys(HAPPY), drawn_keys()[1:]])
    keys["frame"][4:] += 40
    keys["left"][4:, 0] += 40
    keys["right"][4:, 0] += 40
    keys["interpolation"][3], keys["right_type"][3] = "BEZIER", "FREE"
    keys["right"][3] = (48.0, 0.9)
    found = edits.moved(keys, read_events("happy", keys)[0], -0.5)
    first, second = read_events("happy", found)
    assert (first.marks[3], second.marks[0]) == (44.5, 45.0)
    np.testing.assert_array_equal(found["right"][4], (48.0, 0.9))


def test_an_event_stops_at_its_neighbours():
    keys = channel(HAPPY, Envelope("happy", 60, 70, 80, 90))
    event = read_events("happy", keys)[0]
    assert edits.room(keys, event) == (-np.inf, 60.0)
    assert len(edits.moved(keys, event, 15)) == 7  # they share a key now
    with pytest.raises(IntensityError, match="no room for this happy from 17 to 61"):
        edits.moved(keys, event, 16)
    with pytest.raises(IntensityError, match="happy already moves from 60 to 90"):
        edits.inserted(keys, envelope_keys(Envelope("happy", 50, 55, 56, 61)), "happy")


@pytest.mark.parametrize(
    "marks", [(12, 1, 30, 45), (1, 12, 30, 30), (1, 1, 30, 45), (1, 12, np.nan, 45)]
)
def test_marks_that_make_no_sense_are_refused_in_a_sentence(marks):
    keys = envelope_keys(HAPPY)
    with pytest.raises(IntensityError) as caught:
        edits.with_marks(keys, only_event(keys), marks)
    assert str(caught.value).endswith(".")


def test_later_events_follow_in_every_channel():
    channels = {
        "happy": channel(HAPPY, Envelope("happy", 60, 70, 80, 90)),
        "sad": channel(Envelope("sad", 30, 40, 41, 50), Envelope("sad", 50, 55, 56, 57)),
    }
    found = edits.rippled(channels, after=45, frames=10)
    assert [e.marks[0] for e in read_events("happy", found["happy"])] == [1.0, 70.0]
    assert [e.marks[0] for e in read_events("sad", found["sad"])] == [30.0, 60.0]
    assert found["sad"]["frame"].tolist() == [30, 40, 41, 50, 60, 65, 66, 67]
    with pytest.raises(IntensityError, match="sad has keys up to frame 50"):
        edits.rippled(channels, after=45, frames=-10)


@pytest.mark.parametrize("tempo", [0.0, -1.0, np.inf, np.nan])
def test_a_tempo_is_above_zero(tempo):
    keys = envelope_keys(HAPPY)
    with pytest.raises(IntensityError, match="above 0"):
        edits.with_marks(keys, only_event(keys), edits.tempo_marks(only_event(keys), tempo))


def test_frames_in_single_precision_meet_within_the_tolerance():
    keys = channel(HAPPY, Envelope("happy", 60, 70, 80, 90))
    event = read_events("happy", keys)[0]
    found = edits.moved(keys, event, 15 + 0.5 * SAME_FRAME)
    assert len(found) == 7


def test_rest_stays_rest_beside_a_copy_whose_ends_have_pulled_handles():
    keys = drawn_keys()
    keys["right"][-1, 1] = keys["left"][0, 1] = 0.3
    copied = edits.inserted(keys, edits.later(keys, 60), "happy")
    assert [event.marks[0] for event in read_events("happy", copied)] == [10.0, 70.0]


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_pulled_mark_stops_at_the_others_and_at_its_neighbours(is_whole):
    keys = channel(HAPPY, Envelope("happy", 60, 70, 80, 90))
    event = read_events("happy", keys)[0]
    least = 1.0 if is_whole else 0.1

    def marks(part, target):
        return read_events("happy", pulled(keys, event, part, target, is_whole))[0].marks

    assert marks("onset_start", 5.0) == (5, 12, 30, 45)
    assert marks("onset_start", 99.0) == pytest.approx((12 - least, 12, 30, 45))
    assert marks("apex_start", -99.0) == pytest.approx((1, 1 + least, 30, 45))
    assert marks("apex_start", 99.0) == (1, 30, 30, 45)
    assert marks("apex_end", 99.0) == pytest.approx((1, 12, 45 - least, 45))
    assert marks("offset_end", 99.0) == (1, 12, 30, 60)
    assert marks("event", 5.0) == (5, 16, 34, 49)
    assert marks("event", 99.0) == (16, 27, 45, 60)
    assert marks("event", -99.0) == (-99, -88, -70, -55)


def test_a_pulled_peak_stays_between_nothing_and_everything():
    keys = envelope_keys(HAPPY)
    for target, intensity in ((0.5, 0.5), (7.0, 1.0), (-1.0, 0.01)):
        found = only_event(pulled(keys, only_event(keys), "intensity", target))
        assert found.intensity == pytest.approx(intensity)


def test_an_end_that_is_a_peak_is_pulled_as_one_key():
    keys = new_keys([5.0, 10.0, 20.0], [0.0, 1.0, 1.0])
    for part in ("apex_end", "offset_end"):
        found = pulled(keys, only_event(keys), part, 30.0)
        assert found["frame"].tolist() == [5.0, 10.0, 30.0]
    keys = new_keys([5.0], [1.0])
    assert pulled(keys, only_event(keys), "event", 9.0)["frame"].tolist() == [9.0]


def test_any_pull_of_any_curve_gives_a_curve_that_rises_in_time():
    generator = np.random.default_rng(3)
    for _ in range(300):
        frames = np.cumsum(generator.choice([0.5, 1.0, 3.0, 7.25], size=12))
        keys = new_keys(frames, generator.choice([0.0, 0.0, 0.4, 1.0], size=12))
        for number, event in enumerate(read_events("happy", keys)):
            part = generator.choice(PARTS)
            found = pulled(keys, event, part, float(generator.uniform(-9, 60)), True)
            assert (np.diff(found["frame"]) > 0).all()
            after = read_events("happy", found)
            assert len(after) == len(read_events("happy", keys))
            assert [e.expression for e in after][number] == "happy"


def test_a_pull_means_whole_steps_and_snaps_to_what_is_near():
    assert placed(12.4, 1.0) == 12.0
    assert placed(12.4, 0.0) == 12.4
    assert placed(0.437, 0.01) == pytest.approx(0.44)
    assert placed(12.4, 1.0, [3.0, 11.5, 13.0], reach=2.0) == 13.0
    assert placed(12.4, 1.0, [3.0, 99.0], reach=2.0) == 12.0
