"""On how many threads of the CPU a training computes: its settings say, not the machine.

PyTorch shares a sum among its threads and adds the parts up: other threads, other last bits, which
training makes larger step by step. BLAS of NumPy and SciPy keeps to one thread meanwhile
(facegen_core.one_thread). On a GPU nothing is changed: its sums are its own.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

import torch

from facegen_core.one_thread import on_one_thread

Given = ParamSpec("Given")
Result = TypeVar("Result")


@contextmanager
def computing_on(num_threads: int) -> Iterator[None]:
    """PyTorch on so many threads of the CPU; afterwards it has as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(num_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def on_set_threads(train: Callable[Given, Result]) -> Callable[Given, Result]:
    """A training on the `num_threads` of its argument `config`, where that trains on the CPU."""
    held, signature = on_one_thread(train), inspect.signature(train)

    @functools.wraps(train)
    def begun(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        config = signature.bind(*args, **kwargs).arguments["config"]
        if not _is_on_cpu(config):
            return train(*args, **kwargs)
        with computing_on(config.num_threads):
            return held(*args, **kwargs)

    return begun


def _is_on_cpu(config: Any) -> bool:
    """As `choose_device` decides; settings that name no device are of a training on the CPU."""
    return getattr(config, "device", "cpu") == "cpu" or not torch.cuda.is_available()
