"""One head matched and moved: what all measures of motion look at."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facegen_core import contact, pipeline
from facegen_core.bundle import Bundle
from facegen_core.errors import FacegenError
from facegen_core.registration.alignment import Alignment
from facegen_core.retarget import retarget
from tests.benchmarks.heads.variation import Variation

FloatArray = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Trial:
    """A variation, how it was matched, and (T, M, 3) mm of the truth: where it should and does go.

    refusal: the sentence, where it was not matched. seconds: of the match.
    """

    variation: Variation
    alignment: Alignment | None
    truth: FloatArray
    result: FloatArray
    seconds: float
    refusal: str = ""

    @property
    def name(self) -> str:
        return f"{self.variation.truth.name}, {self.variation.name}"

    def errors(self) -> FloatArray:
        """(T, N) mm at the vertices of the seen face."""
        at = self.variation.is_outer_face
        return np.linalg.norm((self.result - self.truth)[:, at], axis=2)


def try_out(variation: Variation, bundle: Bundle) -> Trial:
    """Match a head without help and play the motion of the truth on it."""
    truth = variation.true_displacements()
    started = time.perf_counter()
    try:
        alignment = pipeline.match(variation.mesh, bundle)
    except FacegenError as error:
        seconds = time.perf_counter() - started
        return Trial(variation, None, truth, np.zeros_like(truth), seconds, str(error))
    seconds = time.perf_counter() - started
    moved = retarget(variation.truth.motion, alignment)
    if hasattr(contact, "resolve_clip"):
        moved, _ = contact.resolve_clip(alignment, moved)
    return Trial(variation, alignment, truth, variation.in_mm(moved), seconds)
