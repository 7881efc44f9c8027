"""When a run has gone wrong: a loss that is not a number, or has exploded, stops it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from facegen_core.errors import FacegenError

# Losses the running median is taken of, and how many it needs to mean something.
MEDIAN_WINDOW = 100
FEWEST_LOSSES = 10


class TrainingStoppedError(FacegenError):
    """The loss is not finite or has exploded: the run was stopped."""


def check_loss(
    loss: float,
    earlier: Sequence[float],
    explosion_factor: float,
    place: str,
    sequences: Sequence[str],
    kept: str,
) -> None:
    """Raise TrainingStoppedError, in one sentence, where `loss` ends the run.

    earlier: losses of the stage so far. place: of the step, as in "step 7 of stage motion";
    sequences: names of those in its batch; kept: which checkpoint is the last good one.
    """
    advice = f"it saw {', '.join(sequences)}; {kept}"
    if not math.isfinite(loss):
        raise TrainingStoppedError(f"The loss is {loss} at {place}: {advice}.")
    window = earlier[-MEDIAN_WINDOW:]
    if len(window) < FEWEST_LOSSES:
        return
    median = statistics.median(window)
    if loss > explosion_factor * median:
        raise TrainingStoppedError(
            f"The loss has exploded at {place}, {loss:.4g} after a median of {median:.4g}: "
            f"{advice}."
        )
