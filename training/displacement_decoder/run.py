"""The state of one training of the decoder, its set-up, and its checkpoint."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from facegen_core.models.displacement_decoder import DisplacementDecoder
from facegen_core.models.neutral_reading import NeutralReader
from training.datasets.training_data import TrainingData
from training.displacement_decoder.config import DecoderTrainConfig, decoder_config_to_dict
from training.displacement_decoder.examples import ExampleSource, lesson_of
from training.displacement_decoder.faces import read_basis, read_faces
from training.displacement_decoder.head import Head, fit_head
from training.displacement_decoder.measure import DecoderMeasure
from training.displacement_decoder.objective import LOSS_NAMES
from training.expression_model.face_bases import FaceBases
from training.runs.averaging import WeightAverage
from training.runs.checkpoint import (
    Checkpoint,
    CheckpointError,
    load_checkpoint,
    model_arrays,
    optimiser_arrays,
    restore_model,
    restore_optimiser,
    save_checkpoint,
)
from training.runs.device import Device, choose_device
from training.runs.distributed import Processes
from training.runs.provenance import data_hash
from training.runs.settings import TrainingConfigError, differing_setting, settings_to_go_on

# Settings a run may change when it goes on: none of them changes what it learns from then on.
FREE_SETTINGS = (
    "basis_from validation_interval checkpoint_interval evaluation_stride device precision "
    "explosion_factor"
).split()


@dataclass(eq=False)
class DecoderRun:
    """What a training works with, and how far it has come. history: LOSS_NAMES of every step."""

    config: DecoderTrainConfig
    data: TrainingData
    out: Path
    decoder: DisplacementDecoder
    source: ExampleSource
    measure: DecoderMeasure
    optimiser: torch.optim.Optimizer
    average: WeightAverage
    processes: Processes
    device: Device
    data_hash: str
    basis_hash: str
    step: int = 0
    history: list[list[float]] = field(default_factory=list)
    metrics: dict[str, Any] = field(default_factory=dict)
    seconds_before: float = 0.0
    started: float = field(default_factory=time.monotonic)
    last_saved: str = "there is no checkpoint yet"

    @property
    def checkpoint_path(self) -> Path:
        return self.out / "checkpoint.npz"

    def averaged_weights(self) -> dict[str, NDArray[np.float32]]:
        """Names of `displacement_weight_shapes`: what is measured and shipped."""
        weights = model_arrays(self.decoder)
        if self.config.model.residual and self.step < self.config.steps:
            weights |= {f"residual.{name}": v for name, v in self.average.arrays().items()}
        return weights


def set_up(
    config: DecoderTrainConfig, data: TrainingData, out: Path, processes: Processes
) -> DecoderRun:
    """Basis, faces, linear head, and a residual that starts at zero."""
    device = choose_device(config, processes.local_rank)
    template = data.template
    basis = read_basis(config.basis_from, template)
    bases = FaceBases(template, basis, follows=True)
    decoder = _build(config, data, len(basis))
    faces = read_faces(
        data.sequences["train"],
        template,
        bases,
        NeutralReader(template, config.model),
        config.frames_per_take,
        config.seed,
    )
    head = fit_head(faces, config.model)
    lessons = [lesson_of(face, head, config.model) for face in faces]
    _put_head(decoder, head)
    decoder.to(device.torch_device)
    learnt = dict(decoder.residual.named_parameters()) if config.model.residual else {}
    return DecoderRun(
        config,
        data,
        out,
        decoder,
        ExampleSource(lessons, config, processes),
        DecoderMeasure(template, config.model, bases, config.evaluation_stride, config.seed),
        # Adam refuses to have nothing to learn, as a head alone has.
        torch.optim.Adam(learnt.values() or [torch.zeros(1)], lr=config.learning_rate),
        WeightAverage(learnt, config.average),
        processes,
        device,
        data_hash(data),
        basis_hash(basis),
    )


def basis_hash(basis: NDArray[np.float32]) -> str:
    """A fingerprint of (K, V, 3) blendshapes: coefficients mean nothing on others."""
    return hashlib.sha256(np.ascontiguousarray(basis, "<f4").tobytes()).hexdigest()[:16]


def save_decoder(run: DecoderRun) -> None:
    """Write the run's checkpoint, at once or not at all; the first process does."""
    run.last_saved = f"the checkpoint of step {run.step} is kept"
    if not run.processes.is_first:
        return
    done = run.step >= run.config.steps or not run.config.model.residual
    progress = {
        "step": run.step,
        "settings": _settings(run.config),
        "loss_names": LOSS_NAMES,
        "metrics": run.metrics,
        "data_hash": run.data_hash,
        "basis_hash": run.basis_hash,
        "seconds": round(run.seconds_before + time.monotonic() - run.started, 1),
        "training_data": run.data.provenance,
    }
    checkpoint = Checkpoint(
        model_arrays(run.decoder),
        {} if done else run.average.arrays(),
        {} if done else optimiser_arrays(run.optimiser),
        {"decoder": np.array(run.history, np.float64).reshape(-1, len(LOSS_NAMES))},
        progress,
    )
    save_checkpoint(checkpoint, run.checkpoint_path)


def resume_decoder(run: DecoderRun) -> None:
    """Take up the run's checkpoint. Raises CheckpointError where it is of other settings, data or
    another basis."""
    checkpoint = load_checkpoint(run.checkpoint_path)
    progress, now = checkpoint.progress, _settings(run.config)
    path, is_told = run.checkpoint_path, run.processes.is_first
    name = differing_setting(settings_to_go_on(progress["settings"], now, path, is_told), now)
    if name is not None:
        raise CheckpointError(
            f"{run.checkpoint_path} was made with another configuration: {name} differs; go on "
            "with the old one, or choose another --out."
        )
    for what, mine in (("data", run.data_hash), ("basis", run.basis_hash)):
        if progress[f"{what}_hash"] != mine:
            raise CheckpointError(
                f"{run.checkpoint_path} was made with another {what}: choose another --out."
            )
    restore_model(run.decoder, checkpoint.weights)
    if checkpoint.average:
        run.average.restore(checkpoint.average)
        restore_optimiser(run.optimiser, checkpoint.optimiser)
    run.step, run.metrics = progress["step"], progress["metrics"]
    run.history = checkpoint.history["decoder"].tolist()
    run.seconds_before = progress["seconds"]
    run.last_saved = f"the checkpoint of step {run.step} is kept"


def _settings(config: DecoderTrainConfig) -> dict[str, Any]:
    settings = decoder_config_to_dict(config)
    return {name: value for name, value in settings.items() if name not in FREE_SETTINGS}


def _build(
    config: DecoderTrainConfig, data: TrainingData, num_blendshapes: int
) -> DisplacementDecoder:
    """Raises TrainingConfigError where the decoder does not fit the template's levels."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        try:
            decoder = DisplacementDecoder(config.model, data.template.hierarchy, num_blendshapes)
        except ValueError as error:
            raise TrainingConfigError(f"decoder.model.{error}") from error
    if config.model.residual and config.model.linear_head:
        decoder.residual.start_at_zero()
    return decoder


def _put_head(decoder: DisplacementDecoder, head: Head) -> None:
    decoder.jaw.weight.copy_(torch.from_numpy(head.jaw))
    if decoder.config.linear_head:
        decoder.head.factor.copy_(torch.from_numpy(head.factor))
        decoder.head.noise.copy_(torch.from_numpy(head.noise))
