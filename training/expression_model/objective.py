"""What both stages share: batches on a device, the loss of the jaw, the sum of losses."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

import torch
from torch import Tensor

from facegen_core.models.expression_model import ExpressionModel
from training.expression_model.losses import FrameWeights, reconstruction_loss, temporal_loss
from training.expression_model.train_config import TrainConfig

LOSS_NAMES = ("total", "reconstruction", "temporal", "jaw")

BatchOnDevice = TypeVar("BatchOnDevice")


@dataclasses.dataclass(frozen=True, eq=False)
class Truth:
    """codes: (B, T, 64); gate: (B, T, 1); jaw: (B, T, 6) true poses, rad and mm."""

    codes: Tensor
    gate: Tensor
    jaw: Tensor


def on_device(batch: BatchOnDevice, device: torch.device) -> BatchOnDevice:
    """The batch with its tensors on a device; copies nothing where they are there."""
    if device.type == "cpu":
        return batch
    moved = {
        field.name: value.to(device)
        for field in dataclasses.fields(batch)
        if isinstance(value := getattr(batch, field.name), Tensor | FrameWeights)
    }
    return dataclasses.replace(batch, **moved)


def jaw_loss(model: ExpressionModel, truth: Truth, weights: FrameWeights) -> Tensor:
    """L1 of the jaw and of its change, in units of its spread."""
    error = ((model.jaw(truth.codes) * truth.gate - truth.jaw) / model.jaw.scales)[None]
    return reconstruction_loss(error, weights, "l1") + temporal_loss(error, weights, "l1")


def weighted_sum(
    config: TrainConfig, reconstruction: Tensor, temporal: Tensor, jaw: Tensor
) -> dict[str, Tensor]:
    """LOSS_NAMES of the parts."""
    total = reconstruction + config.temporal_weight * temporal + config.jaw_weight * jaw
    return dict(zip(LOSS_NAMES, (total, reconstruction, temporal, jaw), strict=True))
