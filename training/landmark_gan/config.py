"""Settings of the landmark generators' training: defaults are code, YAML states differences."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from facegen_core.models.landmark_config import SHORTEST_CLIP, LandmarkGanConfig
from training.expression_model.train_config import AugmentationConfig
from training.runs.settings import (
    NUM_THREADS,
    TrainingConfigError,
    check_num_threads,
    read_settings,
    settings_of_kind,
)


@dataclass(frozen=True)
class LandmarkTrainConfig:
    """One run: the autoencoder, then all stages of the generators with their critics."""

    data: Path = Path("data/ict4d")
    out: Path = Path("runs/lm4dgan/landmarks")
    seed: int = 1
    generators: LandmarkGanConfig = field(default_factory=LandmarkGanConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    # Whose blendshapes tell how a face's landmarks move as the mean face's do: a bundle, or the
    # folder of an expression-model run.
    basis_from: Path = Path("blender_addon/assets/default.facegen")
    # Total intensity from which on the rest gate is open, as of the expression model.
    rest_gate: float = 0.25
    # What the apex of a label means, see ModelConfig.labels.
    labels: Literal["proportional", "extremeness"] = "proportional"
    # The parts whose worth is in question.
    autoencoder: bool = True
    identity_discriminator: bool = True
    critics: bool = True
    # How blurred and how often withheld from the generators the code of a face is (its numbers have
    # deviation 1 in people): a style is learnt by heart from 143 faces, and belongs to none of the
    # next ones.
    code_noise: float = 1.0
    code_dropout: float = 0.5
    # Steps of the autoencoder, before all others, and frames of each.
    autoencoder_steps: int = 4000
    autoencoder_batch: int = 256
    autoencoder_rate: float = 2e-3
    # Steps of each stage, coarse to fine: those before it are finished and stay as they are.
    # Examples of each step, and consecutive frames of each example.
    stage_steps: tuple[int, ...] = (4000, 600, 600)
    batch: int = 24
    window: int = 64
    learning_rate: float = 1e-3
    critic_rate: float = 5e-4
    # Updates of the critics before each of the generators, and of the generators without them.
    critic_updates: int = 1
    # Share of the rate that is left at the end, by a cosine.
    final_rate: float = 0.02
    # Weight of the gradient penalty (Gulrajani et al. 2017).
    penalty: float = 10.0
    # Weights of the generators' losses. mean: distance of the motion without noise from the truth;
    # energy: the energy score of the motions with noise (Gneiting & Raftery 2007); velocity: the
    # same of what changes from frame to frame, beside each; asymmetry: the energy score of what
    # left and right do not share, beside that of all; critic, identity, autoencoder: what judges
    # add.
    mean_weight: float = 1.0
    energy_weight: float = 1.0
    velocity_weight: float = 2.0
    asymmetry_weight: float = 2.0
    critic_weight: float = 0.02
    identity_weight: float = 0.01
    autoencoder_weight: float = 0.1
    max_gradient_norm: float = 5.0
    # Decay of the moving average of the generators that is validated and kept.
    average: float = 0.998
    # How diverse the motions of one face and label are to be at amount 1, in that of the truth:
    # the noise is scaled to it on validation subjects at the end; 0 leaves it as it was trained.
    diversity: float = 1.1
    # A loss this many times its running median, or generated motion so many times as large as the
    # truth, has diverged.
    explosion_factor: float = 30.0
    validation_interval: int = 1000
    checkpoint_interval: int = 250
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "float32"] = "auto"
    # Threads each process computes with on the CPU; the same number, the same weights.
    num_threads: int = NUM_THREADS

    def __post_init__(self) -> None:
        check_num_threads(self.num_threads)
        for setting in dataclasses.fields(self):
            value = getattr(self, setting.name)
            if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
                raise TrainingConfigError(f"'{setting.name}': expected 0 or more, got {value}.")
        for name in ("batch", "checkpoint_interval", "validation_interval"):
            if getattr(self, name) < 1:
                raise TrainingConfigError(f"'{name}': expected 1 or more, got 0.")
        if self.window < SHORTEST_CLIP:
            raise TrainingConfigError(
                f"'window': the coarsest stage needs {SHORTEST_CLIP} frames, got {self.window}."
            )
        rates = self.generators.stage_rates
        if not rates or rates[-1] != 1 or sorted(set(rates)) != list(rates) or rates[0] <= 0:
            raise TrainingConfigError(
                f"'generators.stage_rates': expected rising rates up to 1, got {list(rates)}."
            )
        for name, values in (
            ("stage_steps", self.stage_steps),
            ("generators.widths", self.generators.widths),
        ):
            if len(values) != len(rates) or min(values) < 1:
                raise TrainingConfigError(
                    f"'{name}': expected {len(rates)} numbers of 1 or more, one per stage, got "
                    f"{list(values)}."
                )
        if self.generators.kernel % 2 == 0:
            raise TrainingConfigError("'generators.kernel': expected an odd number of frames.")
        if self.critics and self.critic_updates < 1:
            raise TrainingConfigError("'critic_updates': expected 1 or more, got 0.")


def read_landmark_config(path: Path | None, **overrides: Any) -> LandmarkTrainConfig:
    """The `landmarks:` section of a YAML file, then overrides that are not None.

    Raises TrainingConfigError with the setting's name.
    """
    return settings_of_kind(LandmarkTrainConfig, section(path, "landmarks", **overrides))


def section(path: Path | None, name: str, **overrides: Any) -> dict[str, Any]:
    """One section of a recipe's YAML file, with overrides that are not None."""
    content = read_settings(path) if path else {}
    if not isinstance(content, dict) or not isinstance(content.get(name, {}), dict):
        raise TrainingConfigError(f"{path}: expected sections of 'setting: value' lines.")
    unknown = sorted(set(content) - {"landmarks", "decoder"})
    if unknown:
        raise TrainingConfigError(
            f"{path}: unknown section '{unknown[0]}': choose from landmarks, decoder."
        )
    return content.get(name, {}) | {k: v for k, v in overrides.items() if v is not None}
