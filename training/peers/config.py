"""Settings of the peers: defaults are code, a YAML file states only differences."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from training.runs.settings import (
    NUM_THREADS,
    TrainingConfigError,
    check_num_threads,
    read_settings,
    settings_dict,
    settings_of_kind,
)


@dataclass(frozen=True)
class Motion3DGANConfig:
    """The landmark generator. Sizes for one CPU thread; those of the paper in comments."""

    # Channels of the coarsest image; the paper's 1024 make a first layer of 60 M weights with its
    # 12 classes (73 M as published, where the label is appended twice).
    width: int = 32
    noise_size: int = 128
    # Channels of the critic's convolutions, and of the layer after them; paper: 64, 32, 16; 1024.
    critic_channels: tuple[int, ...] = (16, 16, 16)
    critic_hidden: int = 128
    # Generator steps; the paper: 8000 epochs of some ten batches at a rate of 1e-6.
    steps: int = 1600
    batch: int = 16
    critic_steps: int = 4
    # Of both; falls exponentially to `final_rate` of itself over the steps.
    learning_rate: float = 1e-3
    final_rate: float = 0.1
    penalty_weight: float = 10.0
    log_weight: float = 10.0
    geodesic_weight: float = 10.0
    # Decay of the moving average of the generator's weights; the paper has none.
    average: float = 0.995
    validation_interval: int = 250
    checkpoint_interval: int = 250


@dataclass(frozen=True)
class S2DConfig:
    """The decoder from landmarks to skin."""

    # Features per vertex from the coarsest level to the finest; 3 follow. As in the paper.
    channels: tuple[int, ...] = (128, 64, 32, 32, 16)
    # Frames taken of each training sequence, once.
    frames_per_sequence: int = 3
    epochs: int = 8
    batch: int = 16
    learning_rate: float = 1e-3
    # Factor of the rate after every epoch: to 5 % in all, as the paper's 0.99 has after 300 epochs.
    epoch_decay: float = 0.69
    # Weight of the plain mean beside the mean by nearness to a landmark.
    plain_weight: float = 0.1
    # Decay of the moving average of the weights; the paper has none.
    average: float = 0.995
    validation_frames: int = 150
    checkpoint_interval: int = 200


@dataclass(frozen=True)
class RBFConfig:
    """Class-mean landmarks and radial basis functions."""

    # Points that keep still, spread over what hardly moves in training.
    num_anchors: int = 200
    # What "hardly" is: a share of the largest RMS motion of a vertex.
    still_share: float = 0.05
    # How far from the middle upper and lower lip stand for measuring distances, mm; lids likewise.
    slit_mm: float = 7.5


@dataclass(frozen=True)
class PeersConfig:
    """One training of all peers."""

    data: Path = Path("data/ict4d")
    out: Path = Path("runs/peers")
    seed: int = 1
    device: Literal["auto", "cpu", "cuda"] = "auto"
    # Threads they are trained with on the CPU; the same number, the same weights.
    num_threads: int = NUM_THREADS
    motion3dgan: Motion3DGANConfig = field(default_factory=Motion3DGANConfig)
    s2d: S2DConfig = field(default_factory=S2DConfig)
    rbf: RBFConfig = field(default_factory=RBFConfig)

    def __post_init__(self) -> None:
        check_num_threads(self.num_threads)
        for section in ("motion3dgan", "s2d", "rbf"):
            for name, value in dataclasses.asdict(getattr(self, section)).items():
                _check(f"{section}.{name}", value)


def read_peers_config(path: Path | None, **overrides: Any) -> PeersConfig:
    """A YAML file of differences, then overrides (values that are None are left out).

    Raises TrainingConfigError with the setting's name.
    """
    content = read_settings(path) if path is not None else {}
    if not isinstance(content, dict):
        raise TrainingConfigError(f"{path}: expected 'setting: value' lines, got {content!r}.")
    content |= {name: value for name, value in overrides.items() if value is not None}
    return settings_of_kind(PeersConfig, content)


def peers_config_to_dict(config: PeersConfig) -> dict[str, Any]:
    """Plain values that YAML and JSON hold."""
    return settings_dict(config)


# Settings that may be 0; all others must be more.
_MAY_BE_ZERO = (
    "penalty_weight log_weight geodesic_weight plain_weight average still_share slit_mm"
).split()


def _check(name: str, value: Any) -> None:
    if isinstance(value, tuple):
        if not value or min(value) < 1:
            raise TrainingConfigError(f"'{name}': expected sizes of 1 or more, got {list(value)}.")
        return
    if not math.isfinite(value) or value < 0:
        raise TrainingConfigError(f"'{name}': expected 0 or more, got {value}.")
    if value == 0 and name.split(".")[1] not in _MAY_BE_ZERO:
        raise TrainingConfigError(f"'{name}': expected more than 0.")
    if value >= 1 and name.endswith(".average"):
        raise TrainingConfigError(f"'{name}': expected less than 1: at 1 nothing would be learnt.")
