"""Settings of a training run: defaults are code, a YAML file states only differences.

What contradicts itself is refused here; what contradicts the data, in `expression_model.run`.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from facegen_core.files import write_text
from facegen_core.json_text import quoted
from facegen_core.models.config import ModelConfig
from training.runs.settings import (
    NUM_THREADS,
    TrainingConfigError,
    check_num_threads,
    differing_setting,
    read_settings,
    settings_dict,
    settings_of_kind,
)

__all__ = [
    "AugmentationConfig",
    "TrainConfig",
    "TrainingConfigError",
    "config_from_dict",
    "config_to_dict",
    "differing_setting",
    "read_config",
    "read_settings",
    "write_config",
]


@dataclass(frozen=True)
class AugmentationConfig:
    """How often a recorded sequence is changed into one nobody recorded. Shares in [0, 1]."""

    # Other durations of onset, apex and offset: artists hold a smile for seconds.
    retimed: float = 0.6
    # A fraction of the strength, in label and motion alike: intensity grows evenly from 0.
    weakened: float = 0.4
    # A second expression of the same person set into the clip, possibly over the first.
    blended: float = 0.4


@dataclass(frozen=True)
class TrainConfig:
    """One run. Stages: `motion` trains encoder and blendshape weights, `detail` the spirals."""

    # Folder made by `python -m training prepare`.
    data: Path = Path("data/ict4d")
    # Where checkpoints, the effective configuration, the log and metrics go.
    out: Path = Path("runs/default")
    seed: int = 1
    model: ModelConfig = field(default_factory=ModelConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    # Sequences per subject and expression, 0 for all; sequences of two expressions or only of one.
    max_takes: int = 0
    compounds: bool = True
    # Frames the PCA basis is computed from.
    pca_frames: int = 1500
    # Stage motion, on PCA coefficients with the loss at random vertices: a number of steps or of
    # epochs (every training sequence once); neither for a decoder without a basis.
    motion_steps: int = 7000
    motion_epochs: int = 0
    motion_batch: int = 32
    # Vertices each motion step looks at, and whether those that move are looked at more often.
    motion_vertices: int = 192
    vertices_by_motion: bool = True
    # Stage detail, on whole meshes: steps or epochs likewise.
    detail_steps: int = 1200
    detail_epochs: int = 0
    detail_batch: int = 8
    # Consecutive frames of each sequence a detail step decodes.
    detail_window: int = 8
    # Adam. By steps, the rate falls exponentially to `final_rate` of itself over each stage; by
    # epochs, it is multiplied by `epoch_decay` after each.
    motion_learning_rate: float = 3e-3
    detail_learning_rate: float = 1e-3
    final_rate: float = 0.02
    epoch_decay: float = 0.99
    weight_decay: float = 0.0
    # Longest gradient, 0 for any.
    max_gradient_norm: float = 1.0
    # Decay of the moving average of the weights that is validated and shipped; 0 for none.
    average: float = 0.999
    # What an error is: Euclidean distance per vertex, as it is measured, or L1 as in the paper.
    metric: Literal["euclidean", "l1"] = "euclidean"
    # How much more a frame counts whose total intensity is below the rest gate's width: errors
    # there are small beside those of the apex, but seen, as a face that does not quite settle.
    quiet_weight: float = 3.0
    # Weights of L_c and of the jaw beside L_r; the paper has 1 and no jaw.
    temporal_weight: float = 1.0
    jaw_weight: float = 0.1
    # A loss this many times the running median has exploded and stops the run.
    explosion_factor: float = 30.0
    # Steps between two looks at the validation subjects, and between two checkpoints.
    validation_interval: int = 1000
    checkpoint_interval: int = 500
    # Every n-th frame of held-out subjects is measured.
    evaluation_stride: int = 6
    # "auto": the GPU where there is one, and there bfloat16, or float16 on older ones.
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    # Threads each process computes with on the CPU; the same number, the same weights.
    num_threads: int = NUM_THREADS
    # Scalars and pictures in OUT/tensorboard.
    tensorboard: bool = True

    def __post_init__(self) -> None:
        check_num_threads(self.num_threads)
        _check_ranges(self)
        _check_stages(self)
        if self.device == "cpu" and self.precision == "float16":
            raise TrainingConfigError(
                "precision 'float16' needs a GPU: use 'bfloat16' or 'float32' with device 'cpu'."
            )

    @property
    def has_motion_stage(self) -> bool:
        return self.motion_steps + self.motion_epochs > 0


def read_config(path: Path, **overrides: Any) -> TrainConfig:
    """A YAML file of differences, then overrides (values that are None are left out).

    Raises TrainingConfigError with the setting's name.
    """
    content = read_settings(path)
    if not isinstance(content, dict):
        raise TrainingConfigError(
            f"{path}: expected 'setting: value' lines, got {quoted(content)}."
        )
    content |= {name: value for name, value in overrides.items() if value is not None}
    return config_from_dict(content)


def config_from_dict(content: dict[str, Any]) -> TrainConfig:
    """The TrainConfig of plain values, as YAML or JSON holds them."""
    return settings_of_kind(TrainConfig, content)


def config_to_dict(config: TrainConfig) -> dict[str, Any]:
    """Plain values that `config_from_dict` reads back."""
    return settings_dict(config)


def write_config(config: TrainConfig, path: Path) -> None:
    """Save every setting in force, defaults included."""
    write_text(path, yaml.safe_dump(config_to_dict(config), sort_keys=False))


# ---- what a value may be -------------------------------------------------------------------------

_AT_LEAST_ONE = (
    "pca_frames motion_batch motion_vertices detail_batch detail_window validation_interval "
    "checkpoint_interval evaluation_stride model.latent_size model.num_blendshapes"
).split()
_POSITIVE = (
    "motion_learning_rate detail_learning_rate final_rate epoch_decay model.model_rate"
).split()
_SHARES = ("augmentation.retimed augmentation.weakened augmentation.blended average").split()


def _check_ranges(config: TrainConfig) -> None:
    for name, value in _numbers(config, ""):
        if not math.isfinite(value):
            raise TrainingConfigError(f"'{name}': expected a finite number, got {value}.")
        if value < 0:
            raise TrainingConfigError(f"'{name}': expected 0 or more, got {value}.")
        if name in _AT_LEAST_ONE and value < 1:
            raise TrainingConfigError(f"'{name}': expected 1 or more, got {value}.")
        if name in _POSITIVE and value == 0:
            raise TrainingConfigError(f"'{name}': expected more than 0, got {value}.")
        if name in _SHARES and value > 1:
            raise TrainingConfigError(f"'{name}': expected 0 to 1, got {value}.")
    if config.average == 1:
        raise TrainingConfigError("'average': expected less than 1: at 1 nothing would be learnt.")
    if config.explosion_factor <= 1:
        raise TrainingConfigError(
            f"'explosion_factor': expected more than 1, got {config.explosion_factor:g}."
        )
    if not config.model.channels or min(config.model.channels) < 1:
        raise TrainingConfigError("'model.channels': expected sizes of 1 or more.")
    if not config.model.expressions:
        raise TrainingConfigError("'model.expressions': expected at least one name.")


def _numbers(settings: Any, where: str) -> list[tuple[str, float]]:
    """(name, value) of every number of a configuration, those inside others by 'outer.inner'."""
    found: list[tuple[str, float]] = []
    for setting in dataclasses.fields(settings):
        name, value = f"{where}{setting.name}", getattr(settings, setting.name)
        if dataclasses.is_dataclass(value):
            found += _numbers(value, f"{name}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found.append((name, value))
    return found


def _check_stages(config: TrainConfig) -> None:
    for stage in ("motion", "detail"):
        if getattr(config, f"{stage}_steps") and getattr(config, f"{stage}_epochs"):
            raise TrainingConfigError(
                f"{stage}_steps and {stage}_epochs contradict each other: set one of them to 0."
            )
    has_detail = config.detail_steps + config.detail_epochs > 0
    if not config.has_motion_stage and not has_detail:
        raise TrainingConfigError(
            "motion_steps, motion_epochs, detail_steps and detail_epochs are all 0: nothing to "
            "train."
        )
    if config.has_motion_stage and not config.model.has_blendshapes:
        raise TrainingConfigError(
            "motion_steps and decoder 'spiral' contradict each other: the motion stage needs "
            "blendshapes; set motion_steps and motion_epochs to 0."
        )
    if config.has_motion_stage and has_detail and not config.model.has_spirals:
        raise TrainingConfigError(
            "detail_steps and decoder 'blendshape' contradict each other: after a motion stage "
            "only spirals are trained; set detail_steps and detail_epochs to 0."
        )
