"""The systems of Table 2 behind one door: from what a label and a face tell to motion.

`neutral` and `class_mean` say what doing nothing, or always the same, would cost; the runs are what
was trained; the `oracle` is the least any model of label and face can reach.
"""

from __future__ import annotations

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from facegen_core.errors import FacegenError
from facegen_core.models.expression_encoder import rest_gate
from facegen_core.models.expression_model import ExpressionModel
from training.datasets.ict import IctDataset
from training.datasets.sequence import Sequence
from training.datasets.training_data import TrainingData
from training.evaluation.oracle import Oracle
from training.evaluation.questions import Labels, Question
from training.evaluation.reference import Reference
from training.expression_model.face_bases import FaceBases
from training.expression_model.reconstruction import ClassMeans, predict
from training.expression_model.recordings import MagnitudeStatistics, MotionBasis
from training.expression_model.train_config import read_config
from training.runs.checkpoint import restore_model
from training.runs.finished import check_same_kind, open_finished

IntArray = NDArray[np.integer]

# The trained systems and the folder of each below the folder of runs.
RUN_FOLDERS = {
    "pca_lstm": "pca_lstm",
    "spiral_paper": "spiral_paper",
    "hybrid": "hybrid",
    "hybrid_identity": "default",
}
# All systems in the order of the tables. `truth` is the test sequences themselves.
SYSTEMS = ("neutral", "class_mean", *RUN_FOLDERS, "oracle", "truth")
BASELINE, PAPER, OURS = "pca_lstm", "spiral_paper", "hybrid_identity"


class System(Protocol):
    """Something that answers how a face will move."""

    def answer(self, question: Question, frames: IntArray) -> NDArray[np.float32]:
        """(N, V, 3) displacements from the neutral, mm, at (N,) frames of the sequence."""


@dataclass(frozen=True, eq=False)
class NeutralSystem:
    """Nothing moves."""

    num_vertices: int

    def answer(self, question: Question, frames: IntArray) -> NDArray[np.float32]:
        return np.zeros((len(frames), self.num_vertices, 3), np.float32)


@dataclass(frozen=True, eq=False)
class ClassMeanSystem:
    """Every face plays the mean motion of the expression, times the amplitude of the label."""

    labels: Labels
    means: ClassMeans
    basis: MotionBasis

    def answer(self, question: Question, frames: IntArray) -> NDArray[np.float32]:
        coefficients = np.zeros((len(frames), len(self.basis.shapes)), np.float32)
        statistics, rule = self.labels.statistics, self.labels.rule
        for part in self.labels.components(question):
            amplitude = statistics.amplitude(part.expression, part.magnitude, rule)
            motion = self.means.motion(part.expression, part.marks, frames)
            coefficients += np.float32(amplitude) * motion
        return np.tensordot(coefficients, self.basis.shapes, axes=1)


@dataclass(frozen=True, eq=False)
class TrainedSystem:
    """The model of a finished run; data_hash: of the data it was trained on; faces: its blendshapes
    as each face shows them, None where it has none."""

    model: ExpressionModel
    labels: Labels
    data_hash: str
    faces: FaceBases | None

    def answer(self, question: Question, frames: IntArray) -> NDArray[np.float32]:
        shapes = self.shapes_of(question.sequence)
        gap = self.lip_gap_of(question.sequence)
        return predict(self.model, self.labels.signal(question), frames, shapes, gap)

    def shapes_of(self, sequence: Sequence) -> torch.Tensor | None:
        """(K, V, 3) the blendshapes of the face of a sequence."""
        return (
            None if self.faces is None else torch.from_numpy(self.faces.of(sequence.neutral).shapes)
        )

    def lip_gap_of(self, sequence: Sequence) -> torch.Tensor | None:
        """(1,) how far the lips of the face of a sequence stand apart."""
        return None if self.faces is None else torch.tensor([self.faces.lip_gap(sequence.neutral)])

    @torch.no_grad()
    def jaw(self, question: Question) -> NDArray[np.float32]:
        """(T, 6) poses of the lower jaw in all frames: radians and mm."""
        signal = torch.from_numpy(self.labels.signal(question))[None]
        gate = rest_gate(signal, self.model.config.rest_gate)
        codes = self.model.encoder(signal, self.lip_gap_of(question.sequence))
        return (self.model.jaw(codes) * gate)[0].numpy(force=True)


@dataclass(frozen=True, eq=False)
class OracleSystem:
    """The expected sequence given label and face, where the making of the data is known."""

    oracle: Oracle
    labels: Labels

    def answer(self, question: Question, frames: IntArray) -> NDArray[np.float32]:
        amplitude = self.labels.amplitude(question)
        return self.oracle.expected(question.sequence, amplitude, frames)


@dataclass(frozen=True, eq=False)
class OpenedSystems:
    """systems: {name: System} in the order of SYSTEMS; missing: {name: why it is not there}."""

    systems: dict[str, System]
    missing: dict[str, str]

    @property
    def models(self) -> dict[str, TrainedSystem]:
        """Those that were trained."""
        return {n: s for n, s in self.systems.items() if isinstance(s, TrainedSystem)}


def open_systems(
    names: Rows[str], runs: Path, data: TrainingData, reference: Reference, seed: int
) -> OpenedSystems:
    """The systems of these names (not `truth`); a run that cannot be used is named with why."""
    systems: dict[str, System] = {}
    missing: dict[str, str] = {}
    for name in SYSTEMS:
        if name not in names or name == "truth":
            continue
        try:
            systems[name] = _open(name, runs, data, reference, seed)
        except FacegenError as error:
            missing[name] = str(error)
    return OpenedSystems(systems, missing)


def _open(name: str, runs: Path, data: TrainingData, reference: Reference, seed: int) -> System:
    if name == "neutral":
        return NeutralSystem(data.template.num_vertices)
    if name == "class_mean":
        return ClassMeanSystem(reference.labels, reference.means, reference.basis)
    if name == "oracle":
        return _open_oracle(data, reference.labels, seed)
    return open_run(runs / RUN_FOLDERS[name], data)


def _open_oracle(data: TrainingData, labels: Labels, seed: int) -> OracleSystem:
    if not isinstance(data.dataset, IctDataset):
        raise FacegenError("The oracle needs a data set whose making is known, such as ICT-4D.")
    return OracleSystem(Oracle(data.dataset, labels.statistics, labels.rule, seed), labels)


def open_run(folder: Path, data: TrainingData) -> TrainedSystem:
    """The model of a run, checked against the data set; raises CheckpointError with the reason."""
    checkpoint = open_finished(folder, "train it first")
    progress = checkpoint.progress
    config = read_config(folder / "config.yaml").model
    check_same_kind(folder, tuple(config.expressions), progress["frame_rate"], data)
    model = ExpressionModel(config, data.template.hierarchy)
    restore_model(model, checkpoint.weights)
    model.eval()
    means, deviations = progress["magnitude_means"], progress["magnitude_deviations"]
    statistics = MagnitudeStatistics(tuple(means), tuple(deviations))
    faces = None
    if config.has_blendshapes:
        basis = model.blendshapes.basis.numpy(force=True)
        faces = FaceBases(data.template, basis, config.follows_neutral)
    return TrainedSystem(model, Labels(statistics, config.labels), progress["data_hash"], faces)
