"""Short runs of the landmark generators on made-up bumps, here and as a program of its own.

`python -m tests.training.landmark_runs OUT [--resume] [SETTINGS as JSON]`, also under torchrun.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch

from tests.training.synthetic_sequences import bump_data
from training.landmark_gan.config import LandmarkTrainConfig
from training.landmark_gan.train_landmarks import train_landmarks
from training.runs.distributed import joined, started_by_torchrun
from training.runs.settings import settings_of_kind

SMALL: dict[str, Any] = {
    "widths": [8, 8, 8],
    "num_blocks": 2,
    "noise_size": 4,
    "neutral_size": 4,
    "follows_neutral": False,
}
SHORT: dict[str, Any] = {
    "generators": SMALL,
    "autoencoder_steps": 4,
    "stage_steps": [5, 3, 3],
    "batch": 4,
    "window": 24,
    "checkpoint_interval": 2,
    "validation_interval": 4,
}


def short_landmark_config(out: Path, **changes: Any) -> LandmarkTrainConfig:
    """SHORT with changes."""
    return settings_of_kind(LandmarkTrainConfig, SHORT | {"out": str(out)} | changes)


def main() -> None:
    torch.set_num_threads(1)
    out, *options, settings = sys.argv[1:]
    config = short_landmark_config(Path(out), **json.loads(settings))
    processes = started_by_torchrun()
    with joined(processes, torch.device("cpu")):
        train_landmarks(config, bump_data(), "--resume" in options, processes)


if __name__ == "__main__":
    main()
