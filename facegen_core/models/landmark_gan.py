"""The landmark generators of LM-4DGAN in torch: neutral landmarks, signal and noise → motion.

Coarse to fine (arXiv 2603.10337; stages and residuals after GANimator, Li et al., SIGGRAPH 2022):
stage k sees the motion so far at its own rate and adds to it. Convolutions over time alone, so that
a clip may have any length. Deviations: the first stage adds to a linear map of the signal's
features, which is found by least squares and is near the mean motion before anything is trained;
all stages sample from the first frame on, so that what follows a clip does not shift it; the noise
of all stages is 0 for the mean motion.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..conditioning import stage_times
from .expression_encoder import rest_gate
from .landmark_config import (
    FRAME_SIZE,
    LandmarkGanConfig,
    condition_size,
    feature_size,
    smoothing_kernel,
    told_size,
)

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
        self.linear = nn.Linear(feature_size(num_expressions), FRAME_SIZE, bias=False)
        nn.init.zeros_(self.linear.weight)
        self.num_told = told_size(num_expressions)
        self.num_expressions = num_expressions
        told = condition_size(config, num_expressions)
        self.stages = nn.ModuleList(Stage(config, told, width) for width in config.widths)

    def neutral_code(self, neutral: Tensor) -> Tensor:
        """(B, N) of (B, 204) landmarks at rest, mm: how this face differs from the mean one."""
        return (neutral - self.neutral_mean) @ self.neutral_basis.T

    def forward(
        self,
        features: Tensor,
        code: Tensor,
        noise: Tensor,
        face: Tensor | None = None,
        num_stages: int | None = None,
        is_gated: bool = True,
    ) -> list[Tensor]:
        """Motion after every stage, each (B, K_k, 204) mm at that stage's rate; the last is it.

        num_stages: only so many are run, None for all. is_gated: whether the rest gate is applied,
        which a caller that interpolates to other frames does there.
        features: (B, K, 5·C + 2) from `conditioning.signal_features`; code: (B, N) of the neutral;
        noise: (B, S, K, Z) of S stages, the same for all frames between two rests; 0: the mean
        motion. face: (B, 204, 204) from `neutral_reading.landmark_map`, None for the mean face.
        """
        K = features.shape[1]  # noqa: N806
        codes = code[:, None].expand(-1, K, -1)
        told = torch.cat([features[:, :, : self.num_told], codes], dim=2)
        gate = rest_gate(features[:, :, : self.num_expressions], self.gate_width)
        outputs: list[Tensor] = []
        motion, before = self.linear(features), 1.0
        rates = self.config.stage_rates[:num_stages]
        for k, (stage, rate) in enumerate(zip(self.stages[:num_stages], rates, strict=True)):
            told_now = torch.cat([told, noise[:, k] * self.noise_scales[k]], dim=2)
            motion = sampled(motion, before, rate, K)
            motion = stage(sampled(told_now, 1.0, rate, K), motion)
            if k == self.config.num_stages - 1:
                motion = self._smoothed(motion)
            carried = motion if face is None else motion @ face
            opened = sampled(gate, 1.0, rate, K) if is_gated else 1.0
            outputs.append(carried * opened * self.scale)
            before = rate
        return outputs

    def _smoothed(self, motion: Tensor) -> Tensor:
        """(B, K, 204) through a short window over time, the ends held."""
        kernel = smoothing_kernel(self.config)
        reach, K = len(kernel) // 2, motion.shape[1]  # noqa: N806
        ends = motion[:, :1].expand(-1, reach, -1), motion[:, -1:].expand(-1, reach, -1)
        padded = torch.cat([ends[0], motion, ends[1]], dim=1)
        rows = [float(weight) * padded[:, j : j + K] for j, weight in enumerate(kernel)]
        return torch.stack(rows).sum(dim=0)


class Stage(nn.Module):
    """One generator: what it is told and the motion so far → a better motion at its rate."""

    def __init__(self, config: LandmarkGanConfig, told: int, width: int) -> None:
        super().__init__()
        kernel = config.kernel
        self.read = nn.Linear(told + FRAME_SIZE, width)
        self.blocks = nn.ModuleList(
            nn.Conv1d(width + told, width, kernel, padding=kernel // 2, padding_mode="replicate")
            for _ in range(config.num_blocks)
        )
        self.write = nn.Linear(width, FRAME_SIZE)
        nn.init.zeros_(self.write.weight)  # a stage begins by passing on what it is given
        nn.init.zeros_(self.write.bias)

    def forward(self, told: Tensor, motion: Tensor) -> Tensor:
        """(B, K, 204) from (B, K, told) and the motion so far, at this stage's rate."""
        given = torch.cat([told, motion], dim=2)
        features = functional.leaky_relu(self.read(given), LEAK).transpose(1, 2)  # (B, width, K)
        told = told.transpose(1, 2)
        for block in self.blocks:
            change = block(torch.cat([features, told], dim=1))
            features = features + functional.leaky_relu(change, LEAK)
        return motion + self.write(features.transpose(1, 2))


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
