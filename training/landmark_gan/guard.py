"""When an adversarial training has gone wrong: said in one sentence, with what to do."""

from __future__ import annotations

import math
from collections.abc import Sequence

from training.runs.loss_guard import FEWEST_LOSSES, MEDIAN_WINDOW, TrainingStoppedError

# A critic whose scores of true and generated motion have differed by less than this for so many
# steps, while these are this far from the truth, tells nothing any more.
SMALLEST_SPREAD, COLLAPSED_STEPS = 1e-6, 200
# In units of motion (its RMS): a truth never is.
LARGEST_ERROR = 10.0


def check_step(
    losses: Sequence[float],
    spreads: Sequence[float],
    earlier: Sequence[Sequence[float]],
    explosion_factor: float,
    place: str,
    names: Sequence[str],
    kept: str,
) -> None:
    """Raise TrainingStoppedError where a step shows that training has gone wrong.

    losses: of the generators, objective.LOSS_NAMES; spreads: of the critic's scores in the last
    steps, empty without critics; earlier: losses of the stage so far.
    """
    seen = f"it saw {', '.join(names[:4])}{', …' if len(names) > 4 else ''}; {kept}"
    if not all(math.isfinite(loss) for loss in losses):
        raise TrainingStoppedError(f"A loss is not a number at {place}: {seen}.")
    error = losses[1]
    usual = sorted(row[1] for row in earlier[-MEDIAN_WINDOW:])
    median = usual[len(usual) // 2] if len(usual) >= FEWEST_LOSSES else math.inf
    if error > min(explosion_factor * median, explosion_factor * LARGEST_ERROR):
        raise TrainingStoppedError(
            f"The generators diverge at {place}: their error is {error:.3g} units of motion; lower "
            f"learning_rate, or critic_weight; {seen}."
        )
    if len(spreads) >= COLLAPSED_STEPS and max(spreads[-COLLAPSED_STEPS:]) < SMALLEST_SPREAD:
        raise TrainingStoppedError(
            f"The critic has collapsed at {place}: it scores everything alike for "
            f"{COLLAPSED_STEPS} steps; lower critic_rate, or raise penalty; {seen}."
        )
