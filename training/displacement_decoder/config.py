"""Settings of the decoder's training: defaults are code, a YAML file states only differences."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from facegen_core.models.displacement_config import DisplacementDecoderConfig
from training.runs.settings import (
    NUM_THREADS,
    TrainingConfigError,
    check_num_threads,
    read_settings,
    settings_dict,
    settings_of_kind,
)

# The section of a recipe's file that is about this stage.
SECTION = "decoder"
# What a run leaves in its folder: these settings alone, every one in force.
CONFIG_FILE = "config.yaml"


@dataclass(frozen=True)
class DecoderTrainConfig:
    """One training of the displacement decoder, from true landmarks of the training subjects."""

    # Whose blendshapes the linear head weighs: a bundle, or the folder of an expression-model run.
    basis_from: Path = Path("blender_addon/assets/default.facegen")
    model: DisplacementDecoderConfig = field(default_factory=DisplacementDecoderConfig)
    seed: int = 1
    # Frames of every take that are kept in memory, drawn between onset and offset.
    frames_per_take: int = 6
    # The residual: steps, and faces and frames of each in a step.
    steps: int = 2000
    faces_per_batch: int = 4
    frames_per_face: int = 4
    # Landmarks are shaken by up to so much: those that are generated are not exact.
    noise_mm: float = 0.1
    # Share of frames that are blends of two, one of them possibly rest: weak and mixed motion.
    blended: float = 0.15
    # Weight of the plain error beside the one weighted by nearness to landmarks (S2D-Dec), and of
    # the error's umbrella Laplacian.
    displacement_weight: float = 0.1
    roughness_weight: float = 0.5
    # What an error is: Euclidean distance per vertex, as it is measured, or L1 as in S2D-Dec.
    metric: Literal["euclidean", "l1"] = "euclidean"
    # Adam; the rate falls exponentially to `final_rate` of itself.
    learning_rate: float = 4e-3
    final_rate: float = 0.02
    max_gradient_norm: float = 1.0
    # Decay of the moving average of the weights that is validated and shipped; 0 for none.
    average: float = 0.998
    # A loss this many times the running median has exploded and stops the run.
    explosion_factor: float = 30.0
    # Steps between two looks at the validation subjects, and between two checkpoints.
    validation_interval: int = 500
    checkpoint_interval: int = 250
    # Every n-th frame of held-out subjects is measured.
    evaluation_stride: int = 6
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "float32"
    # Threads each process computes with on the CPU; the same number, the same weights.
    num_threads: int = NUM_THREADS

    def __post_init__(self) -> None:
        check_num_threads(self.num_threads)
        for name, value in dataclasses.asdict(self).items():
            if not isinstance(value, int | float) or isinstance(value, bool):
                continue
            if not math.isfinite(value) or value < 0:
                raise TrainingConfigError(f"'{name}': expected 0 or more, got {value}.")
            if name in _AT_LEAST_ONE and value < 1:
                raise TrainingConfigError(f"'{name}': expected 1 or more, got {value}.")
            if name in _AT_MOST_ONE and value > 1:
                raise TrainingConfigError(f"'{name}': expected 0 to 1, got {value}.")
        if self.average == 1 or not self.learning_rate or not self.final_rate:
            raise TrainingConfigError(
                "'average' is less than 1, 'learning_rate' and 'final_rate' are more than 0: at "
                "these values nothing would be learnt."
            )
        if not self.model.residual and not self.model.linear_head:
            raise TrainingConfigError(
                "model.linear_head and model.residual are both off: nothing is left to move skin."
            )


_AT_LEAST_ONE = (
    "frames_per_take faces_per_batch frames_per_face validation_interval checkpoint_interval "
    "evaluation_stride explosion_factor"
).split()
_AT_MOST_ONE = ("blended", "average", "final_rate")


def read_decoder_config(path: Path) -> DecoderTrainConfig:
    """The `decoder:` section of a recipe's file. Raises TrainingConfigError naming the setting."""
    content = read_settings(path)
    if not isinstance(content, dict):
        raise TrainingConfigError(f"{path}: expected 'section:' with settings, got {content!r}.")
    return decoder_config_from_dict(content.get(SECTION) or {})


def decoder_config_from_dict(content: Any) -> DecoderTrainConfig:
    """The settings of plain values, as YAML or JSON holds them."""
    return settings_of_kind(DecoderTrainConfig, content, f"{SECTION}.")


def decoder_config_to_dict(config: DecoderTrainConfig) -> dict[str, Any]:
    """Plain values that `decoder_config_from_dict` reads back."""
    return settings_dict(config)
