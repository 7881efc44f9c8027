"""The LSTM that turns the conditioning signal into one latent code per frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .config import ModelConfig


class ExpressionEncoder(nn.Module):
    """e (B, T, C) → z (B, T, 64): one layer, one direction (Potamias et al. 2020, section 4).

    Deviations: `warmup_frames` of rest come before every clip instead of a zero state, so that a
    clip starts where the LSTM rests, and nothing moves before the first onset. Where the model is
    bidirectional a second LSTM comes from the end, and z = tanh(join(both)). Where it reads the lip
    gap g, z + g · G z: how far lips have to go is proportional to it.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        size = config.latent_size
        self.lstm = nn.LSTM(
            config.num_expressions, size, batch_first=True, bidirectional=config.bidirectional
        )
        if config.bidirectional:
            self.join = nn.Linear(2 * size, size)
        if config.reads_lip_gap:
            self.lip_gap = nn.Linear(size, size, bias=False)
            nn.init.zeros_(self.lip_gap.weight)
        self.warmup_frames = config.warmup_frames
        self.reads_lip_gap = config.reads_lip_gap

    def forward(self, signal: Tensor, lip_gap: Tensor | None = None) -> Tensor:
        """lip_gap: (B,) as `conditioning.relative_lip_gap` tells it; None is the template's."""
        codes = self.lstm(signal, self._rest_state(signal))[0]
        if self.lstm.bidirectional:
            codes = torch.tanh(self.join(codes))
        if lip_gap is None or not self.reads_lip_gap:
            return codes
        return codes + lip_gap[:, None, None] * self.lip_gap(codes)

    def _rest_state(self, signal: Tensor) -> tuple[Tensor, Tensor] | None:
        """Hidden and cell states after `warmup_frames` of rest, for every clip of the batch."""
        if self.warmup_frames == 0:
            return None
        B, _, C = signal.shape  # noqa: N806
        _, (hidden, cell) = self.lstm(signal.new_zeros(1, self.warmup_frames, C))
        return hidden.expand(-1, B, -1).contiguous(), cell.expand(-1, B, -1).contiguous()


def rest_gate(signal: Tensor, width: float) -> Tensor:
    """(..., 1) in [0, 1]: 0 where all intensities (..., C) are 0, 1 from a total of `width` on.

    The minimum-jerk polynomial 10 x³ - 15 x⁴ + 6 x⁵ (Flash & Hogan 1985): it leaves 0 without
    speed or acceleration, as faces do, so that what the LSTM still remembers fades without a snap.
    """
    total = signal.sum(dim=-1, keepdim=True)
    if width == 0:
        return torch.ones_like(total)
    x = (total / width).clamp(max=1.0)
    return x**3 * (10.0 - 15.0 * x + 6.0 * x**2)
