"""Settings of a training run: defaults are code, a YAML file states only differences."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from facegen_core.errors import FacegenError
from facegen_core.models.config import ModelConfig


class TrainingConfigError(FacegenError):
    """A setting is unknown, of a wrong kind, or contradicts another."""


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
    """One run. Stages: `motion` trains encoder and blendshape weights, `detail` everything."""

    # Folder made by `python -m training prepare`.
    data: Path = Path("data/ict4d")
    # Where checkpoints, the effective configuration and metrics go.
    out: Path = Path("runs/default")
    seed: int = 1
    model: ModelConfig = field(default_factory=ModelConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    # Frames the PCA basis is computed from.
    pca_frames: int = 1500
    # Steps on PCA coefficients with the loss at random vertices; 0 for a decoder without a basis.
    motion_steps: int = 6500
    motion_batch: int = 32
    # Vertices each motion step looks at, drawn by how much they move.
    motion_vertices: int = 128
    # Steps on whole meshes.
    detail_steps: int = 200
    detail_batch: int = 8
    # Consecutive frames of each sequence a detail step decodes.
    detail_window: int = 8
    # Adam; the rate falls exponentially to `final_rate` of itself over each stage.
    learning_rate: float = 3e-3
    detail_learning_rate: float = 2e-4
    final_rate: float = 0.02
    weight_decay: float = 0.0
    # How much more a frame counts whose total intensity is below the rest gate's width: errors
    # there are small beside those of the apex, but seen, as a face that does not quite settle.
    quiet_weight: float = 3.0
    # Weights of L_c and of the jaw beside L_r; the paper has 1 and no jaw.
    temporal_weight: float = 1.0
    jaw_weight: float = 0.1
    # Steps between two looks at the validation subjects, and between two checkpoints.
    validation_interval: int = 500
    checkpoint_interval: int = 500
    # Every n-th frame of the test subjects is measured.
    evaluation_stride: int = 6
    # Sequences per subject and expression; 0 for all.
    max_takes: int = 0

    def __post_init__(self) -> None:
        if self.motion_steps and not self.model.has_blendshapes:
            raise TrainingConfigError(
                "motion_steps and decoder 'spiral' contradict each other: the motion stage needs "
                "blendshapes; set motion_steps to 0."
            )
        if self.motion_steps + self.detail_steps < 1:
            raise TrainingConfigError("motion_steps and detail_steps are both 0: nothing to train.")


def read_config(path: Path, **overrides: Any) -> TrainConfig:
    """A YAML file of differences, then overrides (values that are None are left out).

    Raises TrainingConfigError with the setting's name.
    """
    content = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    content |= {name: value for name, value in overrides.items() if value is not None}
    return config_from_dict(content)


def config_from_dict(content: dict[str, Any]) -> TrainConfig:
    """The TrainConfig of plain values, as YAML or JSON holds them."""
    return _build(TrainConfig, content, "")


def config_to_dict(config: TrainConfig) -> dict[str, Any]:
    """Plain values that `config_from_dict` reads back."""
    content = dataclasses.asdict(config)
    content["model"]["channels"] = list(config.model.channels)
    return content | {"data": str(config.data), "out": str(config.out)}


def write_config(config: TrainConfig, path: Path) -> None:
    """Save every setting in force, defaults included."""
    path.write_text(yaml.safe_dump(config_to_dict(config), sort_keys=False), encoding="utf-8")


def _build(kind: type, content: Any, where: str) -> Any:
    if not isinstance(content, dict):
        raise TrainingConfigError(f"'{where or 'config'}': expected settings, got {content!r}.")
    fields = {f.name: f for f in dataclasses.fields(kind)}
    unknown = sorted(set(content) - set(fields))
    if unknown:
        raise TrainingConfigError(
            f"Unknown setting '{where}{unknown[0]}': choose from {', '.join(fields)}."
        )
    defaults = kind()
    values = {
        name: _convert(value, getattr(defaults, name), f"{where}{name}")
        for name, value in content.items()
    }
    return kind(**values)


def _convert(value: Any, default: Any, name: str) -> Any:
    """The value in the type of its default."""
    if dataclasses.is_dataclass(default):
        return _build(type(default), value, f"{name}.")
    if isinstance(default, Path):
        return Path(value)
    if isinstance(default, tuple):
        return tuple(value)
    if isinstance(default, float) and isinstance(value, int | float):
        return float(value)
    if type(value) is not type(default):
        raise TrainingConfigError(f"'{name}': expected {type(default).__name__}, got {value!r}.")
    return value
