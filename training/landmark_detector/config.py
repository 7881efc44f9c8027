"""Settings of the detector's training: defaults are code, a YAML file states only differences."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.runs.settings import (
    NUM_THREADS,
    TrainingConfigError,
    check_num_threads,
    read_settings,
)


@dataclass(frozen=True)
class DetectorConfig:
    """One training of the landmark detector."""

    seed: int = 1
    # Scenes drawn from six sides each; the last of them are never trained on.
    num_scenes: int = 3800
    num_held_out_scenes: int = 200
    num_steps: int = 2600
    # Then so many more from a warm restart at a share of the rate (Loshchilov & Hutter 2017).
    restart_steps: int = 700
    restart_share: float = 0.5
    batch: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 1e-3
    # Steps between two measurements on held-out scenes, and between two checkpoints.
    validation_interval: int = 600
    checkpoint_interval: int = 300
    # Threads of the CPU it computes with; the same number, the same weights.
    num_threads: int = NUM_THREADS

    def __post_init__(self) -> None:
        check_num_threads(self.num_threads)

    @property
    def total_steps(self) -> int:
        return self.num_steps + self.restart_steps


def read_detector_config(path: Path | None) -> DetectorConfig:
    """Defaults with what the file changes. Raises TrainingConfigError naming what is wrong."""
    if path is None:
        return DetectorConfig()
    content = read_settings(path)
    if not isinstance(content, dict):
        raise TrainingConfigError(f"{path}: expected settings, got {content!r}.")
    return dataclasses.replace(
        DetectorConfig(), **{name: _value(name, value) for name, value in content.items()}
    )


def _value(name: str, value: Any) -> Any:
    defaults = dataclasses.asdict(DetectorConfig())
    if name not in defaults:
        raise TrainingConfigError(f"Unknown setting '{name}': choose from {', '.join(defaults)}.")
    if isinstance(value, bool) or not isinstance(value, type(defaults[name]) | int):
        raise TrainingConfigError(f"'{name}': expected a number, got {value!r}.")
    if value < 0 or (value == 0 and name != "restart_steps"):
        raise TrainingConfigError(f"'{name}': expected more than 0, got {value!r}.")
    return type(defaults[name])(value)
