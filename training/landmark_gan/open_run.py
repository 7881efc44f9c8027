"""A finished run of the landmark generators, to ask how a face will move."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from facegen_core.conditioning import signal_features
from facegen_core.deformation_transfer import BasisTransfer
from facegen_core.landmark_inference import MEAN_MOTION, Variation, draw_noise
from facegen_core.models.landmark_config import FRAME_SIZE
from facegen_core.models.landmark_gan import LandmarkGenerators
from facegen_core.models.neutral_reading import landmark_map, seen_by_landmarks
from facegen_core.template import Template
from training.datasets.training_data import TrainingData
from training.displacement_decoder.faces import read_basis
from training.evaluation.questions import Labels, Question
from training.expression_model.recordings import MagnitudeStatistics
from training.landmark_gan.config import LandmarkTrainConfig
from training.landmark_gan.takes import neutral_landmarks
from training.runs.checkpoint import restore_model
from training.runs.finished import check_same_kind, open_finished
from training.runs.settings import read_settings, settings_of_kind

FloatArray = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class OpenedGenerator:
    """labels: how it is told a strength; data_hash: of the data it was trained on."""

    generators: LandmarkGenerators
    labels: Labels
    template: Template
    frame_rate: float
    data_hash: str
    carry: BasisTransfer | None
    _last: list[tuple[FloatArray, NDArray[np.float32]]] = field(default_factory=list)

    def imagine(self, question: Question, seed: int | None) -> NDArray[np.float32]:
        """(T, 68, 3) displacements of all frames of a question, mm; None is the mean motion."""
        neutral = question.sequence.neutral
        variation = MEAN_MOTION if seed is None else Variation(seed)
        return self.of_signal(self.labels.signal(question), neutral, variation)

    @torch.no_grad()
    def of_signal(
        self, signal: FloatArray, neutral: FloatArray, variation: Variation
    ) -> NDArray[np.float32]:
        """(T, 68, 3) mm of a (T, C) signal on a face with a (V, 3) neutral, as in the add-on."""
        landmarks = neutral_landmarks(self.template, neutral).reshape(1, -1)
        noise = draw_noise(signal, self.generators.config, variation)
        output = self.generators(
            torch.from_numpy(signal_features(signal, self.frame_rate))[None],
            self.generators.neutral_code(torch.from_numpy(landmarks)),
            torch.from_numpy(noise)[None],
            torch.from_numpy(self._map_of(neutral))[None],
        )[-1][0]
        return output.unflatten(1, (-1, 3)).numpy(force=True)

    def _map_of(self, neutral: FloatArray) -> NDArray[np.float32]:
        """(204, 204) landmark map of a face; the last is kept."""
        if self.carry is None:
            return np.eye(FRAME_SIZE, dtype=np.float32)
        if not self._last or not np.array_equal(self._last[0][0], neutral):
            mean = seen_by_landmarks(self.template, self.carry.basis)
            shown = seen_by_landmarks(self.template, self.carry.to(neutral))
            self._last[:] = [(np.array(neutral), landmark_map(mean, shown))]
        return self._last[0][1]


def open_generator(folder: Path, data: TrainingData) -> OpenedGenerator:
    """The generators of a run, checked against the data. Raises CheckpointError with the reason."""
    advice = "`python -m training train --system lm4dgan` makes one"
    checkpoint = open_finished(folder, advice)
    progress = checkpoint.progress
    check_same_kind(folder, tuple(progress["expressions"]), progress["frame_rate"], data)
    config = settings_of_kind(LandmarkTrainConfig, read_settings(folder / "config.yaml"))
    generators = LandmarkGenerators(config.generators, len(data.expressions), config.rest_gate)
    prefix = "generators."
    weights = {
        name.removeprefix(prefix): values
        for name, values in checkpoint.weights.items()
        if name.startswith(prefix)
    }
    restore_model(generators, weights)
    generators.eval()
    means, deviations = progress["magnitude_means"], progress["magnitude_deviations"]
    labels = Labels(MagnitudeStatistics(tuple(means), tuple(deviations)), config.labels)
    carry = None
    if config.generators.follows_neutral:
        template = data.template
        basis = read_basis(config.basis_from, template)
        carry = BasisTransfer(template.vertices, template.triangles, basis)
    return OpenedGenerator(
        generators, labels, data.template, data.frame_rate, progress["data_hash"], carry
    )
