"""Cross-attention of vertices to the neutral of a face, or to its landmarks.

Vaswani et al. 2017, as methods of expression transfer use it: vertices of the moving face ask, the
resting face of the same identity answers (LM-4DGAN, arXiv 2603.10337).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .displacement_config import TOKEN_SIZE, DisplacementDecoderConfig


class CrossAttention(nn.Module):
    """Features (V, F, N, C) of N frames of F faces → what attention adds to them.

    No biases, and a learnable factor that starts small. Vertices and tokens carry a learnt
    embedding of their place, without which a vertex would not know which token is itself.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    output: Tensor
    tokens: nn.Module

    def __init__(
        self, config: DisplacementDecoderConfig, width: int, num_vertices: int, tokens: nn.Module
    ) -> None:
        super().__init__()
        self.heads, self.dropout = config.heads, config.dropout
        for name in ("query", "key", "value", "output"):
            weight = torch.empty(width, width)
            nn.init.xavier_uniform_(weight)
            self.register_parameter(name, nn.Parameter(weight))
        self.scale = nn.Parameter(torch.tensor(config.attention_scale))
        self.place = nn.Parameter(0.5 * torch.randn(num_vertices, width))
        self.tokens = tokens

    def forward(self, features: Tensor, *seen: Tensor) -> Tensor:
        """seen: what the tokens are made of; they are (F, T, C) of each face, or (F, N, T, C) of
        each frame."""
        V, F, N, C = features.shape  # noqa: N806
        tokens = self.tokens(*seen)
        asked = (features + self.place[:, None, None]) @ self.query
        if tokens.ndim == 3:  # all frames of a face ask the same tokens
            asked = asked.permute(1, 2, 0, 3).reshape(F, N * V, C)
        else:
            asked = asked.permute(1, 2, 0, 3).reshape(F * N, V, C)
            tokens = tokens.flatten(0, 1)
        answer = functional.scaled_dot_product_attention(
            self._heads(asked),
            self._heads(tokens @ self.key),
            self._heads(tokens @ self.value),
            dropout_p=self.dropout if self.training else 0.0,
        )
        joined = answer.transpose(1, 2).reshape(F, N, V, C).permute(2, 0, 1, 3)
        return self.scale * (joined @ self.output)

    def _heads(self, rows: Tensor) -> Tensor:
        """(B, R, C) → (B, heads, R, C / heads)."""
        return rows.reshape(*rows.shape[:2], self.heads, -1).transpose(1, 2)


class NeutralTokens(nn.Module):
    """(F, V, S, 3) offsets along spirals → (F, V, C): one spiral convolution and tanh."""

    def __init__(self, spiral_length: int, num_vertices: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(spiral_length, 3, width))
        bound = (6.0 / (3 * spiral_length + width)) ** 0.5
        nn.init.uniform_(self.weight, -bound, bound)
        self.place = nn.Parameter(0.5 * torch.randn(num_vertices, width))

    def forward(self, offsets: Tensor) -> Tensor:
        return torch.tanh(offsets.flatten(2) @ self.weight.flatten(0, 1) + self.place)


class LandmarkTokens(nn.Module):
    """(F, N, 68, 3) displacements and (F, 68, 3) offsets of the neutral → (F, N, 68, C)."""

    def __init__(self, num_landmarks: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(TOKEN_SIZE, width))
        nn.init.xavier_uniform_(self.weight)
        self.place = nn.Parameter(0.5 * torch.randn(num_landmarks, width))

    def forward(self, landmarks: Tensor, offsets: Tensor) -> Tensor:
        resting = offsets[:, None].expand_as(landmarks)
        return torch.tanh(torch.cat([landmarks, resting], dim=-1) @ self.weight + self.place)
