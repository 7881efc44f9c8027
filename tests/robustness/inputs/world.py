"""What all trials start from: the default model, the sample head on it, sound files to spoil."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facegen_core.bundle import Bundle, load_bundle, save_bundle
from facegen_core.registration.alignment import Alignment
from tests.core.model_fixtures import random_landmark_bundle
from tests.core.sample_head import aligned_sample_head

ROOT = Path(__file__).parents[3]
DEFAULT_BUNDLE = ROOT / "blender_addon" / "assets" / "default.facegen"


@cache
def bundle() -> Bundle:
    return load_bundle(DEFAULT_BUNDLE)


@cache
def alignment() -> Alignment:
    """The sample head, 17,463 vertices, as matched."""
    return aligned_sample_head(bundle())


@cache
def small_bundle_bytes() -> bytes:
    """A sound bundle of half a megabyte with both generators on a sphere of 261 vertices."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.facegen"
        save_bundle(random_landmark_bundle(), path)
        return path.read_bytes()


@cache
def _rooms() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="facegen_inputs_")


@contextmanager
def one_folder() -> Iterator[None]:
    """What `folder` makes meanwhile is gone afterwards, also where Blender ends the process."""
    try:
        yield
    finally:
        _rooms().cleanup()
        _rooms.cache_clear()


def folder() -> Path:
    """A new one for a trial, within the one of this process."""
    return Path(tempfile.mkdtemp(dir=_rooms().name))


def small_curves(num_frames: int = 6) -> NDArray[np.float64]:
    """(T, 6) a rise of the first expression."""
    curves = np.zeros((num_frames, 6))
    curves[:, 0] = np.linspace(0.0, 1.0, num_frames)
    return curves
