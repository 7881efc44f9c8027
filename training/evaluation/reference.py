"""What the test is judged with, all of it from the training subjects: statistics, basis, means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facegen_core.errors import DatasetError
from training.datasets.training_data import TrainingData
from training.evaluation.questions import Labels
from training.expression_model.reconstruction import ClassMeans, class_means
from training.expression_model.recordings import (
    MotionBasis,
    compute_basis,
    magnitude_statistics,
    record,
)

IntArray = NDArray[np.integer]

# Coefficients per frame of the paper's classifier (section 5.3), and frames the PCA is made of.
NUM_COEFFICIENTS = 64
PCA_FRAMES = 1500
# Label rule of what is not a trained run: amplitude in proportion to the motion.
REFERENCE_RULE = "proportional"


@dataclass(frozen=True, eq=False)
class Reference:
    """Labels and class means of the training set; its PCA, and its sequences for the classifier.

    frames_per_sequence: N, to which sequences are resampled. features: (S, N, 64) coefficients of
    the training sequences; classes: (S,) their expressions.
    """

    labels: Labels
    means: ClassMeans
    basis: MotionBasis
    frames_per_sequence: int
    features: NDArray[np.float32]
    classes: IntArray


def read_reference(data: TrainingData, frames_per_sequence: int, seed: int) -> Reference:
    """One reading of all training sequences that show one expression."""
    sequences = [s for s in data.sequences["train"] if len(s.components) == 1]
    if not sequences:
        raise DatasetError("The training split has no sequence of one expression to judge by.")
    basis = compute_basis(sequences, NUM_COEFFICIENTS, PCA_FRAMES, np.random.default_rng(seed))
    recordings = record(sequences, basis, data.expressions, REFERENCE_RULE)
    statistics = magnitude_statistics(recordings, len(data.expressions))
    return Reference(
        Labels(statistics, REFERENCE_RULE),
        class_means(recordings, statistics, REFERENCE_RULE),
        basis,
        frames_per_sequence,
        np.stack(
            [
                r.coefficients[resampled_frames(r.num_frames, frames_per_sequence)]
                for r in recordings
            ]
        ),
        np.array([r.components[0].expression for r in recordings]),
    )


def resampled_frames(num_frames: int, count: int) -> IntArray:
    """(count,) whole frames from the first to the last, evenly; doubled in shorter sequences."""
    return np.rint(np.linspace(0, num_frames - 1, count)).astype(np.int64)
