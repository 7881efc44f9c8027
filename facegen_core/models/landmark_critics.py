"""What judges the landmark generators while they train: a critic per stage, and of identity.

WGAN with gradient penalty (Gulrajani et al., NeurIPS 2017). No batch norm: the penalty is of every
sample alone, and batch norm would mix them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .landmark_autoencoder import CODE_SIZE
from .landmark_config import FRAME_SIZE

WIDTH = 64


class MotionCritic(nn.Module):
    """How real a motion looks at one stage's rate, given what the generators were told."""

    def __init__(self, told: int) -> None:
        super().__init__()
        self.score = _patches(FRAME_SIZE + told)

    def forward(self, motion: Tensor, told: Tensor) -> Tensor:
        """(B,) of motion (B, K, 204) in units near 1 and conditions (B, K, told)."""
        return self.score(torch.cat([motion, told], dim=2).transpose(1, 2)).mean(dim=(1, 2))


class IdentityDiscriminator(nn.Module):
    """How well a motion fits the person: real pairs, generated ones, and real motion of others.

    It sees codes of the landmark autoencoder, or landmarks themselves where there is none: that of
    the neutral, and how it changes while the face moves. The motion of others is put on the same
    neutral: their absolute landmarks would betray them without a look at how they move.
    """

    def __init__(self, code_size: int = CODE_SIZE, num_expressions: int = 6) -> None:
        super().__init__()
        self.score = _patches(2 * code_size + num_expressions)

    def forward(self, neutral: Tensor, moving: Tensor, signal: Tensor) -> Tensor:
        """(B,) of codes (B, N) at rest and (B, K, N) in motion, and the signal (B, K, C)."""
        still = neutral[:, None].expand_as(moving)
        seen = torch.cat([still, moving - still, signal], dim=2)
        return self.score(seen.transpose(1, 2)).mean(dim=(1, 2))


def gradient_norms(scores: Tensor, samples: Tensor) -> Tensor:
    """(B,) lengths of the gradient of (B,) scores by samples (B, K, N).

    Distances between motions are RMS over their K frames, so that a clip of any length, at any
    stage's rate, is judged alike.
    """
    (gradient,) = torch.autograd.grad(scores.sum(), samples, create_graph=True)
    squares = gradient.pow(2).sum(dim=(1, 2)) * samples.shape[1]
    return (squares + 1e-12).sqrt()


def _patches(num_inputs: int) -> nn.Sequential:
    """A score per eight frames, each of which has seen about twenty-nine."""
    return nn.Sequential(
        nn.Conv1d(num_inputs, WIDTH, 5, stride=2, padding=2),
        nn.LeakyReLU(0.2),
        nn.Conv1d(WIDTH, WIDTH, 5, stride=2, padding=2),
        nn.LeakyReLU(0.2),
        nn.Conv1d(WIDTH, WIDTH, 5, stride=2, padding=2),
        nn.LeakyReLU(0.2),
        nn.Conv1d(WIDTH, 1, 3, padding=1),
    )
