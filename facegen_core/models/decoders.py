"""Latent codes → displacements of every vertex: the paper's spiral decoder and its PCA baseline.

Both take codes (N, 64) of N frames and return (V, N, 3) mm: vertices first, as the fused spiral
convolution works.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..hierarchy import Hierarchy
from .config import ModelConfig
from .spiral_conv import UpSpiralConv

# Frames decoded at once on a CPU: so many stay in its caches (half the time for 160 frames).
CHUNK_FRAMES = 40


class SpiralDecoder(nn.Module):
    """Potamias et al. 2020, Table 1: a linear layer to the coarsest level, then up and convolve.

    ReLU after every convolution but the last (displacements need both signs).
    """

    def __init__(self, config: ModelConfig, hierarchy: Hierarchy) -> None:
        super().__init__()
        num_ups = len(config.channels)
        if len(hierarchy.levels) != num_ups + 1:
            raise ValueError(
                f"channels: {num_ups} need {num_ups + 1} levels, the hierarchy has "
                f"{len(hierarchy.levels)}"
            )
        coarsest, length = hierarchy.sizes[-1], hierarchy.levels[0].spirals.shape[1]
        self.num_channels = config.channels[0]
        self.expand = nn.Linear(config.latent_size, coarsest * self.num_channels)
        widths = (*config.channels, 3)
        self.convs = nn.ModuleList(
            UpSpiralConv(hierarchy.fused_operator(k), length, widths[i], widths[i + 1])
            for i, k in enumerate(reversed(range(num_ups)))
        )

    def forward(self, codes: Tensor) -> Tensor:
        if codes.is_cuda or len(codes) <= CHUNK_FRAMES:
            return self._decode(codes)
        num_chunks = -(-len(codes) // CHUNK_FRAMES)
        chunks = [self._decode(chunk).transpose(1, 2) for chunk in codes.chunk(num_chunks)]
        return torch.cat(chunks, dim=2).transpose(1, 2)  # (V, N, 3), frames innermost in memory

    def _decode(self, codes: Tensor) -> Tensor:
        coarse = self.expand(codes).reshape(len(codes), -1, self.num_channels)
        features = coarse.transpose(0, 1)  # (V_4, N, 64)
        for conv in self.convs[:-1]:
            features = torch.relu(conv(features))
        return self.convs[-1](features)

    def start_at_zero(self) -> None:
        """Make the last convolution zero, so that training starts from no contribution."""
        for parameter in self.convs[-1].parameters():
            nn.init.zeros_(parameter)


class BlendshapeDecoder(nn.Module):
    """The paper's baseline: a linear basis (PCA of training displacements) weighted by the code.

    The basis is fixed; `scales` bring codes, which an LSTM keeps within ±1, to the range of each
    coefficient; `mixing` starts as the identity. No bias: a zero code is the neutral.
    """

    basis: Tensor
    scales: Tensor

    def __init__(self, config: ModelConfig, num_vertices: int) -> None:
        super().__init__()
        K = config.num_blendshapes  # noqa: N806
        self.mixing = nn.Linear(config.latent_size, K, bias=False)
        nn.init.eye_(self.mixing.weight)
        self.register_buffer("scales", torch.ones(K))
        self.register_buffer("basis", torch.zeros(K, num_vertices, 3))

    def coefficients(self, codes: Tensor) -> Tensor:
        """(N, K) coefficients of the basis."""
        return self.mixing(codes) * self.scales

    def forward(self, codes: Tensor, shapes: Tensor | None = None) -> Tensor:
        """shapes: (K, V, 3) to weigh instead of the basis: the same, as another face shows it."""
        shapes = self.basis if shapes is None else shapes
        K, V, _ = shapes.shape  # noqa: N806
        displacements = shapes.reshape(K, V * 3).T @ self.coefficients(codes).T
        return displacements.reshape(V, 3, -1).transpose(1, 2)
