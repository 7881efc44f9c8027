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
    """A variation, how it was matched, and (T, M, 3) mm: where it should go, was carried to by
    retargeting alone, and does go with contact.

    refusal: the sentence, where it was not matched. seconds: of the match.
    """

    variation: Variation
    alignment: Alignment | None
    truth: FloatArray
    carried: FloatArray
    result: FloatArray
    seconds: float
    refusal: str = ""

    @property
    def name(self) -> str:
        return f"{self.variation.truth.name}, {self.variation.name}"

    def errors(self, motion: FloatArray) -> FloatArray:
        """(T, N) mm of `carried` or `result` at the vertices of the seen face."""
        at = self.variation.is_outer_face
        return np.linalg.norm((motion - self.truth)[:, at], axis=2)


def try_out(variation: Variation, bundle: Bundle) -> Trial:
    """Match a head without help and play the motion of the truth on it."""
    truth = variation.true_displacements()
    started = time.perf_counter()
    try:
        alignment = pipeline.match(variation.mesh, bundle)
    except FacegenError as error:
        seconds = time.perf_counter() - started
        nothing = np.zeros_like(truth)
        return Trial(variation, None, truth, nothing, nothing, seconds, str(error))
    seconds = time.perf_counter() - started
    carried = retarget(variation.truth.motion, alignment)
    result, _ = contact.resolve_clip(alignment, carried)
    return Trial(
        variation, alignment, truth, variation.in_mm(carried), variation.in_mm(result), seconds
    )
