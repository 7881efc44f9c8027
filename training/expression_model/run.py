"""The state of one training run, and how it is set up: basis, labels, model."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facegen_core.errors import WriteError
from facegen_core.file_words import why_unwritten
from facegen_core.intensity import EXPRESSIONS
from facegen_core.models.expression_encoder import rest_gate
from facegen_core.models.expression_model import ExpressionModel
from facegen_core.template import Template
from training.datasets.sequence import Sequence
from training.datasets.training_data import TrainingData
from training.expression_model.examples import LONGEST_EXAMPLE, ExampleSource
from training.expression_model.face_bases import FaceBases
from training.expression_model.reconstruction import Judges, class_means
from training.expression_model.recordings import (
    MotionBasis,
    compute_basis,
    magnitude_statistics,
    record,
)
from training.expression_model.train_config import TrainConfig, TrainingConfigError, write_config
from training.runs.averaging import WeightAverage
from training.runs.checkpoint import Checkpoint
from training.runs.device import Device, choose_device
from training.runs.distributed import Processes
from training.runs.provenance import data_hash

# The LSTM keeps codes within ±1 and reaches the ends only slowly: leave it this much room.
CODE_HEADROOM = 1.5


@dataclass(eq=False)
class Run:
    """One training run: what it works with, and how far it has come.

    history: LOSS_NAMES of every step done, by stage; validations: what was measured in between.
    left_over: a checkpoint whose optimiser and average the next stage to start takes up.
    held_out: the validation sequences, once they have been looked at.
    """

    config: TrainConfig
    data: TrainingData
    sequences: list[Sequence]
    model: ExpressionModel
    basis: MotionBasis
    bases: FaceBases
    source: ExampleSource
    judges: Judges
    processes: Processes
    device: Device
    data_hash: str
    stage: str
    step: int = 0
    history: dict[str, list[list[float]]] = field(default_factory=dict)
    validations: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    optimiser: torch.optim.Optimizer | None = None
    scaler: torch.amp.GradScaler | None = None
    average: WeightAverage | None = None
    left_over: Checkpoint | None = None
    held_out: list[Any] | None = None
    last_saved: str = "there is no checkpoint yet"

    @property
    def checkpoint_path(self) -> Path:
        return self.config.out / "checkpoint.npz"

    def codes(
        self, signal: Tensor, lip_gap: Tensor, model: ExpressionModel | None = None
    ) -> tuple[Tensor, Tensor]:
        """Codes (B, T, 64) of signals (B, T, C) on faces with (B,) lip gaps, and the rest gate
        (B, T, 1); of another `model` than the run's where one is given."""
        codes = (model or self.model).encoder(signal, lip_gap)
        return codes, rest_gate(signal, self.config.model.rest_gate)

    def shapes_of(self, sequence: Sequence) -> NDArray[np.float32]:
        """(K, V, 3) the blendshapes as the face of a sequence shows them, kept by subject."""
        return self.bases.remembered(sequence.subject, sequence.neutral)


def set_up(config: TrainConfig, data: TrainingData, processes: Processes | None = None) -> Run:
    """Basis, labels and model; the effective configuration is saved beside the checkpoint.

    Raises TrainingConfigError where configuration, data and machine do not fit.
    """
    processes = processes or Processes()
    device = choose_device(config, processes.local_rank)
    sequences = _training_sequences(config, data)
    config = _fitted_to(config, data, sequences, processes)
    if processes.is_first:
        _open_folder(config)
    rng = np.random.default_rng([config.seed])
    labels, expressions = config.model.labels, config.model.expressions
    follows = config.model.follows_neutral
    basis = compute_basis(
        sequences,
        config.model.num_blendshapes,
        config.pca_frames,
        rng,
        data.template if follows else None,
    )
    bases = FaceBases(data.template, basis.shapes, follows)
    recordings = record(sequences, bases, expressions, labels)
    statistics = magnitude_statistics(recordings, len(expressions))
    source = ExampleSource(recordings, statistics, labels, config.augmentation)
    judges = Judges(statistics, class_means(recordings, statistics, labels), basis)
    jaws = np.concatenate([r.jaw for r in recordings])
    model = _build_model(config, data.template, basis, jaws).to(device.torch_device)
    return Run(
        config,
        data,
        sequences,
        model,
        basis,
        bases,
        source,
        judges,
        processes,
        device,
        data_hash(data),
        "motion" if config.has_motion_stage else "detail",
    )


def _training_sequences(config: TrainConfig, data: TrainingData) -> list[Sequence]:
    """Those the configuration takes: so many of each expression, of two expressions or not."""
    chosen = [
        sequence
        for sequence in data.sequences["train"]
        if (config.compounds or len(sequence.components) == 1)
        and (not config.max_takes or sequence.take <= config.max_takes)
    ]
    if not chosen:
        raise TrainingConfigError(
            f"{config.data} has no sequences to train on with max_takes {config.max_takes} and "
            f"compounds {config.compounds}: prepare more, or choose other settings."
        )
    return chosen


def _fitted_to(
    config: TrainConfig, data: TrainingData, sequences: list[Sequence], processes: Processes
) -> TrainConfig:
    """The configuration with the expressions the data has, or the reason why they do not fit."""
    model = config.model
    if model.model_rate != data.frame_rate:
        raise TrainingConfigError(
            f"model.model_rate is {model.model_rate:g}, but the data has "
            f"{data.frame_rate:g} frames per second: they must agree."
        )
    expressions = tuple(data.expressions)
    if model.expressions not in (EXPRESSIONS, expressions):
        raise TrainingConfigError(
            f"model.expressions are {', '.join(model.expressions)}, but the data has "
            f"{', '.join(expressions)}: leave them out to take those of the data."
        )
    has_detail = config.detail_steps + config.detail_epochs > 0
    shortest = min(sequences, key=lambda sequence: sequence.num_frames)
    if has_detail and config.detail_window > min(shortest.num_frames, LONGEST_EXAMPLE):
        raise TrainingConfigError(
            f"detail_window is {config.detail_window}, but {shortest.name} has only "
            f"{shortest.num_frames} frames: choose a shorter window."
        )
    for name in ("motion_batch", "detail_batch"):
        if getattr(config, name) < processes.size:
            raise TrainingConfigError(
                f"{name} is {getattr(config, name)}, but there are {processes.size} processes: "
                "each needs a sequence of every batch."
            )
    return dataclasses.replace(config, model=dataclasses.replace(model, expressions=expressions))


def _open_folder(config: TrainConfig) -> None:
    try:
        config.out.mkdir(parents=True, exist_ok=True)
        write_config(config, config.out / "config.yaml")
    except WriteError:  # tells by itself
        raise
    except OSError as error:
        why = why_unwritten(config.out, error)
        raise TrainingConfigError(
            f"The run cannot be written to {config.out}: {why}; choose another --out."
        ) from error


def _build_model(
    config: TrainConfig, template: Template, basis: MotionBasis, jaws: NDArray[np.float32]
) -> ExpressionModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = ExpressionModel(config.model, template.hierarchy)
    spread = np.maximum(np.abs(jaws).max(axis=0), 1e-4)
    model.jaw.scales.copy_(torch.from_numpy(spread.astype(np.float32)))
    if config.model.has_blendshapes:
        model.blendshapes.basis.copy_(torch.from_numpy(basis.shapes))
        model.blendshapes.scales.copy_(torch.from_numpy(CODE_HEADROOM * basis.ranges))
    return model
