"""The generator: conditioning signal → displacements of the skin and poses of the jaw.

x̂_t = x_id + D(z_t), z_t = E(e_t) (Potamias et al., ECCV 2020, eq. 4); the neutral is added where
the displacements are used. `hybrid` is D = blendshapes + a spiral residual that starts at zero.
Identity enters through the blendshapes, which may be given as another neutral shows them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..hierarchy import Hierarchy
from .config import JAW_SIZE, ModelConfig
from .decoders import BlendshapeDecoder, SpiralDecoder
from .expression_encoder import ExpressionEncoder, rest_gate


@dataclass(frozen=True, eq=False)
class GeneratedMotion:
    """skin: (V, B, T, 3) mm, vertices first; jaw: (B, T, 6) rad and mm."""

    skin: Tensor
    jaw: Tensor


class ExpressionModel(nn.Module):
    """Signals (B, T, C) → GeneratedMotion, of the mean face or of one whose shapes are given."""

    def __init__(self, config: ModelConfig, hierarchy: Hierarchy) -> None:
        super().__init__()
        self.config = config
        self.encoder = ExpressionEncoder(config)
        self.jaw = JawHead(config.latent_size)
        if config.has_blendshapes:
            self.blendshapes = BlendshapeDecoder(config, hierarchy.sizes[0])
        if config.has_spirals:
            self.spirals = SpiralDecoder(config, hierarchy)
        if config.decoder == "hybrid":
            self.spirals.start_at_zero()

    def forward(
        self, signal: Tensor, shapes: Tensor | None = None, lip_gap: Tensor | None = None
    ) -> GeneratedMotion:
        """shapes: (K, V, 3) the blendshapes as a face shows them, lip_gap: (B,) how far its lips
        are apart (`conditioning.relative_lip_gap`); None is the mean face."""
        B, T, _ = signal.shape  # noqa: N806
        codes = self.encoder(signal, lip_gap)
        gate = rest_gate(signal, self.config.rest_gate)  # (B, T, 1)
        skin = self.decode(codes.reshape(B * T, -1), shapes).reshape(-1, B, T, 3)
        return GeneratedMotion(skin * gate, self.jaw(codes) * gate)

    def decode(self, codes: Tensor, shapes: Tensor | None = None) -> Tensor:
        """(V, N, 3) displacements of (N, 64) codes, before the rest gate."""
        if self.config.decoder == "spiral":
            return self.spirals(codes)
        skin = self.blendshapes(codes, shapes)
        return skin + self.spirals(codes) if self.config.has_spirals else skin


class JawHead(nn.Module):
    """Codes (..., 64) → jaw poses (..., 6); `scales` are the spread of each number in training."""

    scales: Tensor

    def __init__(self, latent_size: int) -> None:
        super().__init__()
        linear = nn.Linear(latent_size, JAW_SIZE)
        self.weight, self.bias = linear.weight, linear.bias
        self.register_buffer("scales", torch.ones(JAW_SIZE))

    def forward(self, codes: Tensor) -> Tensor:
        return nn.functional.linear(codes, self.weight, self.bias) * self.scales
