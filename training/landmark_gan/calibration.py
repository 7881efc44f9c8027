"""How much noise amount 1 is: as much as people differ who play the same label with this face."""

from __future__ import annotations

import numpy as np
from tqdm import tqdm

from training.evaluation.questions import Labels, Question
from training.landmark_evaluation.diversity import (
    open_variety,
    pair_distance,
    true_landmark_diversity,
)
from training.landmark_gan.run import LandmarkRun
from training.landmark_gan.takes import LandmarkTake
from training.landmark_gan.validation import NUM_NOISES, generate_take

# Validation takes it is found on, and the amounts that are tried.
NUM_TAKES = 36
AMOUNTS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)


def calibrate(run: LandmarkRun) -> dict[str, float]:
    """Scale the noise so that motions on validation subjects are as diverse as is asked for.

    Returns the true and the generated diversity, mm, and the scale. Where the set does not tell how
    differently one face plays one label, the noise stays as it was trained.
    """
    labels = Labels(run.statistics, run.config.labels)
    variety = open_variety(run.data, labels, "val", run.config.seed)
    sequences = {s.name: s for s in run.data.sequences["val"]}
    takes, truths = [], []
    for take in _chosen(run):
        sequence = sequences[take.name]
        question = Question.about(sequence, sequence.displacements(), run.data.expressions)
        truth = true_landmark_diversity(question, variety, run.data.template, seed=run.config.seed)
        if truth is not None:
            takes.append(take)
            truths.append(truth)
    if not takes:
        return {"scale": 1.0}
    spreads = [_spread(run, takes, amount) for amount in AMOUNTS]
    wanted = run.config.diversity * float(np.mean(truths))
    scale = float(np.interp(wanted, np.maximum.accumulate(spreads), AMOUNTS))
    run.networks.generators.noise_scales.mul_(scale)
    return {
        "true_mm": round(float(np.mean(truths)), 4),
        "trained_mm": round(spreads[AMOUNTS.index(1.0)], 4),
        "scale": round(scale, 4),
    }


def _chosen(run: LandmarkRun) -> list[LandmarkTake]:
    """Some takes of one expression, all expressions alike."""
    takes = [take for take in run.takes["val"] if len(take.components) == 1]
    groups: dict[int, list[LandmarkTake]] = {}
    for take in takes:
        groups.setdefault(take.components[0].expression, []).append(take)
    rng, chosen = run.rng(5), []
    for _, members in sorted(groups.items()):
        count = min(len(members), -(-NUM_TAKES // len(groups)))
        chosen += [members[i] for i in np.sort(rng.permutation(len(members))[:count])]
    return chosen


def _spread(run: LandmarkRun, takes: list[LandmarkTake], amount: float) -> float:
    """Mean distance of two motions of one face and label with this amount of noise, mm."""
    return float(
        np.mean(
            [
                pair_distance(generate_take(run, take, NUM_NOISES, number, amount))
                for number, take in enumerate(
                    tqdm(takes, desc=f"Noise {amount:g}", mininterval=2.0)
                )
            ]
        )
    )
