"""Presets: what a file must say, how it plays at any rate, and curves that become one."""

import json

import numpy as np
import pytest

from blender_addon import DEFAULT_BUNDLE, SHIPPED_PRESETS
from facegen_core.bundle import load_bundle
from facegen_core.errors import IntensityError, PresetError
from facegen_core.intensity import EXPRESSIONS, Envelope, sample_envelopes
from facegen_core.layers import Layers
from facegen_core.portraits import preset_picture
from facegen_core.preset_files import content_of, preset_of, read_preset
from facegen_core.preset_making import TOLERANCE, make_preset, simplified
from facegen_core.presets import Preset, Staging, curves_of, envelopes_of, layer_keys, sample_preset

FILES = sorted(SHIPPED_PRESETS.glob("*.json"))
SHIPPED = [read_preset(path) for path in FILES]
GRIN = {
    "facegen_preset": 1,
    "name": "Grin",
    "events": [{"expression": "happy", "seconds": [0, 0.5, 1.0, 2.0], "intensity": 0.8}],
}


def grin(**changes):
    return preset_of({**GRIN, **changes}, "grin.json")


def test_there_are_three_characters_of_every_expression_and_more():
    first = [preset.events[0].expression for preset in SHIPPED]
    assert len(SHIPPED) >= 18
    assert all(first.count(expression) >= 3 for expression in EXPRESSIONS)
    assert len({preset.name for preset in SHIPPED}) == len(SHIPPED)
    assert all(preset.description and preset.tags for preset in SHIPPED)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_characters_of_an_expression_differ_in_onset_length_and_what_moves(expression):
    mine = [p for p in SHIPPED if p.events[0].expression == expression]
    onsets = sorted(p.events[0].apex_start - p.events[0].onset_start for p in mine)
    lengths = sorted(p.seconds[1] - p.seconds[0] for p in mine)
    assert onsets[-1] > 3 * onsets[0]
    assert lengths[-1] > 2 * lengths[0]
    ways = {json.dumps([content_of(p).get("layers"), len(p.events)]) for p in mine}
    assert len(ways) == len(mine)


def test_every_picture_is_small_and_shows_another_face():
    pictures = [path.with_suffix(".png").read_bytes() for path in FILES]
    assert max(map(len, pictures)) <= 12_000
    assert sum(map(len, pictures)) <= 250_000
    assert len(set(pictures)) == len(pictures)


def test_a_preset_reads_back_as_it_was_written():
    for preset in SHIPPED:
        assert preset_of(json.loads(json.dumps(content_of(preset))), "again") == preset


@pytest.mark.parametrize("frames_per_second", [24.0, 30.0, 60.0])
def test_times_are_seconds_at_any_rate(frames_per_second):
    placed = envelopes_of(grin(), Staging(10.0, frames_per_second))[0]
    seconds = (np.array(placed.marks) - 10.0) / frames_per_second
    np.testing.assert_allclose(seconds, [0, 0.5, 1.0, 2.0], atol=0.5 / frames_per_second)
    assert all(mark == int(mark) for mark in placed.marks)


def test_tempo_and_strength_change_times_and_intensities():
    fast = envelopes_of(grin(), Staging(1.0, 24.0, strength=0.5, tempo=2.0))[0]
    assert fast.marks == (1.0, 7.0, 13.0, 25.0)
    assert fast.intensity == pytest.approx(0.4)
    assert envelopes_of(grin(), Staging(1.0, 24.0, strength=3.0))[0].intensity == 1.0


@pytest.mark.parametrize("preset", SHIPPED, ids=lambda p: p.name)
@pytest.mark.parametrize("frames_per_second", [0.5, 6.0, 24.0])
def test_no_rate_is_too_slow_for_a_ramp(preset, frames_per_second):
    for envelope in envelopes_of(preset, Staging(1.0, frames_per_second, tempo=10.0)):
        assert envelope.apex_start - envelope.onset_start >= 1
        assert envelope.offset_end - envelope.apex_end >= 1
    for keys in layer_keys(preset, Staging(1.0, frames_per_second)).values():
        assert (np.diff(keys[:, 0]) > 0).all()


def test_layers_of_one_number_come_and_go_within_the_preset():
    keys = layer_keys(grin(layers={"eyes": 1.5}), Staging(0.0, 20.0))["eyes"]
    assert keys[:, 1].tolist() == [1.5, 1.5]
    assert 0 < keys[0, 0] < 10
    assert 20 < keys[1, 0] < 40
    _, layers = sample_preset(grin(layers={"eyes": 1.5}), 20.0, EXPRESSIONS)
    assert layers.gains[[0, -1], 1].tolist() == [1.0, 1.0]
    assert layers.gains[15, 1] == 1.5
    assert (layers.gains[:, [0, 2]] == 1.0).all()


