"""Another engine beside the built-in one: the same motions, how different, and how fast."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .bundle import Bundle
from .inference import Engine
from .landmark_inference import LandmarkEngine, Variation
from .motion import FaceMotion
from .motion_engine import GENERATORS, Generator, MotionEngine, MotionRequest
from .progress import Progress, no_progress, subprogress

SELF_TEST_FRAMES = 100


@dataclass(frozen=True)
class SelfTest:
    """The same motions by worker and built-in engine, of every generator of the bundle.

    frames: of all motions; seconds: of the second run of each, when everything is loaded.
    """

    frames: int
    worker_seconds: float
    built_in_seconds: float
    largest_difference_mm: float


def compare(engine: MotionEngine, bundle: Bundle, progress: Progress = no_progress) -> SelfTest:
    """Every generator of the bundle by both engines, twice, the second time timed."""
    generators = GENERATORS if bundle.landmark_model is not None else GENERATORS[:1]
    asked = [test_request(bundle, generator) for generator in generators]
    engine.motions(bundle, asked, subprogress(progress, 0.0, 0.5))
    started = time.perf_counter()
    made = engine.motions(bundle, asked, subprogress(progress, 0.5, 0.7))
    engine_seconds = time.perf_counter() - started
    progress(0.7, "Comparing with the built-in engine")
    run = built_in(bundle, asked)
    run()
    started = time.perf_counter()
    expected = run()
    built_in_seconds = time.perf_counter() - started
    difference = max(
        float(np.abs(ours.skin - theirs.skin).max())
        for ours, theirs in zip(made, expected, strict=True)
    )
    frames = sum(motion.num_frames for motion in made)
    return SelfTest(frames, engine_seconds, built_in_seconds, difference)


def test_request(bundle: Bundle, generator: Generator) -> MotionRequest:
    """Every expression of the bundle rises and falls, one after the other."""
    count = bundle.config.num_expressions
    clock = np.linspace(0.0, count, SELF_TEST_FRAMES)
    rise = 1.0 - 2.0 * np.abs(clock[:, None] - np.arange(count) - 0.5)
    variation = Variation(1, 1.0)
    return MotionRequest(np.clip(rise, 0.0, 1.0), 30.0, None, 0.0, generator, variation)


def built_in(bundle: Bundle, requests: Sequence[MotionRequest]) -> Callable[[], list[FaceMotion]]:
    """The same by the NumPy engines, which are made once."""
    steady = Engine(bundle)
    varied = None if bundle.landmark_model is None else LandmarkEngine(bundle, steady.shapes_of)

    def run() -> list[FaceMotion]:
        made = []
        for asked in requests:
            given = asked.intensities, asked.frames_per_second, asked.neutral
            if asked.generator == "lstm" or varied is None:
                made.append(steady.generate(*given, asked.lip_gap, asked.rows))
            else:
                made.append(varied.generate(*given, asked.variation, asked.rows))
        return made

    return run
