"""Runs of a few steps on made-up bumps, in this process and as a program of its own.

`python -m tests.training.short_runs OUT [--resume] [SETTINGS as JSON]`, also under torchrun.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from tests.training.synthetic_sequences import bump_data
from training.expression_model.train_config import TrainConfig, config_from_dict
from training.expression_model.train_expression_model import train
from training.runs.checkpoint import Checkpoint, load_checkpoint
from training.runs.distributed import joined, started_by_torchrun

SHORT: dict[str, Any] = {
    "model": {"num_blendshapes": 8, "bidirectional": True, "follows_neutral": True},
    "pca_frames": 60,
    "motion_steps": 6,
    "motion_batch": 4,
    "motion_vertices": 50,
    "detail_steps": 4,
    "detail_batch": 2,
    "detail_window": 4,
    "checkpoint_interval": 2,
    "validation_interval": 3,
    "tensorboard": False,
}


def short_config(out: Path, **changes: Any) -> TrainConfig:
    """SHORT with changes."""
    return config_from_dict(SHORT | {"out": str(out)} | changes)


def checkpoint_of(out: Path) -> Checkpoint:
    return load_checkpoint(out / "checkpoint.npz")


def start(
    out: Path,
    *,
    resume: bool = False,
    processes: int = 1,
    module: str = "tests.training.short_runs",
    **changes: Any,
) -> subprocess.Popen:
    """A short run of a module like this one, in processes of its own, one thread each."""
    launcher = ["-m"]
    if processes > 1:
        launcher = ["-m", "torch.distributed.run", "--standalone", "-m"]
        launcher[2:2] = ["--nproc-per-node", str(processes)]
    arguments = [str(out), *(["--resume"] if resume else []), json.dumps(changes)]
    return subprocess.Popen(
        [sys.executable, *launcher, module, *arguments],
        cwd=Path(__file__).parent.parent.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen) -> None:
    """Wait for a run; what it said is shown where it failed."""
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said


def main() -> None:
    torch.set_num_threads(1)
    out, *options, settings = sys.argv[1:]
    config = short_config(Path(out), **json.loads(settings))
    processes = started_by_torchrun()
    with joined(processes, torch.device("cpu")):
        train(config, bump_data(), "--resume" in options, processes)


if __name__ == "__main__":
    main()
