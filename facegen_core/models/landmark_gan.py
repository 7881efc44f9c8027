"""The landmark generators of LM-4DGAN in torch: neutral landmarks, signal and noise → motion.

Coarse to fine (arXiv 2603.10337; stages and residuals after GANimator, Li et al., SIGGRAPH 2022):
stage k sees the motion so far at its own rate and adds to it. Convolutions over time alone, so that
a clip may have any length. Deviations: all stages sample from the first frame on, so that what
follows a clip does not shift it; the noise of all stages is 0 for the mean motion.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..conditioning import stage_times
from .expression_encoder import rest_gate
from .landmark_config import FRAME_SIZE, LandmarkGanConfig, condition_size

LEAK = 0.2


class LandmarkGenerators(nn.Module):
    """All stages; motion is in units of `scale` mm inside, in mm outside."""

    neutral_mean: Tensor
    neutral_basis: Tensor
    scale: Tensor
    noise_scales: Tensor

    def __init__(self, config: LandmarkGanConfig, num_expressions: int, gate_width: float) -> None:
        super().__init__()
        self.config, self.gate_width = config, gate_width
        self.register_buffer("neutral_mean", torch.zeros(FRAME_SIZE))
        self.register_buffer("neutral_basis", torch.zeros(config.neutral_size, FRAME_SIZE))
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("noise_scales", torch.ones(config.num_stages))
        told = condition_size(config, num_expressions)
        self.stages = nn.ModuleList(
            Stage(config, told, is_first=k == 0) for k in range(config.num_stages)
        )

    def neutral_code(self, neutral: Tensor) -> Tensor:
        """(B, N) of (B, 204) landmarks at rest, mm: how this face differs from the mean one."""
        return (neutral - self.neutral_mean) @ self.neutral_basis.T

    def forward(self, signal: Tensor, time: Tensor, neutral: Tensor, noise: Tensor) -> list[Tensor]:
        """Motion after every stage, each (B, K_k, 204) mm at that stage's rate; the last is it.

        signal: (B, K, C) at the model's rate; time: (B, K, 2) from `conditioning.time_code`;
        neutral: (B, 204) mm; noise: (B, S, K, Z) of S stages, the same for all frames between two
        rests; 0 makes the mean motion.
        """
        code = self.neutral_code(neutral)[:, None].expand(-1, signal.shape[1], -1)
        told = [signal, time, code] if self.config.reads_time else [signal, code]
        outputs: list[Tensor] = []
        motion = None
        for k, stage in enumerate(self.stages):
            told_now = torch.cat([*told, noise[:, k] * self.noise_scales[k]], dim=2)
            rate = self.config.stage_rates[k]
            before = 1.0 if k == 0 else self.config.stage_rates[k - 1]
            told_here = sampled(told_now, 1.0, rate, signal.shape[1])
            if motion is not None:
                motion = sampled(motion, before, rate, signal.shape[1])
            motion = stage(told_here, motion)
            gate = rest_gate(sampled(signal, 1.0, rate, signal.shape[1]), self.gate_width)
            outputs.append(motion * gate * self.scale)
        return outputs


class Stage(nn.Module):
    """One generator: what it is told and the motion so far → a better motion at its rate."""

    def __init__(self, config: LandmarkGanConfig, told: int, is_first: bool) -> None:
        super().__init__()
        width = config.width
        self.read = nn.Linear(told + (0 if is_first else FRAME_SIZE), width)
        self.blocks = nn.ModuleList(
            nn.Conv1d(
                width + told,
                width,
                config.kernel,
                padding=config.kernel // 2,
                padding_mode="replicate",
            )
            for _ in range(config.num_blocks)
        )
        self.write = nn.Linear(width, FRAME_SIZE)
        if not is_first:  # a finer stage begins by passing on what it is given
            nn.init.zeros_(self.write.weight)
            nn.init.zeros_(self.write.bias)

    def forward(self, told: Tensor, motion: Tensor | None) -> Tensor:
        """(B, K, 204) from (B, K, told) and the motion so far, at this stage's rate."""
        given = told if motion is None else torch.cat([told, motion], dim=2)
        features = functional.leaky_relu(self.read(given), LEAK).transpose(1, 2)  # (B, width, K)
        told = told.transpose(1, 2)
        for block in self.blocks:
            change = block(torch.cat([features, told], dim=1))
            features = features + functional.leaky_relu(change, LEAK)
        written = self.write(features.transpose(1, 2))
        return written if motion is None else motion + written


def sampled(rows: Tensor, rate: float, new_rate: float, num_frames: int) -> Tensor:
    """(B, K', N) at one rate → (B, K'', N) at another, of a clip of `num_frames` at rate 1."""
    if rate == new_rate:
        return rows
    times = stage_times(num_frames, new_rate) * rate
    low = np.minimum(np.floor(times + 1e-9).astype(np.int64), rows.shape[1] - 1)
    high = np.minimum(low + 1, rows.shape[1] - 1)
    share = torch.as_tensor(np.clip(times - low, 0, 1), dtype=rows.dtype, device=rows.device)
    share = share[:, None]
    return rows[:, low] * (1 - share) + rows[:, high] * share
