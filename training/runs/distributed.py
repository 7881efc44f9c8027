"""One training run in many processes, started with `torchrun`.

Every process draws the same batch and works on its part of it. Losses are sums divided by the
totals of the whole batch, so gradients are added up, not averaged: one call per step for a model
this small, where DistributedDataParallel would average what each process normalised by itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch import distributed as torch_distributed

# The others wait while the first process validates.
TIMEOUT = timedelta(hours=1)


@dataclass(frozen=True)
class Processes:
    """This process among those of the run; local_rank counts those of this machine."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and speaks to the user."""
        return self.rank == 0

    def part(self, num_rows: int) -> slice:
        """The rows of a batch this process works on; parts differ by one row at the most."""
        bounds = [num_rows * rank // self.size for rank in (self.rank, self.rank + 1)]
        return slice(*bounds)

    def part_of(self, rows: NDArray) -> NDArray:
        """Those of the rows of a batch this process works on."""
        return rows[self.part(len(rows))]

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes, in one message."""
        if self.size == 1:
            return
        message = torch.cat([tensor.reshape(-1) for tensor in tensors])
        torch_distributed.all_reduce(message)
        pieces = message.split([tensor.numel() for tensor in tensors])
        for tensor, piece in zip(tensors, pieces, strict=True):
            tensor.copy_(piece.reshape(tensor.shape))

    def share_first(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by that of the first process."""
        if self.size > 1:
            for tensor in tensors:
                torch_distributed.broadcast(tensor, src=0)

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            torch_distributed.barrier()


def started_by_torchrun() -> Processes:
    """The processes `torchrun` tells about in the environment, or the only one."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Processes()
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    return Processes(*(int(os.environ[name]) for name in names))


@contextmanager
def joined(processes: Processes, device: torch.device) -> Iterator[None]:
    """Connect the processes of a run: nccl between GPUs, gloo between CPUs."""
    if processes.size == 1:
        yield
        return
    backend = "nccl" if device.type == "cuda" else "gloo"
    torch_distributed.init_process_group(backend, timeout=TIMEOUT)
    try:
        yield
    finally:
        torch_distributed.destroy_process_group()
