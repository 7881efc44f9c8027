"""The state of one training of the landmark generators: set up, saved, taken up again."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from facegen_core.files import write_text
from facegen_core.json_text import read_json
from training.datasets.training_data import TrainingData
from training.displacement_decoder.faces import read_basis
from training.expression_model.recordings import MagnitudeStatistics, magnitude_statistics
from training.landmark_gan.batches import BatchSource
from training.landmark_gan.config import LandmarkTrainConfig
from training.landmark_gan.face_maps import face_maps
from training.landmark_gan.linear_start import linear_start
from training.landmark_gan.networks import Networks, build_networks
from training.landmark_gan.takes import LandmarkTake, takes_of
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
from training.runs.provenance import data_hash, session_record
from training.runs.settings import (
    TrainingConfigError,
    differing_setting,
    settings_dict,
    settings_to_go_on,
    write_settings,
)

# Settings a run may change when it goes on: none changes what it learns from then on.
FREE_SETTINGS = (
    "data out validation_interval checkpoint_interval device precision explosion_factor diversity"
).split()


@dataclass(eq=False)
class LandmarkRun:
    """What the run works with, and how far it is: `stage` "autoencoder", "0", "1", … or "done".

    faces: {subject: (204, 204) landmark map}; history: {stage: losses of every step}; metrics: what
    was measured.
    """

    config: LandmarkTrainConfig
    data: TrainingData
    takes: dict[str, list[LandmarkTake]]
    statistics: MagnitudeStatistics
    faces: dict[str, NDArray[np.float32]]
    source: BatchSource
    networks: Networks
    processes: Processes
    device: Device
    data_hash: str
    stage: str = "autoencoder"
    step: int = 0
    history: dict[str, list[list[float]]] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    optimisers: dict[str, torch.optim.Adam] = field(default_factory=dict)
    average: WeightAverage | None = None
    left_over: Checkpoint | None = None
    last_saved: str = "there is no checkpoint yet"
    started: float = field(default_factory=time.monotonic)
    seconds_before: float = 0.0

    @property
    def path(self) -> Path:
        return self.config.out / "checkpoint.npz"

    @property
    def stages(self) -> list[str]:
        first = ["autoencoder"] if self.config.autoencoder else []
        return first + [str(k) for k in range(self.config.generators.num_stages)]

    def rng(self, *place: int) -> np.random.Generator:
        """Of this place in the run, whatever was drawn before."""
        return np.random.default_rng([self.config.seed, 77, *place])

    def seconds(self) -> float:
        return round(self.seconds_before + time.monotonic() - self.started, 1)


def set_up(
    config: LandmarkTrainConfig, data: TrainingData, processes: Processes | None = None
) -> LandmarkRun:
    """Takes, labels and networks. Raises TrainingConfigError where they do not fit."""
    processes = processes or Processes()
    device = choose_device(config, processes.local_rank)
    if config.batch < processes.size:
        raise TrainingConfigError(
            f"batch is {config.batch}, but there are {processes.size} processes: each needs an "
            "example of every batch."
        )
    if processes.is_first:
        config.out.mkdir(parents=True, exist_ok=True)
        write_settings(config, config.out / "config.yaml")
    takes = {split: takes_of(data, split, config.labels) for split in ("train", "val", "test")}
    recordings = [take.recording for take in takes["train"]]
    statistics = magnitude_statistics(recordings, len(data.expressions))
    basis = None
    if config.generators.follows_neutral:
        basis = read_basis(config.basis_from, data.template)
    faces = face_maps(data, basis)
    source = BatchSource(takes["train"], statistics, config, data.frame_rate, faces)
    networks = build_networks(config, takes["train"], len(data.expressions))
    start = linear_start(source, float(networks.generators.scale))
    networks.generators.linear.weight.data.copy_(torch.from_numpy(start))
    networks.to(device.torch_device)
    processes.share_first([*networks.state_dict().values()])
    run = LandmarkRun(
        config,
        data,
        takes,
        statistics,
        faces,
        source,
        networks,
        processes,
        device,
        data_hash(data),
    )
    run.stage = run.stages[0]
    return run


def start_stage(run: LandmarkRun) -> None:
    """Optimisers and average of the stage the run is at, from the checkpoint where it is within."""
    generators = run.networks.generators
    stage = int(run.stage)
    trained: dict[str, torch.nn.Parameter] = {}
    for name, parameter in generators.named_parameters():
        mine = name.startswith(f"stages.{stage}.") or (stage == 0 and name.startswith("linear."))
        parameter.requires_grad_(mine)
        if mine:
            trained[name] = parameter
    config = run.config
    run.optimisers = {
        "generators": torch.optim.Adam(trained.values(), config.learning_rate, betas=(0.8, 0.99))
    }
    if judges := run.networks.judges(stage):
        run.optimisers["critics"] = torch.optim.Adam(judges, config.critic_rate, betas=(0.5, 0.9))
    run.average = WeightAverage(trained, config.average)
    run.history.setdefault(run.stage, [])
    if run.left_over is not None and run.step > 0:
        for name, optimiser in run.optimisers.items():
            prefix = f"{name}:"
            restore_optimiser(
                optimiser,
                {
                    key.removeprefix(prefix): values
                    for key, values in run.left_over.optimiser.items()
                    if key.startswith(prefix)
                },
            )
        run.average.restore(run.left_over.average)
    run.left_over = None


def save_run(run: LandmarkRun) -> None:
    """Write the checkpoint, at once or not at all; the first process does."""
    run.last_saved = f"the checkpoint of step {run.step} of stage {run.stage} is kept"
    if not run.processes.is_first:
        return
    optimisers: dict[str, NDArray] = {}
    for name, optimiser in run.optimisers.items():
        arrays = optimiser_arrays(optimiser)
        optimisers |= {f"{name}:{key}": values for key, values in arrays.items()}
    progress = {
        "stage": run.stage,
        "step": run.step,
        "settings": _settings(run.config),
        "metrics": run.metrics,
        "magnitude_means": run.statistics.means,
        "magnitude_deviations": run.statistics.deviations,
        "expressions": list(run.data.expressions),
        "frame_rate": run.data.frame_rate,
        "training_data": run.data.provenance,
        "data_hash": run.data_hash,
        "seconds": run.seconds(),
    }
    history = {stage: np.array(rows, np.float64) for stage, rows in run.history.items()}
    average = run.average.arrays() if run.average else {}
    checkpoint = Checkpoint(model_arrays(run.networks), average, optimisers, history, progress)
    save_checkpoint(checkpoint, run.path)


def resume(run: LandmarkRun) -> None:
    """Go on from the run's checkpoint. Raises CheckpointError where it is of something else."""
    checkpoint = load_checkpoint(run.path)
    progress = checkpoint.progress
    now = _settings(run.config)
    saved = settings_to_go_on(progress["settings"], now, run.path, run.processes.is_first)
    name = differing_setting(saved, now)
    if name is not None:
        raise CheckpointError(
            f"{run.path} was made with another '{name}': go on with the old one, or choose another "
            "--out."
        )
    if progress["data_hash"] != run.data_hash:
        raise CheckpointError(
            f"{run.path} was made with other data than {run.config.data} holds now: choose another "
            "--out."
        )
    restore_model(run.networks, checkpoint.weights)
    run.stage, run.step = progress["stage"], progress["step"]
    run.history = {stage: rows.tolist() for stage, rows in checkpoint.history.items()}
    run.metrics, run.seconds_before = progress["metrics"], progress["seconds"]
    run.left_over = checkpoint
    run.last_saved = f"the checkpoint of step {run.step} of stage {run.stage} is kept"


def write_session(run: LandmarkRun) -> None:
    """Append to run.json what decided this session."""
    if not run.processes.is_first:
        return
    path = run.config.out / "run.json"
    goes_on = run.left_over is not None and path.exists()
    sessions = read_json(path) if goes_on else []
    sessions.append(
        session_record(
            run.stage,
            run.step,
            run.config.seed,
            run.data_hash,
            run.device,
            run.processes.size,
        )
    )
    write_text(path, json.dumps(sessions, indent=1) + "\n")


def _settings(config: LandmarkTrainConfig) -> dict[str, Any]:
    settings = settings_dict(config)
    return {name: value for name, value in settings.items() if name not in FREE_SETTINGS}