def test_layers_with_keys_and_shifts_are_played_as_they_say():
    preset = grin(layers={"mouth": [[0.2, 0.3], [1.0, 0.9]]}, shifts={"mouth": 0.1})
    _, layers = sample_preset(preset, 20.0, EXPRESSIONS)
    assert layers.gains[4, 2] == pytest.approx(0.3)
    assert layers.gains[12, 2] == pytest.approx(0.6)
    assert layers.shifts == (0.0, 0.0, 0.1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], "it must say"),
        (
            {**GRIN, "facegen_preset": 2},
            "made by a newer Facegen",
        ),
        ({**GRIN, "name": ""}, "name must be 1 to 40"),
        ({**GRIN, "colour": 1}, "has 'colour', which no preset has"),
        ({**GRIN, "events": []}, "plays no expression"),
        ({**GRIN, "events": [{"expression": "happy", "seconds": [0, 1, 2]}]}, "needs four times"),
        (
            {**GRIN, "events": [{"expression": "happy", "seconds": [0, 2, 1, 3]}]},
            "an event is wrong: happy: expected onset start < apex start",
        ),
        ({**GRIN, "events": [{"expression": "happy", "seconds": [0, "1", 2, 3]}]}, "a number"),
        ({**GRIN, "events": [{"seconds": [0, 1, 2, 3]}]}, "damaged"),
        ({**GRIN, "layers": {"chin": 1.0}}, "'chin' is no layer: they are brows, eyes, mouth"),
        ({**GRIN, "layers": {"eyes": 3.0}}, "eyes must be between 0 and 2, not 3"),
        ({**GRIN, "layers": {"eyes": [[1, 1], [0, 1]]}}, "follow one another"),
        ({**GRIN, "curves": {"sad": [[0, 0], [1, 1.5]]}}, "sad must be between 0 and 1"),
        ({**GRIN, "shifts": {"chin": 1.0}}, "no region to shift"),
        ({**GRIN, "shifts": {"eyes": 99}}, "between -10 and 10"),
        ({**GRIN, "events": [{"expression": "sad", "seconds": [-1, 1, 2, 3]}]}, "between 0 and 60"),
    ],
)
def test_what_is_no_preset_is_refused_in_one_sentence(content, words):
    with pytest.raises(PresetError) as refusal:
        preset_of(content, "grin.json")
    assert words in str(refusal.value)
    assert str(refusal.value).startswith("grin.json")


def test_a_file_that_is_not_json_or_not_there_is_refused_with_its_name(tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(PresetError, match=r"broken\.json is not a preset: it is not JSON"):
        read_preset(broken)
    with pytest.raises(PresetError, match=r"Cannot read the preset gone\.json"):
        read_preset(tmp_path / "gone.json")


def test_linear_curves_become_the_events_they_were():
    events = [Envelope("sad", 5, 11, 20, 29, 0.6), Envelope("sad", 40, 46, 46, 58, 0.9)]
    curves = sample_envelopes(events, np.arange(80.0))
    preset = make_preset("Sad", curves, 24.0, EXPRESSIONS)
    assert not preset.curves
    assert [event.intensity for event in preset.events] == pytest.approx([0.6, 0.9], abs=1e-3)
    first, second = (np.array(event.marks) * 24.0 for event in preset.events)
    np.testing.assert_allclose(first, [0, 6, 15, 24], atol=0.02)
    np.testing.assert_allclose(second, [35, 41, 41, 53], atol=0.02)


def test_a_curve_drawn_by_hand_stays_within_the_tolerance():
    frames = np.arange(60.0)
    curves = np.zeros((60, len(EXPRESSIONS)))
    curves[10:50, 3] = 0.7 * np.sin(np.linspace(0, np.pi, 40)) ** 2
    preset = make_preset("Wave", curves, 30.0, EXPRESSIONS)
    assert not preset.events
    drawn = curves_of(preset, Staging(10.0, 30.0))["angry"]
    np.testing.assert_allclose(np.interp(frames, *drawn.T), curves[:, 3], atol=TOLERANCE + 1e-3)
    assert len(drawn) < 30


def test_known_events_keep_their_ease_and_layers_go_along():
    known = Envelope("happy", 6, 12, 20, 30, 0.5, "slow", "quick")
    curves = sample_envelopes([known], np.arange(40.0))
    gains = np.ones((40, 3))
    gains[:, 0] = 0.25
    layers = Layers(gains, (0.0, 0.2, 0.0), np.linspace(0, 0.39, 40), np.ones(40))
    preset = make_preset("Kept", curves, 30.0, EXPRESSIONS, layers, [known])
    assert preset.events[0].onset_ease == "slow"
    assert preset.events[0].offset_ease == "quick"
    assert preset.seconds[0] == 0.0
    assert preset.layers["brows"] == 0.25
    assert preset.shifts == {"eyes": 0.2}
    assert set(preset.layers) == {"brows", "asymmetry"}
    assert len(preset.layers["asymmetry"]) == 2
    assert preset_of(content_of(preset), "kept") == preset


def test_nothing_to_save_is_refused():
    with pytest.raises(PresetError, match="nothing to save"):
        make_preset("Nothing", np.zeros((9, 6)), 24.0, EXPRESSIONS)


def test_one_frame_is_no_preset():
    with pytest.raises(PresetError, match="two frames at least"):
        make_preset("Still", np.full((1, 6), 0.5), 24.0, EXPRESSIONS)


def test_straight_lines_need_only_their_ends():
    times = np.linspace(0, 1, 50)
    assert simplified(times, 0.3 * times) == ((0.0, 0.0), (1.0, 0.3))
    corner = simplified(times, np.minimum(times, 0.5))
    assert len(corner) in (3, 4)


def test_a_picture_of_a_preset_shows_its_layers():
    bundle = load_bundle(DEFAULT_BUNDLE)
    plain, one_sided = grin(), grin(layers={"asymmetry": 1.0})
    picture = preset_picture(bundle, plain, 64)
    assert picture.shape == (64, 64, 4)
    assert (picture != preset_picture(bundle, one_sided, 64)).any()
    unknown = Preset("Wink", events=(Envelope("wink", 0.0, 0.2, 0.3, 0.5),))
    with pytest.raises(IntensityError, match="Unknown expression 'wink'"):
        preset_picture(bundle, unknown)
