"""Is a motion that was made for a person this person's, and nobody else's?

Every test face is asked the same: one expression at the average strength with the same marks, so
that neither strength nor timing tells who is meant. What comes back is displacement alone, brought
to unit strength, so that neither the shape of the head nor its size tells either. What is left is
how an expression looks on a face. A system that does not look at the face gives everyone the same
motion and is right once in as many faces as there are.

Recognition: the nearest of all test subjects' true motions of the expression, by mean distance of
vertices. Swap: where the generated motions of two people differ, do the true ones differ that way?
"""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facegen_core.metrics import mean_displacement
from training.landmark_evaluation.clock import at_times

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Moments of onset, apex and offset at which motions are compared.
STEPS_PER_PHASE = 6
# Motion below this is rest, mm: it has no pattern to compare.
_REST_MM = 1e-6


@dataclass(frozen=True)
class Recognition:
    """Over all probes: share whose own subject is nearest, among the five nearest; mean rank, where
    1 is nearest; and what chance gives among `num_subjects`."""

    top1: float
    top5: float
    mean_rank: float
    num_probes: int
    num_subjects: int

    @property
    def chance_top1(self) -> float:
        return 1.0 / self.num_subjects

    @property
    def chance_top5(self) -> float:
        return min(5, self.num_subjects) / self.num_subjects

    @property
    def chance_rank(self) -> float:
        return 0.5 * (self.num_subjects + 1)


@dataclass(frozen=True)
class Swap:
    """Over pairs of people: mean cosine between generated and true difference, and the share of
    pairs in which it is above 0."""

    cosine: float
    positive_share: float
    num_pairs: int


def phase_times(marks: FloatArray, num_frames: int) -> FloatArray:
    """(3 * STEPS_PER_PHASE,) frames within onset, apex and offset, at the middle of equal steps."""
    clock = (np.arange(3 * STEPS_PER_PHASE) + 0.5) / STEPS_PER_PHASE
    return np.clip(np.interp(clock, [0, 1, 2, 3], marks), 0, num_frames - 1)


def on_phases(motion: FloatArray, marks: FloatArray) -> NDArray[np.float32]:
    """(3 * STEPS_PER_PHASE, P, 3) a motion (T, P, 3) on the clock of its own marks."""
    return at_times(motion, phase_times(marks, len(motion)))


def at_unit_strength(motion: FloatArray) -> NDArray[np.float32]:
    """A motion (N, P, 3) divided by its mean displacement; rest stays rest."""
    strength = float(mean_displacement(motion).mean())
    return (motion / strength if strength > _REST_MM else motion).astype(np.float32)


def recognise(
    probes: Rows[FloatArray], owners: Rows[int], gallery: Rows[FloatArray]
) -> list[float]:
    """(P,) rank of its owner for each probe: 1 + how many of the gallery are nearer than they.

    probes: (N, P, 3) each, of subjects `owners`, rows of the gallery (S) of the same form. Those as
    near as the owner count half, so that who knows nothing has the rank of chance.
    """
    true = [at_unit_strength(motion) for motion in gallery]
    ranks = []
    for probe, owner in zip(probes, owners, strict=True):
        unit = at_unit_strength(probe)
        distances = np.array([mean_displacement(unit - motion).mean() for motion in true])
        nearer = np.count_nonzero(distances < distances[owner])
        equal = np.count_nonzero(distances == distances[owner]) - 1
        ranks.append(1 + nearer + 0.5 * equal)
    return ranks


def recognition_of(ranks: Rows[float], num_subjects: int) -> Recognition:
    values = np.asarray(ranks, float)
    return Recognition(
        float((values <= 1).mean()),
        float((values <= 5).mean()),
        float(values.mean()),
        len(values),
        num_subjects,
    )


def swap_cosines(generated: Rows[FloatArray], true: Rows[FloatArray]) -> FloatArray:
    """(pairs,) cosine between generated[i] − generated[j] and true[i] − true[j], for all i < j.

    Both are motions (N, P, 3) of the same subjects and the same question, mm. Pairs of whom no
    difference was generated, or is true, score 0: nothing points nowhere.
    """
    ours = np.stack([np.ravel(motion) for motion in generated]).astype(np.float64)
    theirs = np.stack([np.ravel(motion) for motion in true]).astype(np.float64)
    first, second = np.triu_indices(len(ours), 1)

    def dots(a: FloatArray, b: FloatArray) -> FloatArray:
        """(pairs,) products of differences, from the products of motions."""
        products = a @ b.T
        own = np.diag(products)
        return own[first] + own[second] - products[first, second] - products[second, first]

    lengths = dots(ours, ours).clip(0) * dots(theirs, theirs).clip(0)
    scale = (ours**2).sum(axis=1).mean() * (theirs**2).sum(axis=1).mean()
    known = lengths > 1e-12 * max(scale, 1e-30)
    return np.where(known, dots(ours, theirs) / np.sqrt(np.where(known, lengths, 1.0)), 0.0)


def swap_of(cosines: FloatArray) -> Swap:
    return Swap(float(np.mean(cosines)), float((cosines > 0).mean()), len(cosines))
