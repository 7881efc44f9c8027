"""What training minimises: Potamias et al., ECCV 2020, section 4, L = L_r + L_c, in millimetres."""

from __future__ import annotations

import torch
from torch import Tensor


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of (V, B, T, C) values, frames weighted by a (B, T) mask: 0 is padding."""
    V, _, _, C = values.shape  # noqa: N806
    return (values * mask[..., None]).sum() / (mask.sum() * V * C).clamp_min(1.0)


def reconstruction_loss(predicted: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """L_r: mean absolute error of (V, B, T, C) displacements."""
    return masked_mean((predicted - truth).abs(), mask)


def temporal_loss(predicted: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """L_c: mean absolute error of the change between frames; pairs with a padded frame are out."""
    error = predicted - truth
    change = error[:, :, 1:] - error[:, :, :-1]
    return masked_mean(change.abs(), torch.minimum(mask[:, 1:], mask[:, :-1]))
