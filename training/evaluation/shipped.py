"""The first generator as it ships: a bundle asked like a run, where its run is not at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facegen_core.bundle import load_bundle
from facegen_core.conditioning import relative_lip_gap
from facegen_core.errors import BundleError
from facegen_core.inference import Engine
from facegen_core.template import Template
from training.datasets.training_data import TrainingData
from training.evaluation.questions import Labels, Question
from training.expression_model.recordings import MagnitudeStatistics
from training.landmark_gan.takes import neutral_landmarks

IntArray = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class ShippedSystem:
    """labels: how it is told a strength, by what its header says of its training data."""

    engine: Engine
    labels: Labels
    template: Template

    def answer(self, question: Question, frames: IntArray) -> NDArray[np.float32]:
        """(N, V, 3) displacements from the neutral, mm, at (N,) frames of the sequence."""
        neutral = question.sequence.neutral
        signal = self.labels.signal(question)
        landmarks = neutral_landmarks(self.template, neutral)
        codes = self.engine.encode(
            signal, relative_lip_gap(landmarks, self.template.landmark_positions)
        )
        follows = self.engine.config.follows_neutral
        shapes = self.engine.shapes_of(np.asarray(neutral) if follows else None)
        skin = self.engine.decode(codes[frames], shapes)
        return skin * self.engine.rest_gate(signal)[frames, None, None]


def open_shipped(path: Path, data: TrainingData) -> ShippedSystem:
    """The first generator of a bundle, checked against the data. Raises BundleError."""
    bundle = load_bundle(path)
    told, config = bundle.header["training_data"], bundle.config
    if config.expressions != tuple(data.expressions) or config.model_rate != data.frame_rate:
        raise BundleError(
            f"{path.name} is for other expressions or another rate than the data set has: evaluate "
            "it on data of its own kind."
        )
    if bundle.template.num_vertices != data.template.num_vertices:
        raise BundleError(
            f"{path.name} moves {bundle.template.num_vertices} vertices, the data set has "
            f"{data.template.num_vertices}: evaluate it on data of its own topology."
        )
    means, deviations = (told.get(f"magnitude_{name}_mm", ()) for name in ("means", "deviations"))
    if len(means) != config.num_expressions:
        raise BundleError(f"{path.name} does not tell how strong its training data was.")
    labels = Labels(MagnitudeStatistics(tuple(means), tuple(deviations)), config.labels)
    return ShippedSystem(Engine(bundle), labels, data.template)
