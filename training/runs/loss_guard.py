"""When a run has gone wrong: a loss that is not a number, or has exploded, stops it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import torch

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
    if len(earlier) < FEWEST_LOSSES:
        return
    median = statistics.median(earlier[-MEDIAN_WINDOW:])
    if loss > explosion_factor * median:
        raise TrainingStoppedError(
            f"The loss has exploded at {place}, {loss:.4g} after a median of {median:.4g}: "
            f"{advice}."
        )


def check_weights(model: torch.nn.Module, place: str, kept: str) -> None:
    """Raise TrainingStoppedError where weights are not finite: no loss has seen the last ones."""
    for name, weight in model.named_parameters():
        if not torch.isfinite(weight).all():
            raise TrainingStoppedError(f"The weights {name} are not finite after {place}: {kept}.")
