"""What training minimises: Potamias et al., ECCV 2020, section 4, L = L_r + L_c, in millimetres.

The paper has the L1 norm and measures Euclidean distances (its Table 2); both can be trained on.
Sums are divided by the totals of the whole batch, so that where several processes share a batch,
their losses and gradients add up to those of one process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Metric = Literal["euclidean", "l1"]

# mm; a vector this short has no direction worth following.
_SHORTEST = 1e-9


@dataclass(frozen=True, eq=False)
class FrameWeights:
    """How much each frame counts: (B, T) of the clips at hand, 0 for padding, and the totals of
    frames and of changes between frames over the whole batch."""

    frames: Tensor
    total: float
    total_changes: float

    @property
    def changes(self) -> Tensor:
        """(B, T - 1) how much the change after each frame counts."""
        return torch.minimum(self.frames[:, 1:], self.frames[:, :-1])

    def to(self, device: torch.device) -> FrameWeights:
        return FrameWeights(self.frames.to(device), self.total, self.total_changes)


def frame_weights(whole: NDArray[np.float32], part: slice = slice(None)) -> FrameWeights:
    """The weights of a `part` of the clips of a whole batch (B, T)."""
    changes = np.minimum(whole[:, 1:], whole[:, :-1])
    return FrameWeights(
        torch.from_numpy(np.ascontiguousarray(whole[part])),
        float(whole.sum(dtype=np.float64)),
        float(changes.sum(dtype=np.float64)),
    )


class EuclideanLength(torch.autograd.Function):
    """Lengths (...) of vectors (..., 3); the gradient at 0 is 0.

    Three times as fast as torch.linalg.vector_norm over so short a last dimension.
    """

    @staticmethod
    def forward(ctx: Any, vectors: Tensor) -> Tensor:
        x, y, z = vectors.unbind(dim=-1)
        lengths = torch.sqrt(x * x + y * y + z * z)
        ctx.save_for_backward(vectors, lengths)
        return lengths

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        vectors, lengths = ctx.saved_tensors
        return vectors * (gradient / lengths.clamp_min(_SHORTEST))[..., None]


def reconstruction_loss(error: Tensor, weights: FrameWeights, metric: Metric) -> Tensor:
    """L_r: mean size of (V, B, T, C) errors."""
    return mean_size(error, weights.frames, weights.total, metric)


def temporal_loss(error: Tensor, weights: FrameWeights, metric: Metric) -> Tensor:
    """L_c: mean size of how (V, B, T, C) errors change from frame to frame; a change that touches
    a padded frame is out."""
    change = error[:, :, 1:] - error[:, :, :-1]
    return mean_size(change, weights.changes, weights.total_changes, metric)


def mean_size(errors: Tensor, weights: Tensor, total: float, metric: Metric) -> Tensor:
    """Mean over vertices and frames of (V, …, C) errors, with (…) weights that add up to `total`.

    Euclidean: the distance of each vertex. L1: the mean over its coordinates.
    """
    V, C = errors.shape[0], errors.shape[-1]  # noqa: N806
    if metric == "euclidean":
        distances = EuclideanLength.apply(errors)
        return (distances.sum(dim=0) * weights).sum() / max(total * V, 1.0)
    return (errors.abs().sum(dim=(0, -1)) * weights).sum() / max(total * V * C, 1.0)
