"""What a model is made of, and which weights it has. No torch here: the bundle reads it too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..intensity import EXPRESSIONS

JAW_SIZE = 6  # rotation vector (rad), translation (mm)
GATES = 4  # of an LSTM cell


@dataclass(frozen=True)
class ModelConfig:
    """The architecture. Its defaults are ours; `paper_config` is Potamias et al."""

    decoder: Literal["hybrid", "blendshape", "spiral"] = "hybrid"
    # The channels of the signal, in order: names of the data the model was trained on.
    expressions: tuple[str, ...] = EXPRESSIONS
    # Size of the LSTM's output, which is the latent code of a frame (Potamias et al. 2020, 5.5).
    latent_size: int = 64
    # Features per vertex from the coarsest level to the last but one (Table 1); 3 follow.
    channels: tuple[int, ...] = (64, 32, 16, 8)
    # PCA shapes of the linear head; the paper's baseline has as many as the latent code.
    num_blendshapes: int = 64
    # Whether the encoder reads the signal from both ends. An onset looks different when it leads to
    # a strong peak; the paper's LSTM cannot know before it is there.
    bidirectional: bool = False
    # Whether the blendshapes are carried over to each neutral by deformation transfer; otherwise
    # everybody moves as the mean face does, as in the paper.
    follows_neutral: bool = False
    # Whether the encoder is told how far the lips stand apart at rest: closing them takes more of
    # one face than of another.
    reads_lip_gap: bool = False
    # Frames per second the LSTM runs at: that of its training data.
    model_rate: float = 30.0
    # Total intensity from which on the rest gate is open; 0 switches it off (the paper has none).
    rest_gate: float = 0.25
    # Frames of rest the LSTM sees before every clip, so that it starts where it rests.
    warmup_frames: int = 30
    # What the apex of a label means: our proportional amplitude, or s of the paper's eq. 6.
    labels: Literal["proportional", "extremeness"] = "proportional"

    @property
    def num_expressions(self) -> int:
        return len(self.expressions)

    @property
    def has_blendshapes(self) -> bool:
        return self.decoder in ("hybrid", "blendshape")

    @property
    def has_spirals(self) -> bool:
        return self.decoder in ("hybrid", "spiral")


def paper_config(model_rate: float = 12.0) -> ModelConfig:
    """Potamias et al. 2020 as written: Table 1, labels of eq. 6, no gate, zero initial state.

    model_rate: the paper keeps every 5th frame of 60 per second.
    """
    return ModelConfig(
        decoder="spiral",
        model_rate=model_rate,
        rest_gate=0.0,
        warmup_frames=0,
        labels="extremeness",
    )


def weight_shapes(
    config: ModelConfig, level_sizes: tuple[int, ...], spiral_length: int
) -> dict[str, tuple[int, ...]]:
    """Name and shape of every array of a model on levels of V_0 > V_1 > … vertices."""
    latent = config.latent_size
    shapes: dict[str, tuple[int, ...]] = {
        "encoder.lstm.weight_ih_l0": (GATES * latent, config.num_expressions),
        "encoder.lstm.weight_hh_l0": (GATES * latent, latent),
        "encoder.lstm.bias_ih_l0": (GATES * latent,),
        "encoder.lstm.bias_hh_l0": (GATES * latent,),
        "jaw.weight": (JAW_SIZE, latent),
        "jaw.bias": (JAW_SIZE,),
        "jaw.scales": (JAW_SIZE,),
    }
    if config.bidirectional:
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            size = shapes[f"encoder.lstm.{name}_l0"]
            shapes[f"encoder.lstm.{name}_l0_reverse"] = size
        shapes["encoder.join.weight"] = (latent, 2 * latent)
        shapes["encoder.join.bias"] = (latent,)
    if config.reads_lip_gap:
        shapes["encoder.lip_gap.weight"] = (latent, latent)
    if config.has_blendshapes:
        shapes["blendshapes.mixing.weight"] = (config.num_blendshapes, latent)
        shapes["blendshapes.scales"] = (config.num_blendshapes,)
        shapes["blendshapes.basis"] = (config.num_blendshapes, level_sizes[0], 3)
    if config.has_spirals:
        shapes["spirals.expand.weight"] = (level_sizes[-1] * config.channels[0], latent)
        shapes["spirals.expand.bias"] = (level_sizes[-1] * config.channels[0],)
        widths = (*config.channels, 3)
        for k in range(len(config.channels)):
            shapes[f"spirals.convs.{k}.weight"] = (spiral_length, widths[k], widths[k + 1])
            shapes[f"spirals.convs.{k}.bias"] = (widths[k + 1],)
    return shapes
