"""What an artist puts right by hand: landmarks for a match, pins on one, corrected parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from facegen_core import pipeline
from tests.robustness.inputs import world
from tests.robustness.inputs.judging import Trial


def trials(seed: int) -> Iterator[Trial]:
    yield from _landmarks()
    yield from _corrected_parts()


def _landmarks() -> Iterator[Trial]:
    places = world.alignment().fit.landmarks
    good = {k: places[k] for k in (36, 39, 42, 45, 19, 24, 30, 33, 48, 54, 51, 57, 8)}
    points: dict[str, Any] = {
        "none at all": {},
        "twelve of the thirteen": dict(list(good.items())[:12]),
        "number 68": good | {68: places[8]},
        "number -1": good | {-1: places[8]},
        "number that is a word": good | {"chin": places[8]},
        "one NaN": good | {8: places[8] * np.nan},
        "one at infinity": good | {8: np.full(3, np.inf)},
        "one in the plane": good | {8: places[8][:2]},
        "one that is a word": good | {8: "chin"},
        "one that is nothing": good | {8: None},
        "all in one point": dict.fromkeys(good, places[8]),
        "all on a line": {k: np.array([k, 2.0 * k, 3.0 * k]) for k in good},
        "all 1e30 away": {k: p + 1e30 for k, p in good.items()},
        "all 10 m away": {k: p + 1e4 for k, p in good.items()},
        "mirrored": {k: p * [-1, 1, 1] for k, p in good.items()},
        "upside down": {k: p * [1, -1, 1] for k, p in good.items()},
        "shuffled": dict(zip(good, [*good.values()][::-1], strict=True)),
    }
    for name, chosen in points.items():
        yield Trial(
            "Landmarks by hand",
            name,
            lambda p=chosen: (
                pipeline.match(world.alignment().target, world.bundle(), landmarks=p).fit
            ),
            (chosen,),
            is_heavy=name
            in (
                "all 10 m away",
                "mirrored",
                "upside down",
                "shuffled",
                "all on a line",
                "all 1e30 away",
            ),
        )
        if name not in ("twelve of the thirteen", "none at all"):
            yield Trial(
                "Landmarks pulled into place",
                name,
                lambda p=chosen: pipeline.move_landmarks(world.alignment(), p).fit,
                (chosen,),
                is_heavy=True,
            )


def _corrected_parts() -> Iterator[Trial]:
    for name, corrections in {
        "a part nobody has": {10**9: "hair"},
        "a kind nobody knows": {0: "whiskers"},
        "a key that is a word": {"a": "hair"},
        "a kind that is a number": {0: 5},
        "a kind that is a list": {0: ["hair"]},
    }.items():
        yield Trial(
            "Corrected parts",
            name,
            lambda c=corrections: pipeline.correct_parts(world.alignment(), c).correspondence,
            (corrections,),
        )
