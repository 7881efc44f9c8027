"""`MotionEngine`: who generates motion. What a motion is asked with, whoever makes it.

`None` in the pipeline is the NumPy engine of this process; another engine may take many requests
at once, as `worker_client.Worker` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from .bundle import Bundle
from .conditioning import model_times
from .errors import IntensityError, TopologyMismatchError
from .intensity import check_intensities
from .landmark_inference import MEAN_MOTION, Variation, check_length, landmark_model_of
from .motion import FaceMotion
from .numeric import finite, shown
from .progress import Progress

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
# The first generator plays what curves and face make most likely (Potamias et al., ECCV 2020); the
# second one of the ways people differ in (LM-4DGAN).
Generator = Literal["lstm", "lm4dgan"]
GENERATORS: tuple[Generator, ...] = ("lstm", "lm4dgan")


@dataclass(frozen=True, eq=False)
class MotionRequest:
    """One motion, as `Engine.generate` and `LandmarkEngine.generate` are asked for it.

    intensities: (T, C) in [0, 1] at frames_per_second. neutral: (V, 3) mm, the face in template
    topology, None for the template's own. lip_gap: see `conditioning.relative_lip_gap`; the first
    generator alone reads it. variation: the second alone. rows: (N,) which of the T frames to hand
    back, None is all.
    """

    intensities: FloatArray
    frames_per_second: float
    neutral: FloatArray | None = None
    lip_gap: float = 0.0
    generator: Generator = "lstm"
    variation: Variation = MEAN_MOTION
    rows: IntArray | None = None

    @property
    def num_rows(self) -> int:
        """Frames that are handed back."""
        return len(self.intensities if self.rows is None else self.rows)


class MotionEngine(Protocol):
    """Makes the motions of one bundle, in the order they are asked for."""

    def motions(
        self, bundle: Bundle, requests: Sequence[MotionRequest], progress: Progress
    ) -> list[FaceMotion]:
        """Raises as the NumPy engine does, and what progress raises."""


def check_request(request: MotionRequest, bundle: Bundle) -> None:
    """Refuse what the NumPy engine would refuse, before anything is sent or computed.

    Raises IntensityError, TopologyMismatchError and BundleError, each with one sentence.
    """
    check_intensities(request.intensities, bundle.config.num_expressions)
    check_rate(request.frames_per_second)
    num_frames, num_vertices = len(request.intensities), bundle.template.num_vertices
    if request.generator not in GENERATORS:
        raise IntensityError(
            f"There is no generator '{request.generator}': choose one of {', '.join(GENERATORS)}."
        )
    neutral, rows = request.neutral, request.rows
    if neutral is not None and (
        np.shape(neutral) != (num_vertices, 3) or not np.isfinite(neutral).all()
    ):
        raise TopologyMismatchError(
            f"The neutral: expected ({num_vertices}, 3) finite positions in the template's "
            f"topology, got {np.shape(neutral)}: fit the template to the face first."
        )
    if rows is not None and (
        np.ndim(rows) != 1
        or not np.issubdtype(np.asarray(rows).dtype, np.integer)
        or (len(rows) and not 0 <= np.min(rows) <= np.max(rows) < num_frames)
    ):
        raise IntensityError(
            f"The frames to hand back are not among the clip's {num_frames}: ask for 0 to "
            f"{num_frames - 1}."
        )
    if not np.isfinite(request.lip_gap):
        raise IntensityError("The gap of the lips is not a number: match the head again.")
    if request.generator == "lm4dgan":
        landmark_model_of(bundle)
        times = np.arange(num_frames) / request.frames_per_second
        check_length(len(model_times(times, bundle.config.model_rate)), bundle.config.model_rate)


def check_rate(frames_per_second: float) -> float:
    """The rate. Raises IntensityError for one at which there is no time between frames."""
    rate = finite(frames_per_second)
    if rate is None or rate <= 0:
        raise IntensityError(
            f"The frame rate must be above 0, got {shown(frames_per_second)}: 24 to 60 frames per "
            "second are usual."
        )
    return rate
