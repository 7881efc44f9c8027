"""Events, keys of channels, presets and what is made of them: values as files hold them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from facegen_core import events, presets
from facegen_core.channel_keys import new_keys
from facegen_core.intensity import EXPRESSIONS, frame_range, parse_event, sample_envelopes
from facegen_core.preset_files import content_of, preset_of
from facegen_core.preset_making import make_preset
from tests.robustness.inputs.judging import Trial

TEXTS = (
    "", " ", "happy", "happy@", "happy@1,2,3", "happy@1,2,3,4,5", "happy@1,2,3,4=", "@1,2,3,4",
    "happy@a,b,c,d", "happy@1,2,3,nan", "happy@1,2,3,inf", "happy@4,3,2,1", "happy@1,1,1,1",
    "happy@1,12,30,45=2", "happy@1,12,30,45=-1", "happy@1,12,30,45=nan", "happy@1,12,30,45=1e400",
    "happy@1,12,30,45=0.5=0.5", "happy@1,12,30,45/bouncy", "happy@1,12,30,45/smooth/quick/slow",
    "happy@1,12,30,45/", "happy@1;12;30;45", "happy @1,12,30,45", "wink@1,12,30,45",
    "HAPPY@1,12,30,45", "happy~sad", "happy~sad@1,12,30,45", "happy~sad:2@1,12,30,45",
    "happy~sad:nan@1,12,30,45", "happy~sad:x@1,12,30,45", "happy~happy@1,12,30,45",
    "happy~@1,12,30,45", "happy~sad~fear@1,12,30,45", "happy@1e308,2e308,3e308,4e308",
    "happy@-5,-4,-3,-2", "happy@0.1,0.2,0.3,0.4", "happy@1,12,30,1e15", "happy\n@1,12,30,45",
    "happy@1,12,30,45\x00", "ha\x1bppy@1,12,30,45", "哭@1,12,30,45", "happy@１,12,30,45",
    "x" * 5000,
    "happy@" + "1," * 3000,
)  # fmt: skip


def trials(seed: int) -> Iterator[Trial]:
    for text in TEXTS:
        shown = json.dumps(text if len(text) < 60 else text[:20] + "…", ensure_ascii=False)
        yield Trial("Events as text", shown, lambda t=text: _played(t))
    yield from _keys()
    for name, content in _PRESETS.items():
        yield Trial(
            "Presets",
            name,
            lambda c=content: presets.sample_preset(preset_of(c, "mine.json"), 30.0, EXPRESSIONS),
            (content,),
        )
    good = preset_of(_preset(), "mine.json")
    for rate in (0, -30, np.nan, np.inf, 1e9, 1e-9, "30", None):
        yield Trial(
            "Presets",
            f"played at {rate} frames per second",
            lambda r=rate: presets.sample_preset(good, r, EXPRESSIONS),
        )
    for name, curves, rate in (
        ("of no frames", np.zeros((0, 6)), 30.0),
        ("of curves at rest", np.zeros((9, 6)), 30.0),
        ("of NaN", np.full((9, 6), np.nan), 30.0),
        ("of five channels", np.ones((9, 5)), 30.0),
        ("at no rate", np.ones((9, 6)), 0.0),
        ("at a rate of NaN", np.ones((9, 6)), np.nan),
        ("of words", np.array([["a"] * 6] * 3), 30.0),
        ("of one frame", np.ones((1, 6)), 30.0),
    ):
        yield Trial(
            "Presets",
            f"saved {name}",
            lambda c=curves, r=rate: content_of(make_preset("mine", c, r, EXPRESSIONS)),
            (curves,),
        )


def _played(text: str) -> Any:
    found = parse_event(text)
    return sample_envelopes(found, frame_range(found), EXPRESSIONS)


def _keys() -> Iterator[Trial]:
    spoilt: dict[str, tuple[Any, Any]] = {
        "none": ([], []),
        "one": ([5.0], [1.0]),
        "one at rest": ([5.0], [0.0]),
        "at one frame": ([5.0, 5.0, 5.0], [0.0, 1.0, 0.0]),
        "backwards in time": ([9.0, 5.0, 1.0], [0.0, 1.0, 0.0]),
        "values above 1": ([1.0, 5.0, 9.0], [0.0, 7.0, 0.0]),
        "values below 0": ([1.0, 5.0, 9.0], [0.0, -7.0, 0.0]),
        "values 1e30": ([1.0, 5.0, 9.0], [0.0, 1e30, 0.0]),
        "frames 1e30": ([1e30, 2e30, 3e30], [0.0, 1.0, 0.0]),
        "100,000 of them": (np.arange(1e5), np.arange(1e5) % 2),
    }
    for name, (frames, values) in spoilt.items():
        for way in ("LINEAR", "BEZIER", "BOUNCE"):

            def act(frames: Any = frames, values: Any = values, way: str = way) -> Any:
                keys = new_keys(frames, values)
                keys["interpolation"] = way
                found = events.read_events("happy", keys)
                return found, [event.envelope for event in found]

            yield Trial("Keys of a channel", f"{name}, {way.lower()}", act)


def _preset(**changes: Any) -> dict[str, Any]:
    content: dict[str, Any] = {
        "facegen_preset": 1,
        "name": "mine",
        "events": [{"expression": "happy", "seconds": [0, 0.4, 1, 1.5], "intensity": 0.8}],
    }
    return {k: v for k, v in (content | changes).items() if v != "gone"}


def _event(**changes: Any) -> dict[str, Any]:
    return _preset(events=[_preset()["events"][0] | changes])


_PRESETS: dict[str, Any] = {
    "nothing": None,
    "a list": [],
    "a word": "smile",
    "a number": 3,
    "no version": _preset(facegen_preset="gone"),
    "of version 2": _preset(facegen_preset=2),
    "of version true": _preset(facegen_preset=True),
    "of version 1.0": _preset(facegen_preset=1.0),
    "without a name": _preset(name="gone"),
    "an empty name": _preset(name="  "),
    "a name of 41 letters": _preset(name="x" * 41),
    "a name that is a number": _preset(name=7),
    "a field nobody knows": _preset(colour="red"),
    "no events": _preset(events=[]),
    "events that are a word": _preset(events="happy"),
    "events that are nothing": _preset(events=None),
    "events that are a number": _preset(events=5),
    "an event that is a list": _preset(events=[[]]),
    "an event that is nothing": _preset(events=[None]),
    "an event without times": _preset(events=[{"expression": "happy"}]),
    "an event without expression": _preset(events=[{"seconds": [0, 1, 2, 3]}]),
    "three times": _event(seconds=[0, 1, 2]),
    "times that fall": _event(seconds=[3, 2, 1, 0]),
    "times that are words": _event(seconds=["a", "b", "c", "d"]),
    "times that are true": _event(seconds=[True, 1, 2, 3]),
    "times that are nothing": _event(seconds=None),
    "times before 0": _event(seconds=[-1, 1, 2, 3]),
    "times beyond a minute": _event(seconds=[0, 1, 2, 3600]),
    "a time that is NaN": _event(seconds=[0, 1, 2, float("nan")]),
    "a time that is Inf": _event(seconds=[0, 1, 2, float("inf")]),
    "a time of 400 digits": _event(seconds=[0, 1, 2, 10**400]),
    "an intensity of 2": _event(intensity=2),
    "an intensity that is a word": _event(intensity="loud"),
    "an intensity that is nothing": _event(intensity=None),
    "an ease nobody knows": _event(onset_ease="bouncy"),
    "an ease that is a list": _event(onset_ease=["smooth"]),
    "an expression nobody knows": _event(expression="wink"),
    "an expression that is a list": _event(expression=["happy"]),
    "curves that are a list": _preset(curves=[1, 2]),
    "a curve that is a word": _preset(curves={"happy": "up"}),
    "a curve without keys": _preset(curves={"happy": []}),
    "a curve of one key": _preset(curves={"happy": [[0, 1]]}),
    "a curve of triples": _preset(curves={"happy": [[0, 1, 2]]}),
    "a curve backwards": _preset(curves={"happy": [[1, 0], [0, 1]]}),
    "a curve above 1": _preset(curves={"happy": [[0, 0], [1, 2]]}),
    "a curve of an expression nobody knows": _preset(curves={"wink": [[0, 0], [1, 1]]}),
    "a layer nobody knows": _preset(layers={"ears": 1}),
    "a layer of 9": _preset(layers={"mouth": 9}),
    "a layer that is a word": _preset(layers={"mouth": "more"}),
    "a layer that is nothing": _preset(layers={"mouth": None}),
    "a layer that is true": _preset(layers={"mouth": True}),
    "layers that are a list": _preset(layers=["mouth"]),
    "a shift nobody knows": _preset(shifts={"ears": 1}),
    "a shift of an hour": _preset(shifts={"mouth": 3600}),
    "a shift that is a word": _preset(shifts={"mouth": "later"}),
    "tags that are a number": _preset(tags=3),
    "tags that are a word": _preset(tags="smile"),
    "tags that are nothing": _preset(tags=None),
    "a description that is a list": _preset(description=["a", "b"]),
    "10,000 events": _preset(events=_preset()["events"] * 10_000),
}
