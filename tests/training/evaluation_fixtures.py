"""Runs that were never trained, on bumps: enough to see what the evaluation makes of answers."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from facegen_core.models.config import ModelConfig
from facegen_core.models.expression_model import ExpressionModel
from tests.training.synthetic_sequences import BumpSequence, bump_data
from training.datasets.sequence import Component
from training.datasets.training_data import TrainingData
from training.expression_model.recordings import (
    compute_basis,
    magnitude,
    magnitude_statistics,
    record,
)
from training.expression_model.train_config import TrainConfig, write_config
from training.runs.checkpoint import Checkpoint, model_arrays, save_checkpoint

NUM_SHAPES = 8
DECODERS = {"pca_lstm": "blendshape", "spiral_paper": "spiral", "hybrid": "hybrid"}


def toy_data(**changes) -> TrainingData:
    """Eight training and two test subjects, one take each."""
    return replace(bump_data(), **changes)


def toy_config(name: str) -> ModelConfig:
    """What each run is made of: the paper's labels for the paper's decoder, identity for ours."""
    is_paper = name == "spiral_paper"
    return ModelConfig(
        decoder=DECODERS.get(name, "hybrid"),
        num_blendshapes=NUM_SHAPES,
        follows_neutral=name == "default",
        labels="extremeness" if is_paper else "proportional",
        rest_gate=0.0 if is_paper else 0.25,
    )


def write_toy_run(folder: Path, data: TrainingData, **progress) -> Path:
    """A finished run of random weights on the basis of the data."""
    config = toy_config(folder.name)
    sequences = data.sequences["train"]
    basis = compute_basis(sequences, NUM_SHAPES, 100, np.random.default_rng(0))
    recordings = record(sequences, basis, data.expressions, config.labels)
    statistics = magnitude_statistics(recordings, len(data.expressions))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = ExpressionModel(config, data.template.hierarchy)
    if config.has_blendshapes:
        model.blendshapes.basis.copy_(torch.from_numpy(basis.shapes))
        model.blendshapes.scales.copy_(torch.from_numpy(1.5 * basis.ranges))
    folder.mkdir(parents=True)
    steps = {
        "motion_steps": int(config.has_blendshapes),
        "detail_steps": int(config.has_spirals),
        "evaluation_stride": 1,
    }
    write_config(TrainConfig(model=config, out=folder, **steps), folder / "config.yaml")
    known = {
        "metrics": {"final": {}},
        "frame_rate": data.frame_rate,
        "magnitude_means": statistics.means,
        "magnitude_deviations": statistics.deviations,
        "data_hash": "made in a test",
    }
    save_checkpoint(
        Checkpoint(model_arrays(model), {}, {}, {}, known | progress), folder / "checkpoint.npz"
    )
    return folder


def write_toy_runs(runs: Path, data: TrainingData) -> Path:
    """All four trained systems."""
    for name in ("pca_lstm", "spiral_paper", "hybrid", "default"):
        write_toy_run(runs / name, data)
    return runs


@dataclass(frozen=True, eq=False)
class TwoAtOnce:
    """Two sequences of one subject played in one clip, with magnitudes of their own."""

    first: BumpSequence
    second: BumpSequence

    def __getattr__(self, name: str):
        return getattr(self.first, name)

    @property
    def name(self) -> str:
        both = "+".join(s.expression for s in (self.first, self.second))
        return f"{self.first.subject}_{both}_1"

    @property
    def components(self) -> tuple[Component, ...]:
        return tuple(
            Component(s.expression, s.marks, magnitude(s.displacements(), s.marks, "proportional"))
            for s in (self.first, self.second)
        )

    @property
    def num_frames(self) -> int:
        return max(self.first.num_frames, self.second.num_frames)

    def displacements(self, frames: np.ndarray | None = None) -> np.ndarray:
        whole = np.zeros((self.num_frames, *self.first.neutral.shape), np.float32)
        for sequence in (self.first, self.second):
            whole[: sequence.num_frames] += sequence.displacements()
        return whole if frames is None else whole[frames]
