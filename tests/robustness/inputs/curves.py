"""Curves, frame rates, layers, eyes, variations and bakes: through `generate` and its sisters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from facegen_core import pipeline
from facegen_core.eye_motion import EyeMotion, EyeSettings, eye_motion
from facegen_core.landmark_inference import Variation
from facegen_core.layers import Layers
from tests.robustness.inputs import world
from tests.robustness.inputs.judging import Trial


def trials(seed: int) -> Iterator[Trial]:
    yield from _curves()
    yield from _rates()
    yield from _layers()
    yield from _generators()
    yield from _bakes()


def _generate(curves: Any, rate: Any = 30.0, **how: Any) -> Any:
    how.setdefault("contact", False)
    return pipeline.generate(world.alignment(), curves, rate, world.bundle(), **how)


def _with(value: float, channel: int = 2) -> Any:
    curves = world.small_curves()
    curves[3, channel] = value
    return curves


def _curves() -> Iterator[Trial]:
    curves: dict[str, Any] = {
        "no frames": np.zeros((0, 6)),
        "no channels": np.zeros((10, 0)),
        "five channels": np.zeros((10, 5)),
        "seven channels": np.zeros((10, 7)),
        "one channel, not in a table": np.zeros(10),
        "three dimensions": np.zeros((2, 5, 6)),
        "a single number": np.float64(0.5),
        "NaN in one frame": _with(np.nan),
        "Inf in one frame": _with(np.inf),
        "-Inf in one frame": _with(-np.inf),
        "1.0001 in one frame": _with(1.0001),
        "-0.0001 in one frame": _with(-0.0001),
        "1e300 in one frame": _with(1e300),
        "1e-320 in one frame": _with(1e-320),
        "-0.0 in one frame": _with(-0.0),
        "words": np.array([["a"] * 6] * 4),
        "objects": np.array([[None] * 6] * 4, object),
        "complex numbers": world.small_curves() + 1j,
        "truth values": np.ones((4, 6), bool),
        "whole numbers": np.ones((4, 6), np.int8),
        "half precision": world.small_curves().astype(np.float16),
        "a list of lists": world.small_curves().tolist(),
        "nothing": None,
        "one frame, at rest": np.zeros((1, 6)),
        "one frame, moved": np.ones((1, 6)),
        "two frames": np.ones((2, 6)),
        "all expressions at 1 at once": np.ones((12, 6)),
        "jumping between 0 and 1": np.indices((12, 6)).sum(axis=0) % 2 * 1.0,
        "read-only": _read_only(world.small_curves()),
        "every other row of a larger array": np.zeros((24, 6))[::2],
    }
    for name, values in curves.items():
        yield Trial("Curves", name, lambda v=values: _generate(v), (values,))
        if name in ("one frame, moved", "NaN in one frame", "no frames", "five channels"):
            yield Trial(
                "Curves",
                f"{name}, the varied generator",
                lambda v=values: _generate(v, generator="lm4dgan"),
                (values,),
            )
            yield Trial(
                "Curves",
                f"{name}, a sheet of variations",
                lambda v=values: pipeline.variations(
                    world.alignment(), v, 30.0, world.bundle(), (1, 2), num_pixels=24
                ),
                (values,),
            )
    for num_frames in (100_000, 10_000_000):
        yield Trial(
            "Curves",
            f"{num_frames:,} frames",
            lambda n=num_frames: _generate(np.broadcast_to(np.zeros(6), (n, 6))),
        )


def _read_only(values: Any) -> Any:
    values.flags.writeable = False
    return values


def _rates() -> Iterator[Trial]:
    rates = (0, -1, -0.0, np.nan, np.inf, -np.inf, 1e-300, 1e-9, 0.1, 1e9, 1e300, 10**400)
    for rate in (*rates, "30", None, True, 30 + 0j, np.array([24.0, 30.0])):
        shown = "10 to the 400" if isinstance(rate, int) and rate > 400 else repr(rate)
        shown = "two rates" if isinstance(rate, np.ndarray) else shown
        for generator in ("lstm", "lm4dgan"):
            yield Trial(
                "Frame rates",
                f"{shown} frames per second"
                + (", the varied generator" if generator == "lm4dgan" else ""),
                lambda r=rate, g=generator: _generate(world.small_curves(), r, generator=g),
            )


def _layers() -> Iterator[Trial]:
    good = Layers.constant(6)

    def made(**changes: Any) -> Layers:
        parts = {"gains": good.gains, "shifts": good.shifts}
        parts |= {"asymmetry": good.asymmetry, "extremeness": good.extremeness}
        return Layers(**(parts | changes))

    changes: dict[str, dict[str, Any]] = {
        "region strength 2.1": {"gains": np.full((6, 3), 2.1)},
        "region strength below 0": {"gains": np.full((6, 3), -0.1)},
        "region strength NaN": {"gains": np.full((6, 3), np.nan)},
        "strengths of two regions": {"gains": np.ones((6, 2))},
        "strengths of another length": {"gains": np.ones((5, 3))},
        "a region 11 seconds late": {"shifts": (11.0, 0.0, 0.0)},
        "a region NaN seconds late": {"shifts": (np.nan, 0.0, 0.0)},
        "a region Inf seconds early": {"shifts": (-np.inf, 0.0, 0.0)},
        "two shifts": {"shifts": (0.0, 0.0)},
        "shifts that are words": {"shifts": ("a", "b", "c")},
        "no shifts": {"shifts": None},
        "asymmetry 1.5": {"asymmetry": np.full(6, 1.5)},
        "asymmetry NaN": {"asymmetry": np.full(6, np.nan)},
        "asymmetry of another length": {"asymmetry": np.zeros(7)},
        "extremeness 3": {"extremeness": np.full(6, 3.0)},
        "extremeness Inf": {"extremeness": np.full(6, np.inf)},
        "extremeness that is one number": {"extremeness": 1.0},
        "eyes of another length": {"eyes": EyeMotion.at_rest(3)},
        "all at their limits": {
            "gains": np.full((6, 3), 2.0),
            "shifts": (10.0, -10.0, 0.5),
            "asymmetry": np.full(6, -1.0),
            "extremeness": np.full(6, 2.0),
        },
        "everything at 0": {"gains": np.zeros((6, 3)), "extremeness": np.zeros(6)},
    }
    for name, change in changes.items():
        yield Trial(
            "Layers",
            name,
            lambda c=change: _generate(world.small_curves(), layers=made(**c)),
            (change,),
        )
    short = Layers.constant(5, (0.5, 1, 1))
    yield Trial(
        "Layers", "of fewer frames", lambda: _generate(world.small_curves(), layers=short), (short,)
    )
    eyes: dict[str, tuple[Any, Any]] = {
        "blinks above 1": (np.full((6, 2), 1.5), np.zeros((6, 2))),
        "blinks NaN": (np.full((6, 2), np.nan), np.zeros((6, 2))),
        "one eye": (np.zeros((6, 1)), np.zeros((6, 1))),
        "gaze of 90 degrees": (np.zeros((6, 2)), np.full((6, 2), 1.6)),
        "gaze Inf": (np.zeros((6, 2)), np.full((6, 2), np.inf)),
        "gaze of another length": (np.zeros((6, 2)), np.zeros((4, 2))),
        "words": (np.array([["a", "b"]] * 6), np.array([["a", "b"]] * 6)),
        "shut throughout": (np.ones((6, 2)), np.zeros((6, 2))),
    }
    for name, (blink, gaze) in eyes.items():
        yield Trial(
            "Eyes",
            name,
            lambda b=blink, g=gaze: _generate(
                world.small_curves(), layers=made(eyes=EyeMotion(b, g))
            ),
            (blink, gaze),
        )
    for seed, blinks, amount in (
        (-1, 15, 0.5), (1.5, 15, 0.5), ("a", 15, 0.5), (True, 15, 0.5), (0, -1, 0.5),
        (0, np.nan, 0.5), (0, 1e9, 0.5), (0, 15, -1), (0, 15, np.inf), (0, 15, "much"),
        (0, None, 0.5), (10**40, 15, 0.5),
    ):  # fmt: skip
        shown = f"{seed}" if seed != 10**40 else "10 to the 40"
        yield Trial(
            "Eyes",
            f"seed {shown}, {blinks} blinks a minute, gaze {amount}",
            lambda s=seed, b=blinks, a=amount: eye_motion(np.arange(9.0), EyeSettings(s, b, a)),
        )
    for name, times in (("NaN", [0.0, np.nan]), ("words", ["a"]), ("1e12 s", [1e12]), ("none", [])):
        yield Trial(
            "Eyes", f"times: {name}", lambda t=times: eye_motion(np.array(t), EyeSettings())
        )


def _generators() -> Iterator[Trial]:
    for seed, amount in (
        (-1, 1.0), (2.5, 1.0), ("7", 1.0), (None, 1.0), (True, 1.0), (2**32, 1.0), (10**40, 1.0),
        (0, -0.1), (0, 1.6), (0, np.nan), (0, np.inf), (0, "1"), (0, None),
    ):  # fmt: skip
        shown = f"seed {seed if seed != 10**40 else '10 to the 40'}, amount {amount}"
        yield Trial(
            "Variations",
            shown,
            lambda s=seed, a=amount: _generate(
                world.small_curves(), generator="lm4dgan", variation=Variation(s, a)
            ),
        )
    yield Trial(
        "Variations",
        "a generator nobody knows",
        lambda: _generate(world.small_curves(), generator="gan"),
    )
    sheets: dict[str, dict[str, Any]] = {
        "a sheet of no seeds": {"seeds": ()},
        "a sheet of seed -3": {"seeds": (-3,)},
        "a sheet of 0 pixels": {"num_pixels": 0},
        "a sheet of -5 pixels": {"num_pixels": -5},
        "a sheet of 1 pixel": {"num_pixels": 1},
        "a sheet of 100,000 pixels": {"num_pixels": 100_000},
        "a sheet of amount 9": {"amount": 9.0},
        "a sheet of amount NaN": {"amount": np.nan},
    }
    for name, how in sheets.items():
        yield Trial(
            "Variations",
            name,
            lambda h=how: pipeline.variations(
                world.alignment(),
                world.small_curves(),
                30.0,
                world.bundle(),
                **({"seeds": (1,), "num_pixels": 16} | h),
            ),
        )


def _bakes() -> Iterator[Trial]:
    def clip(displacements: Any, mm_per_unit: Any = 1.0) -> pipeline.Clip:
        return pipeline.Clip(displacements, np.zeros((4, 6)), 30.0, mm_per_unit)

    moving = np.random.default_rng(0).normal(size=(4, 50, 3)).astype(np.float32)
    bad = moving.copy()
    bad[1, 7] = np.nan
    clips: dict[str, Any] = {
        "a vertex NaN in one frame": bad,
        "a vertex Inf in one frame": np.where(np.isnan(bad), np.inf, bad),
        "no frames": moving[:0],
        "no vertices": moving[:, :0],
        "one frame": moving[:1],
        "at rest": np.zeros_like(moving),
        "vertices in the plane": moving[..., :2],
        "no vertices' dimension": moving[0],
        "displacements of 1e30": moving * np.float32(1e30),
        "displacements of 1e-40": moving * np.float32(1e-40),
    }
    for name, values in clips.items():
        for mode in ("compact", "frames"):
            yield Trial(
                "Bakes",
                f"{name}, {mode}",
                lambda v=values, m=mode: pipeline.bake(clip(v), m),
                (values,),
            )
    for error in (0.0, -1.0, np.nan, np.inf, 1e-300, 1e300, "0.1", None):
        yield Trial(
            "Bakes",
            f"a tolerance of {error} mm",
            lambda e=error: pipeline.bake(clip(moving), "compact", e),
            (moving,),
        )
    yield Trial("Bakes", "a mode nobody knows", lambda: pipeline.bake(clip(moving), "all"))
