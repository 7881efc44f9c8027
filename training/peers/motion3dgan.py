"""Motion3DGAN's networks: the path of landmarks as a picture (Otberdout et al., CVPR 2022).

Written anew from the published facts; a path is a picture of 204 × 30. Generator: a linear layer to
a coarse picture of many channels, enlarged three times by nearest neighbours with 3 × 3
convolutions, ReLU, tanh at the end. Critic: three 5 × 5 convolutions of stride 2 and two linear
layers.

Deviations: the critic has no batch norm, which ties the samples of a batch together and so breaks
the gradient penalty, that is of each sample. Pictures lie with all x of the 68 landmarks above all
y above all z, so that convolutions see neighbours of the face. The picture is brought to length 1
before anything else looks at it; the original leaves that to training and misses it by up to 15 %.
Labels, which the original appends to every layer as constant pictures, are added through a linear
layer of their own, which is the same but at the padded rim, and far cheaper; the first layer reads
them once, not twice.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from facegen_core.landmarks import NUM_LANDMARKS
from training.peers.config import Motion3DGANConfig
from training.peers.srvf import NUM_POINTS

FloatArray = NDArray[np.floating]

NUM_ROWS = 3 * NUM_LANDMARKS
# A class of the label is told in so many numbers ("rb" code).
NUMBERS_PER_CLASS = 3
_COARSE, _MIDDLE, _FINE = (51, 7), (102, 14), (204, 28)
# Below this a tangent vector has no direction.
_SHORTEST = 1e-6


def to_picture(q: FloatArray) -> FloatArray:
    """(..., 204, 30) of paths (..., 30, 204) whose rows go landmark by landmark."""
    by_axis = q.reshape(*q.shape[:-1], NUM_LANDMARKS, 3).swapaxes(-1, -2)
    return by_axis.reshape(q.shape).swapaxes(-1, -2)


def from_picture(picture: FloatArray) -> FloatArray:
    """(..., 30, 204) paths of pictures (..., 204, 30)."""
    q = picture.swapaxes(-1, -2)
    return q.reshape(*q.shape[:-1], 3, NUM_LANDMARKS).swapaxes(-1, -2).reshape(q.shape)


def class_code(
    classes: NDArray[np.integer], num_classes: int, rng: np.random.Generator | None
) -> NDArray[np.float32]:
    """(B, 3 C) the label of (B,) classes: |u| in the three numbers of the class, −|u| elsewhere.

    u is drawn from (−1, 1) for each, so that the label carries noise of its own; without a
    generator it is what is expected of |u|.
    """
    shape = (len(classes), num_classes, NUMBERS_PER_CLASS)
    size = np.abs(rng.uniform(-1.0, 1.0, shape)) if rng else np.full(shape, 0.5)
    signs = np.where(np.arange(num_classes) == np.asarray(classes)[:, None], 1.0, -1.0)
    return (size * signs[..., None]).reshape(len(classes), -1).astype(np.float32)


class PathGenerator(nn.Module):
    """Noise (B, 128) and label (B, 3 C) → paths of length 1 as pictures (B, 204, 30).

    scale: what 1 of the last tanh is in the unit of paths; reference: (204, 30) the path at which
    differences are taken.
    """

    scale: Tensor
    reference: Tensor

    def __init__(self, config: Motion3DGANConfig, num_classes: int) -> None:
        super().__init__()
        label = NUMBERS_PER_CLASS * num_classes
        widths = [max(1, config.width // 2**k) for k in range(4)]
        self.expand = nn.Linear(config.noise_size + label, widths[0] * _COARSE[0] * _COARSE[1])
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(widths))
        self.labels = nn.ModuleList(nn.Linear(label, b, bias=False) for b in widths[1:])
        self.last = nn.Conv2d(widths[-1], 1, 3, padding=1)
        self.register_buffer("scale", torch.ones(()))
        self.register_buffer("reference", torch.zeros(NUM_ROWS, NUM_POINTS))

    def forward(self, noise: Tensor, label: Tensor) -> Tensor:
        coarse = self.expand(torch.cat([noise, label], dim=1))
        picture = torch.relu(coarse.reshape(len(noise), -1, *_COARSE))
        sizes = (_MIDDLE, _FINE, (NUM_ROWS, NUM_POINTS))
        for conv, told, size in zip(self.convs, self.labels, sizes, strict=True):
            picture = functional.interpolate(picture, size=size, mode="nearest")
            picture = torch.relu(conv(picture) + told(label)[:, :, None, None])
        values = self.scale * torch.tanh(self.last(picture)[:, 0])
        lengths = values.flatten(1).norm(dim=1).clamp_min(_SHORTEST)
        return values / lengths[:, None, None]


class PathCritic(nn.Module):
    """Tangent vectors as pictures (B, 204, 30), label (B, 3 C) → (B,) how real they look."""

    def __init__(self, config: Motion3DGANConfig, num_classes: int) -> None:
        super().__init__()
        label = NUMBERS_PER_CLASS * num_classes
        widths = [1, *config.critic_channels]
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 5, stride=2, padding=2) for a, b in pairwise(widths)
        )
        self.labels = nn.ModuleList(nn.Linear(label, b, bias=False) for b in widths[1:])
        rows, columns = NUM_ROWS, NUM_POINTS
        for _ in config.critic_channels:
            rows, columns = (rows + 1) // 2, (columns + 1) // 2
        self.overview = nn.Linear(widths[-1] * rows * columns + label, config.critic_hidden)
        self.score = nn.Linear(config.critic_hidden, 1)

    def forward(self, tangents: Tensor, label: Tensor) -> Tensor:
        picture = tangents[:, None]
        for conv, told in zip(self.convs, self.labels, strict=True):
            picture = torch.relu(conv(picture) + told(label)[:, :, None, None])
        overview = self.overview(torch.cat([picture.flatten(1), label], dim=1))
        return self.score(functional.leaky_relu(overview, 0.2))[:, 0]


def log_map(q: Tensor, reference: Tensor) -> Tensor:
    """(B, 204, 30) tangent vectors at `reference` (204, 30); `srvf.log_map` with a gradient."""
    flat, centre = q.flatten(1), reference.flatten()
    cosine = flat @ centre
    across = flat - cosine[:, None] * centre
    sine = (across.square().sum(dim=1) + _SHORTEST**2).sqrt()
    return (across * (torch.atan2(sine, cosine) / sine)[:, None]).reshape(q.shape)


def angle(first: Tensor, second: Tensor) -> Tensor:
    """(B,) radians between paths; `srvf.angle` with a gradient."""
    chord = ((first - second).flatten(1).square().sum(dim=1) + _SHORTEST**2).sqrt()
    return 2.0 * torch.asin((0.5 * chord).clamp(max=1.0 - _SHORTEST))
