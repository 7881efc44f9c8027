"""Between a run and its checkpoint: what is saved, and when a run may go on from it."""

from __future__ import annotations

from typing import Any

import numpy as np

from training.expression_model.objective import LOSS_NAMES
from training.expression_model.run import Run
from training.expression_model.train_config import config_to_dict, differing_setting
from training.runs.checkpoint import (
    Checkpoint,
    CheckpointError,
    load_checkpoint,
    model_arrays,
    optimiser_arrays,
    restore_model,
    save_checkpoint,
)
from training.runs.settings import settings_to_go_on

# Settings a run may change when it goes on: none of them changes what it learns from then on.
FREE_SETTINGS = (
    "data out validation_interval checkpoint_interval evaluation_stride device precision "
    "explosion_factor tensorboard"
).split()


def save_run(run: Run) -> None:
    """Write the run's checkpoint, at once or not at all; the first process does."""
    run.last_saved = f"the checkpoint of step {run.step} of stage {run.stage} is kept"
    if not run.processes.is_first:
        return
    checkpoint = Checkpoint(
        model_arrays(run.model),
        run.average.arrays() if run.average else {},
        optimiser_arrays(run.optimiser) if run.optimiser else {},
        {
            stage: np.array(losses, np.float64).reshape(-1, len(LOSS_NAMES))
            for stage, losses in run.history.items()
        },
        _progress(run),
    )
    save_checkpoint(checkpoint, run.checkpoint_path)


def resume_run(run: Run) -> None:
    """Take weights, losses and place from the run's checkpoint; the next stage to start takes the
    rest. Raises CheckpointError where it was made with other settings or other data."""
    checkpoint = load_checkpoint(run.checkpoint_path)
    progress = checkpoint.progress
    _check_same(run, progress)
    restore_model(run.model, checkpoint.weights)
    run.stage, run.step = progress["stage"], progress["step"]
    run.history = {stage: rows.tolist() for stage, rows in checkpoint.history.items()}
    run.validations, run.metrics = progress["validations"], progress["metrics"]
    run.left_over = checkpoint
    run.last_saved = f"the checkpoint of step {run.step} of stage {run.stage} is kept"


def _check_same(run: Run, progress: dict[str, Any]) -> None:
    now = _settings(run)
    saved = settings_to_go_on(
        progress["settings"], now, run.checkpoint_path, run.processes.is_first
    )
    name = differing_setting(saved, now)
    if name is not None:
        raise CheckpointError(
            f"{run.checkpoint_path} was made with another configuration: {name} was "
            f"{_value(saved, name)!r} and is {_value(now, name)!r}; go on with the old one, or "
            "choose another --out."
        )
    if progress["data_hash"] != run.data_hash:
        raise CheckpointError(
            f"{run.checkpoint_path} was made with other data than {run.config.data} holds now: "
            "choose another --out."
        )


def _settings(run: Run) -> dict[str, Any]:
    settings = config_to_dict(run.config)
    return {name: value for name, value in settings.items() if name not in FREE_SETTINGS}


def _value(settings: dict[str, Any], name: str) -> Any:
    for part in name.split("."):
        settings = settings.get(part, "missing")
    return settings


def _progress(run: Run) -> dict[str, Any]:
    statistics = run.judges.statistics
    return {
        "stage": run.stage,
        "step": run.step,
        "settings": _settings(run),
        "loss_names": LOSS_NAMES,
        "validations": run.validations,
        "metrics": run.metrics,
        "gradient_scaler": run.scaler.state_dict() if run.scaler else {},
        "magnitude_means": statistics.means,
        "magnitude_deviations": statistics.deviations,
        "frame_rate": run.data.frame_rate,
        "training_data": run.data.provenance,
        "data_hash": run.data_hash,
    }
