"""Checkpoints: everything a run needs to go on after a kill, in one npz without pickle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from facegen_core import schemas
from facegen_core.array_files import TRAINING_BYTES, read_arrays
from facegen_core.bundle import write_arrays
from facegen_core.errors import FacegenError
from facegen_core.file_words import reason_of
from facegen_core.json_text import parse_json, quoted

CHECKPOINT_VERSION = 2


class CheckpointError(FacegenError):
    """A checkpoint is missing, damaged, or of another run."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """weights: the model's state, at the end of a stage their moving average; average: that average
    within a stage; optimiser: Adam's moments by parameter; history: (steps, losses) by stage;
    progress: plain values (stage, step, settings, statistics, validations, metrics)."""

    weights: dict[str, NDArray]
    average: dict[str, NDArray]
    optimiser: dict[str, NDArray]
    history: dict[str, NDArray[np.float64]]
    progress: dict[str, Any]


_GROUPS = ("weights", "average", "optimiser", "history")


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write at once or not at all: a kill leaves the checkpoint before."""
    progress = {"version": CHECKPOINT_VERSION, **checkpoint.progress}
    arrays: dict[str, NDArray] = {
        "progress": np.frombuffer(json.dumps(progress).encode(), np.uint8)
    }
    for group in _GROUPS:
        named = getattr(checkpoint, group)
        arrays |= {f"{group}/{name}": values for name, values in named.items()}
    write_arrays(path, arrays)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read back; raises CheckpointError with the reason."""
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint {path}: train first, or name another run.")
    try:
        arrays = read_arrays(path, largest=TRAINING_BYTES)
        progress = parse_json(arrays.pop("progress").tobytes())
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"{path} is not a checkpoint that can be read: {reason_of(error)}."
        ) from error
    if not isinstance(progress, dict):
        raise CheckpointError(f"{path} is not a checkpoint: it tells no progress.")
    version = progress.get("version")
    if isinstance(version, int) and version > CHECKPOINT_VERSION:
        raise CheckpointError(schemas.newer(str(path), version, CHECKPOINT_VERSION))
    if version != CHECKPOINT_VERSION:
        raise CheckpointError(
            f"{path} has version {quoted(version)}, this trainer reads version "
            f"{CHECKPOINT_VERSION}: train again."
        )

    def below(group: str) -> dict[str, NDArray]:
        prefix = f"{group}/"
        return {n.removeprefix(prefix): v for n, v in arrays.items() if n.startswith(prefix)}

    return Checkpoint(*(below(group) for group in _GROUPS), progress)


def model_arrays(model: torch.nn.Module) -> dict[str, NDArray]:
    """Every weight and stored buffer as an array."""
    return {name: values.numpy(force=True).copy() for name, values in model.state_dict().items()}


def restore_model(model: torch.nn.Module, arrays: dict[str, NDArray]) -> None:
    """Put arrays of `model_arrays` back; raises CheckpointError where names or shapes differ."""
    try:
        model.load_state_dict({name: torch.from_numpy(a.copy()) for name, a in arrays.items()})
    except RuntimeError as error:
        raise CheckpointError(f"The checkpoint is of another model: {error}") from error


def optimiser_arrays(optimiser: torch.optim.Optimizer) -> dict[str, NDArray]:
    """Adam's moments and step counts, named by parameter number."""
    return {
        f"{index}/{name}": values.numpy(force=True).copy()
        for index, state in optimiser.state_dict()["state"].items()
        for name, values in state.items()
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, arrays: dict[str, NDArray]) -> None:
    """Put arrays of `optimiser_arrays` back."""
    content = optimiser.state_dict()
    for key, values in arrays.items():
        index, name = key.split("/")
        content["state"].setdefault(int(index), {})[name] = torch.from_numpy(values.copy())
    optimiser.load_state_dict(content)
