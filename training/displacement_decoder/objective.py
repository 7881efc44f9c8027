"""What the residual minimises: the weighted error of S2D-Dec (Otberdout et al., CVPR 2022), as a
mean, and how rough it is.

Deviation: S2D-Dec sums the weighted error over thousands of vertices beside a plain mean, which
leaves the plain one without effect; here both are means.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor, nn

from facegen_core.metrics import umbrella_laplacian
from facegen_core.models.spiral_conv import SparseMatrix, SparseProduct
from facegen_core.template import Template
from training.displacement_decoder.config import DecoderTrainConfig
from training.expression_model.losses import EuclideanLength

LOSS_NAMES = ("total", "weighted", "displacement", "roughness")


def nearness(template: Template) -> NDArray[np.float32]:
    """(V,) 1 at the landmarks of the mean face, 0 at the vertex farthest from all of them."""
    distances, _ = cKDTree(template.landmark_positions).query(template.vertices)
    return (1.0 - distances / distances.max()).astype(np.float32)


class Objective(nn.Module):
    """Errors (V, F, N, 3) mm → LOSS_NAMES."""

    nearness: Tensor

    def __init__(self, config: DecoderTrainConfig, template: Template) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("nearness", torch.from_numpy(nearness(template)), persistent=False)
        laplacian = umbrella_laplacian(template.triangles, template.num_vertices)
        self.laplacian = SparseMatrix(laplacian)
        self.transposed = SparseMatrix(laplacian.T.tocsr())

    def forward(self, errors: Tensor, share: float = 1.0) -> Tensor:
        """(4,) losses; share: of these errors in all of the step."""
        sizes = self._sizes(errors)  # (V,) means over frames
        weighted = (self.nearness * sizes).mean()
        displacement = sizes.mean()
        roughness = torch.zeros_like(displacement)
        if self.config.roughness_weight:
            roughness = (self.nearness * self._sizes(self._bends(errors))).mean()
        total = (
            weighted
            + self.config.displacement_weight * displacement
            + self.config.roughness_weight * roughness
        )
        return share * torch.stack([total, weighted, displacement, roughness])

    def _sizes(self, errors: Tensor) -> Tensor:
        if self.config.metric == "euclidean":
            return EuclideanLength.apply(errors).mean(dim=(1, 2))
        return errors.abs().mean(dim=(1, 2, 3))

    def _bends(self, errors: Tensor) -> Tensor:
        """(V, F, N, 3) umbrella Laplacian of the errors."""
        columns = errors.reshape(len(errors), -1)
        return SparseProduct.apply(self.laplacian, self.transposed, columns).reshape(errors.shape)
