"""Where a run computes, and how precisely."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import torch

from training.runs.settings import TrainingConfigError


class Wanted(Protocol):
    """What a run's configuration says of the device: "auto", "cpu" or "cuda"; "auto" or a type."""

    @property
    def device(self) -> str: ...
    @property
    def precision(self) -> str: ...


@dataclass(frozen=True)
class Device:
    """A device and the type the spirals compute in, most of the work; all else is float32.

    An LSTM adds up its errors over the frames, and a basis that was rounded is another basis, whose
    difference the spirals would learn. The sparse product stays in float32 as well
    (facegen_core/models/spiral_conv.py), and so do the losses.
    """

    torch_device: torch.device
    precision: torch.dtype = torch.float32

    def autocast(self) -> AbstractContextManager:
        """Mixed precision for what runs inside."""
        return torch.autocast(
            self.torch_device.type, self.precision, enabled=self.precision != torch.float32
        )

    def gradient_scaler(self) -> torch.amp.GradScaler:
        """Keeps small gradients from vanishing in float16; does nothing for the other types."""
        return torch.amp.GradScaler(self.torch_device.type, enabled=self.precision == torch.float16)

    def __str__(self) -> str:
        name = str(self.torch_device)
        if self.torch_device.type == "cuda":
            name = f"{name} ({torch.cuda.get_device_name(self.torch_device)})"
        return f"{name}, {str(self.precision).removeprefix('torch.')}"


def choose_device(config: Wanted, local_rank: int = 0) -> Device:
    """The device of a process of the run. Raises TrainingConfigError where there is none."""
    has_gpu = torch.cuda.is_available()
    if config.device == "cuda" and not has_gpu:
        raise TrainingConfigError(
            "device is 'cuda', but PyTorch finds no GPU here: use 'auto' or 'cpu'."
        )
    if config.device == "cpu" or not has_gpu:
        if config.precision == "float16":
            raise TrainingConfigError(
                "precision 'float16' needs a GPU, and PyTorch finds none here: use 'auto'."
            )
        precision = torch.bfloat16 if config.precision == "bfloat16" else torch.float32
        return Device(torch.device("cpu"), precision)
    num_gpus = torch.cuda.device_count()
    if local_rank >= num_gpus:
        raise TrainingConfigError(
            f"Process {local_rank + 1} of this machine has no GPU of its own, there are "
            f"{num_gpus}: start torchrun with --nproc-per-node {num_gpus}."
        )
    device = torch.device("cuda", local_rank)
    torch.cuda.set_device(device)
    return Device(device, _gpu_precision(config.precision))


def _gpu_precision(wanted: str) -> torch.dtype:
    if wanted == "auto":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return {name: getattr(torch, name) for name in ("float32", "bfloat16", "float16")}[wanted]
