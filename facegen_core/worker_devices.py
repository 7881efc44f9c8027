"""Which device the GPU worker runs on, and what is known about it."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable

import numpy as np
import torch

from .errors import WorkerError

OLDEST_TORCH = (2, 2)


def choose_device(wanted: str, tell: Callable[[str], None]) -> torch.device:
    """The device of "auto" (CUDA, MPS, CPU, the first that works), "cuda", "cuda:1", "mps", "cpu".

    Raises WorkerError where it is not there or does not work, and for a torch that is too old or
    made for another NumPy. Products are set to full precision: with TensorFloat-32, results would
    differ by more than 1e-4 mm.
    """
    version = re.match(r"(\d+)\.(\d+)", str(torch.__version__))
    if version is None or (int(version[1]), int(version[2])) < OLDEST_TORCH:
        raise WorkerError(
            f"It has torch {torch.__version__}, {'.'.join(map(str, OLDEST_TORCH))} or newer is "
            "needed: update torch there."
        )
    if not _shares_arrays():
        raise WorkerError(
            f"Its torch {torch.__version__} does not work with its NumPy {np.__version__}: update "
            "torch there, or install NumPy 1.26."
        )
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cuda.enable_flash_sdp(False)
    torch.backends.cuda.enable_mem_efficient_sdp(False)
    has_mps = torch.backends.mps.is_available()
    if wanted == "auto":
        found = ["cuda:0"] * torch.cuda.is_available() + ["mps"] * has_mps
        for name in found:
            reason = why_not(torch.device(name))
            if not reason:
                return torch.device(name)
            tell(f"The GPU ({name}) does not work with this torch: {reason}.")
        return torch.device("cpu")
    if not re.fullmatch(r"cpu|mps|cuda(:\d{1,3})?", wanted):
        raise WorkerError(f"There is no device '{wanted}': choose auto, cuda:0, mps or cpu.")
    kind, _, index = wanted.partition(":")
    there = {"cpu": 1, "mps": int(has_mps), "cuda": torch.cuda.device_count()}[kind]
    if int(index or 0) >= there:
        raise WorkerError(
            f"The device {wanted} is not there, torch sees {there} of that kind: choose auto or "
            "another."
        )
    device = torch.device(f"cuda:{index or 0}" if kind == "cuda" else kind)
    reason = why_not(device)
    if reason:
        raise WorkerError(
            f"The device {wanted} does not work with this torch ({reason}): choose cpu, or "
            "install a torch made for it."
        )
    return device


def _shares_arrays() -> bool:
    """Whether torch takes the arrays of this NumPy; before 2.3 it knows those of NumPy 1 alone."""
    try:
        return float(torch.from_numpy(np.ones(1, np.float32)).numpy()[0]) == 1.0
    except (RuntimeError, ImportError, AttributeError):
        return False


def why_not(device: torch.device) -> str:
    """Why a small product fails on a device; empty where it does not."""
    try:
        ones = torch.ones(8, 8, device=device)
        is_right = float((ones @ ones).sum().cpu()) == 512.0
    except Exception as error:  # a driver too old, a card this torch has no kernels for
        return first_line(error)
    return "" if is_right else "it does not multiply"


def device_facts(device: torch.device) -> tuple[int, str]:
    """Bytes of its memory, 0 where nobody tells, and its name."""
    if device.type == "cuda":
        facts = torch.cuda.get_device_properties(device)
        return int(facts.total_memory), str(facts.name)
    if device.type == "mps":
        most = getattr(torch.mps, "recommended_max_memory", lambda: 0)()
        return int(most), platform.processor() or "Apple GPU"
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no such question
        memory = 0
    return max(0, memory), platform.processor() or platform.machine()


def first_line(error: Exception) -> str:
    """What an error says, short enough for a sentence."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")[:200]
