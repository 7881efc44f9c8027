"""S2D-Dec's network: 68 landmarks → skin by spiral convolutions (Otberdout et al., CVPR 2022).

Written anew from the published facts: a linear layer to the coarsest level, then up and convolve to
the finest, a last linear convolution there, ELU between.

Deviations: our hierarchy and spirals of one length instead of theirs of five; what the network says
of no motion is taken off, so that a face at rest stays at rest (in its favour: the original drifts
by its biases); displacements in mm instead of metres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional

from facegen_core.hierarchy import Hierarchy
from facegen_core.landmarks import NUM_LANDMARKS
from facegen_core.models.decoders import CHUNK_FRAMES
from facegen_core.models.spiral_conv import UpSpiralConv
from training.runs.settings import TrainingConfigError

FloatArray = NDArray[np.floating]


class S2DDecoder(nn.Module):
    """Landmark displacements (N, 204) mm → displacements of all vertices (V, N, 3) mm."""

    def __init__(self, channels: tuple[int, ...], hierarchy: Hierarchy) -> None:
        """channels: features per vertex, a number for each level from the coarsest on.

        Raises TrainingConfigError where the hierarchy has other levels.
        """
        super().__init__()
        num_ups, length = len(hierarchy.levels) - 1, hierarchy.levels[0].spirals.shape[1]
        if len(channels) != num_ups + 1:
            raise TrainingConfigError(
                f"'s2d.channels': expected {num_ups + 1} sizes, one for each level of the "
                f"template, got {list(channels)}."
            )
        self.num_channels = channels[0]
        self.expand = nn.Linear(3 * NUM_LANDMARKS, hierarchy.sizes[-1] * channels[0])
        self.convs = nn.ModuleList(
            UpSpiralConv(hierarchy.fused_operator(k), length, channels[i], channels[i + 1])
            for i, k in enumerate(reversed(range(num_ups)))
        )
        gather = spiral_gather(hierarchy.levels[0].spirals)
        self.last = UpSpiralConv(gather, length, channels[-1], 3)

    def forward(self, landmarks: Tensor) -> Tensor:
        rest = landmarks.new_zeros(1, landmarks.shape[1])
        moved = self._decode(torch.cat([landmarks, rest]))
        return moved[:, :-1] - moved[:, -1:]

    def _decode(self, landmarks: Tensor) -> Tensor:
        coarse = self.expand(landmarks).reshape(len(landmarks), -1, self.num_channels)
        features = coarse.transpose(0, 1)
        for conv in self.convs:
            features = functional.elu(conv(features))
        return self.last(features)


def spiral_gather(spirals: NDArray[np.integer]) -> sparse.csr_matrix:
    """(V, V · S) the gather of a spiral convolution on one level; `Hierarchy.fused_operator` with
    no up-transform. Padding gathers nothing."""
    num_vertices, length = spirals.shape
    rows, places = np.nonzero(spirals >= 0)
    columns = spirals[rows, places].astype(np.int64) * length + places
    shape = (num_vertices, num_vertices * length)
    return sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)


def landmark_nearness(vertices: FloatArray, landmarks: FloatArray) -> NDArray[np.float32]:
    """(V,) w = 1 − d: 1 at a landmark, 0 at the vertex farthest from all of them.

    d: distance of (V, 3) vertices to the closest of (L, 3) landmarks, over the largest such.
    """
    distances = np.full(len(vertices), np.inf)
    for landmark in landmarks:
        distances = np.minimum(distances, np.linalg.norm(vertices - landmark, axis=1))
    return (1.0 - distances / distances.max()).astype(np.float32)


@dataclass(frozen=True, eq=False)
class S2DSkin:
    """The SkinDecoder of the evaluation. The face it moves is not asked: everybody alike."""

    model: S2DDecoder

    @torch.no_grad()
    def decode(self, neutral: FloatArray, landmarks: FloatArray) -> NDArray[np.float32]:
        """(T, V, 3) displacements, mm, of (T, 68, 3) landmark displacements; zero stays zero."""
        flat = np.ascontiguousarray(landmarks, np.float32).reshape(len(landmarks), -1)
        skin = np.empty((len(flat), self.model.last.matrix.shape[0], 3), np.float32)
        for start in range(0, len(flat), CHUNK_FRAMES):
            chunk = torch.from_numpy(flat[start : start + CHUNK_FRAMES])
            skin[start : start + len(chunk)] = self.model(chunk).transpose(0, 1).numpy()
        skin[~flat.any(axis=1)] = 0.0
        return skin
