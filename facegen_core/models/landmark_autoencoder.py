"""The landmark autoencoder of LM-4DGAN: one frame of a face's landmarks → 16 numbers → the frame.

Pre-trained frame by frame on real faces, then frozen. What it cannot tell back is no face: the
generators are judged by that, and the identity discriminator sees faces through its code.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from .landmark_config import FRAME_SIZE

SIZES = (FRAME_SIZE, 128, 64, 32, 16)
CODE_SIZE = SIZES[-1]


class LandmarkAutoencoder(nn.Module):
    """(..., 204) landmarks, mm in the template's frame → the same, as far as 16 numbers tell."""

    mean: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(FRAME_SIZE))
        self.register_buffer("scale", torch.ones(()))
        self.encoder = _dense(SIZES)
        self.decoder = _dense(SIZES[::-1])

    def encode(self, landmarks: Tensor) -> Tensor:
        """(..., 16)."""
        return self.encoder((landmarks - self.mean) / self.scale)

    def forward(self, landmarks: Tensor) -> Tensor:
        return self.decoder(self.encode(landmarks)) * self.scale + self.mean


def _dense(sizes: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for size, following in pairwise(sizes):
        layers += [nn.Linear(size, following), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])
