"""The motion of a matched head under its layers, by this process or by another engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from .bundle import Bundle
from .conditioning import relative_lip_gap
from .eye_layer import add_lids
from .inference import Engine
from .landmark_inference import LandmarkEngine, Variation
from .layers import Layers, Play, combine, eyes_of, plays_of
from .motion import FaceMotion
from .motion_engine import Generator, MotionEngine, MotionRequest
from .progress import Progress, no_progress
from .registration.alignment import Alignment

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Identity coefficients are N(0, 1) in people; a stylised head is fitted with larger ones, at which
# faces of the identity basis stop being plausible.
MAX_COEFFICIENT = 2.5
# `person_of` of every alignment in use.
_people: WeakKeyDictionary[Alignment, FloatArray] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Asked:
    """(T, C) intensities under layers, played on a matched head."""

    alignment: Alignment
    intensities: FloatArray
    frames_per_second: float
    bundle: Bundle
    layers: Layers | None


def layered(
    asked: Asked,
    generator: Generator,
    variations: Sequence[Variation],
    rows: IntArray | None = None,
    engine: MotionEngine | None = None,
    progress: Progress = no_progress,
) -> Iterator[FaceMotion]:
    """What a generator makes of the curves for this head in each variation, under the layers.

    rows: (N,) which of the T frames to hand back, as they are in the whole; None is all. An engine
    is asked for everything at once: every variation, and every run that the layers need.
    """
    alignment, layers = asked.alignment, asked.layers
    all_rows = slice(None) if rows is None else rows
    plays = plays_of(layers, asked.intensities, asked.frames_per_second)
    requests = [
        _request(asked, play, generator, variation, rows)
        for variation in variations
        for play in plays
    ]
    if engine is None:
        made: Iterator[FaceMotion] = (_built_in(asked.bundle, each) for each in requests)
    else:
        made = iter(engine.motions(asked.bundle, requests, progress))
    for _ in variations:
        motion = combine(layers, plays, lambda _: next(made), alignment.template, all_rows)
        yield add_lids(motion, alignment, eyes_of(layers), asked.bundle.face_shapes, all_rows)


def _request(
    asked: Asked, play: Play, generator: Generator, variation: Variation, rows: IntArray | None
) -> MotionRequest:
    alignment = asked.alignment
    gap = relative_lip_gap(alignment.fit.landmarks, alignment.template.landmark_positions)
    curves, rate = play.intensities, asked.frames_per_second
    return MotionRequest(curves, rate, person_of(alignment), gap, generator, variation, rows)


def _built_in(bundle: Bundle, asked: MotionRequest) -> FaceMotion:
    """By the NumPy engines of this process."""
    given = asked.intensities, asked.frames_per_second, asked.neutral
    if asked.generator == "lm4dgan":
        return landmark_engine_of(bundle).generate(*given, asked.variation, asked.rows)
    return engine_of(bundle).generate(*given, asked.lip_gap, asked.rows)


def person_of(alignment: Alignment) -> FloatArray:
    """(V, 3) mm, the plausible face nearest to the head: motion made for it needs little carrying.

    Not the bent template itself, whose small folds a scan or a sculpt leaves there would move too.
    """
    person = _people.get(alignment)
    if person is None:
        known = alignment.fit.identity_coefficients
        person = alignment.template.with_identity(np.clip(known, -MAX_COEFFICIENT, MAX_COEFFICIENT))
        _people[alignment] = person
    return person


@lru_cache(maxsize=1)
def engine_of(bundle: Bundle) -> Engine:
    """The engine of the bundle in use: joining its operators again would slow every clip down."""
    return Engine(bundle)


@lru_cache(maxsize=1)
def landmark_engine_of(bundle: Bundle) -> LandmarkEngine:
    return LandmarkEngine(bundle, engine_of(bundle).shapes_of)
