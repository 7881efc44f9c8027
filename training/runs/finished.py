"""Finished runs: opened to be asked, not to go on."""

from __future__ import annotations

from pathlib import Path

from training.datasets.training_data import TrainingData
from training.runs.checkpoint import Checkpoint, CheckpointError, load_checkpoint


def open_finished(folder: Path, advice: str) -> Checkpoint:
    """The checkpoint of a run that came to its end; advice: what to do where there is none.

    Raises CheckpointError with the reason.
    """
    path = Path(folder) / "checkpoint.npz"
    if not path.exists():
        raise CheckpointError(f"{folder} holds no run: {advice}.")
    checkpoint = load_checkpoint(path)
    if "final" not in checkpoint.progress.get("metrics", {}):
        raise CheckpointError(f"{folder} is not finished: resume it with --resume.")
    return checkpoint


def check_same_kind(
    folder: Path, expressions: tuple[str, ...], frame_rate: float, data: TrainingData
) -> None:
    """Raise CheckpointError where a run was trained for other expressions or another rate."""
    if expressions != tuple(data.expressions):
        raise CheckpointError(
            f"{folder} was trained for {', '.join(expressions)}, but the data set has "
            f"{', '.join(data.expressions)}: evaluate it on data of its own kind."
        )
    if frame_rate != data.frame_rate:
        raise CheckpointError(
            f"{folder} was trained at {frame_rate:g} frames per second, the data set has "
            f"{data.frame_rate:g}: evaluate it on data of its own rate."
        )
