"""Table 3: a classifier that learned to name true expressions looks at generated ones.

Potamias et al., ECCV 2020, section 5.3: 64 PCA coefficients per frame, concatenated, three dense
layers, Adam with weight decay 5e-3 for 13 epochs, trained on the generator's training set. The
paper states neither frames, widths, learning rate nor batch: sequences are resampled to one number
of frames, the widths are 512 and 128, the rest is what Adam is mostly used with. One training says
little, so several are averaged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from training.runs.settings import NUM_THREADS
from training.runs.threads import computing_on

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

HIDDEN_SIZES = (512, 128)
NUM_EPOCHS = 13
WEIGHT_DECAY = 5e-3
LEARNING_RATE = 1e-3
BATCH_SIZE = 32


@dataclass(frozen=True, eq=False)
class Scores:
    """precision, recall, f1: (C,) per expression; their means over expressions are the totals."""

    precision: FloatArray
    recall: FloatArray
    f1: FloatArray

    @classmethod
    def of(cls, predicted: IntArray, truth: IntArray, num_classes: int) -> Scores:
        """Scores of (S,) predictions. What is never predicted, or never there, scores 0."""
        confusion = np.zeros((num_classes, num_classes))
        np.add.at(confusion, (truth, predicted), 1.0)
        hits = np.diag(confusion)
        precision = hits / np.maximum(confusion.sum(axis=0), 1.0)
        recall = hits / np.maximum(confusion.sum(axis=1), 1.0)
        total = np.maximum(precision + recall, 1e-12)
        return cls(precision, recall, 2.0 * precision * recall / total)

    def table(self) -> FloatArray:
        """(3, C + 1): precision, recall and F1 rows; expressions, then their mean."""
        rows = np.stack([self.precision, self.recall, self.f1])
        return np.concatenate([rows, rows.mean(axis=1, keepdims=True)], axis=1)


@dataclass(frozen=True, eq=False)
class SpreadScores:
    """means, deviations: (3, C + 1) of `Scores.table` over trainings of the classifier."""

    means: FloatArray
    deviations: FloatArray


def train_classifier(
    features: FloatArray, classes: IntArray, num_classes: int, seed: int
) -> nn.Module:
    """The paper's classifier, trained on (S, N, K) coefficients and (S,) classes."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.from_numpy(features.reshape(len(features), -1)).float()
    targets = torch.from_numpy(classes).long()
    with torch.random.fork_rng(devices=[]):  # layers take their start from the global generator
        torch.manual_seed(seed)
        model = nn.Sequential(
            nn.Linear(inputs.shape[1], HIDDEN_SIZES[0]),
            nn.ReLU(),
            nn.Linear(*HIDDEN_SIZES),
            nn.ReLU(),
            nn.Linear(HIDDEN_SIZES[1], num_classes),
        )
    optimiser = torch.optim.Adam(model.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    for _ in range(NUM_EPOCHS):
        for rows in torch.randperm(len(inputs), generator=generator).split(BATCH_SIZE):
            loss = nn.functional.cross_entropy(model(inputs[rows]), targets[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return model


@torch.no_grad()
def classify(model: nn.Module, features: FloatArray) -> IntArray:
    """(S,) classes of (S, N, K) coefficients."""
    inputs = torch.from_numpy(features.reshape(len(features), -1)).float()
    return model(inputs).argmax(dim=1).numpy()


@computing_on(NUM_THREADS)
def score_systems(
    training: tuple[FloatArray, IntArray],
    tests: Mapping[str, FloatArray],
    classes: IntArray,
    num_classes: int,
    seeds: Sequence[int],
) -> dict[str, SpreadScores]:
    """{system: scores over one classifier per seed} of each system's version of the test set.

    training: true coefficients (S, N, K) and classes (S,); tests: {system: (S', N, K)}, all of the
    same test sequences, whose expressions are classes (S',).
    """
    tables: dict[str, list[FloatArray]] = {name: [] for name in tests}
    for seed in seeds:
        model = train_classifier(*training, num_classes, seed)
        for name, features in tests.items():
            scores = Scores.of(classify(model, features), classes, num_classes)
            tables[name].append(scores.table())
    return {n: SpreadScores(np.mean(t, axis=0), np.std(t, axis=0)) for n, t in tables.items()}
