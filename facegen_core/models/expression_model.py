"""The generator: conditioning signal → displacements of the skin and poses of the jaw.

x̂_t = x_id + D(z_t), z_t = E(e_t) (Potamias et al., ECCV 2020, eq. 4); the neutral is added where
the displacements are used. `hybrid` is D = blendshapes + a spiral residual that starts at zero.
Where the configuration has an identity, it changes z_t before everything that reads it.
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
    """Signals (B, T, C) and identities (B, I), where the model has them → GeneratedMotion."""

    def __init__(self, config: ModelConfig, hierarchy: Hierarchy) -> None:
        super().__init__()
        self.config = config
        self.encoder = ExpressionEncoder(
            config.num_expressions, config.latent_size, config.warmup_frames
        )
        if config.identity_size:
            self.identity = IdentityModulation(config)
        self.jaw = JawHead(config.latent_size)
        if config.has_blendshapes:
            self.blendshapes = BlendshapeDecoder(config, hierarchy.sizes[0])
        if config.has_spirals:
            self.spirals = SpiralDecoder(config, hierarchy)
        if config.decoder == "hybrid":
            self.spirals.start_at_zero()

    def forward(self, signal: Tensor, identity: Tensor | None = None) -> GeneratedMotion:
        B, T, _ = signal.shape  # noqa: N806
        codes = self.with_identity(self.encoder(signal), identity)
        gate = rest_gate(signal, self.config.rest_gate)  # (B, T, 1)
        skin = self.decode(codes.reshape(B * T, -1)).reshape(-1, B, T, 3)
        return GeneratedMotion(skin * gate, self.jaw(codes) * gate)

    def with_identity(self, codes: Tensor, identity: Tensor | None) -> Tensor:
        """(B, T, 64) codes as the (B, I) identities play them; None is the mean face."""
        if identity is None or not self.config.identity_size:
            return codes
        return self.identity(codes, identity)

    def decode(self, codes: Tensor) -> Tensor:
        """(V, N, 3) displacements of (N, 64) codes, before the rest gate."""
        if self.config.decoder == "blendshape":
            return self.blendshapes(codes)
        if self.config.decoder == "spiral":
            return self.spirals(codes)
        return self.blendshapes(codes) + self.spirals(codes)


class IdentityModulation(nn.Module):
    """z + P ((Q z) ∘ (R i)) of codes z (B, T, 64) and identity coefficients i (B, I).

    Bilinear, because a face's shapes change in proportion to its identity (to first order), and a
    motion is a weighted sum of shapes. Without bias, so that z = 0 stays rest and i = 0, the mean
    face, changes nothing; P starts at zero, so that training starts from motion for everybody.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        rank = config.identity_rank
        self.code = nn.Linear(config.latent_size, rank, bias=False)
        self.coefficients = nn.Linear(config.identity_size, rank, bias=False)
        self.change = nn.Linear(rank, config.latent_size, bias=False)
        nn.init.zeros_(self.change.weight)

    def forward(self, codes: Tensor, identity: Tensor) -> Tensor:
        products = self.code(codes) * self.coefficients(identity)[:, None]
        return codes + self.change(products)


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
