"""The LSTM that turns the conditioning signal into one latent code per frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ExpressionEncoder(nn.Module):
    """e (B, T, C) → z (B, T, 64): one layer, one direction (Potamias et al. 2020, section 4).

    Deviation: `warmup_frames` of rest come before every clip instead of a zero state, so that a
    clip starts where the LSTM rests, and nothing moves before the first onset.
    """

    def __init__(self, num_expressions: int, latent_size: int, warmup_frames: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(num_expressions, latent_size, batch_first=True)
        self.warmup_frames = warmup_frames

    def forward(self, signal: Tensor) -> Tensor:
        if self.warmup_frames == 0:
            return self.lstm(signal)[0]
        B, _, C = signal.shape  # noqa: N806
        rest = signal.new_zeros(1, self.warmup_frames, C)
        _, (hidden, cell) = self.lstm(rest)
        state = (hidden.expand(-1, B, -1).contiguous(), cell.expand(-1, B, -1).contiguous())
        return self.lstm(signal, state)[0]


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
