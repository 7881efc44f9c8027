"""What it was measured on, in words, and how fast its memory is."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import torch

# Three arrays of 96 MB: several times the caches of a processor.
TRIAD_NUMBERS = 24_000_000
TRIAD_ARRAYS = 3  # read two, write one
FLOAT_BYTES = 4


@dataclass(frozen=True)
class Machine:
    """cores: how many the system shows; threads: how many were used."""

    processor: str
    cores: int
    memory_gb: float | None
    system: str
    threads: int
    python: str
    packages: dict[str, str]
    vector_instructions: str
    gpu: str | None


def describe(threads: int) -> Machine:
    return Machine(
        processor=_field(Path("/proc/cpuinfo"), "model name") or platform.processor() or "unknown",
        cores=os.cpu_count() or 1,
        memory_gb=_memory_gb(),
        system=f"{platform.system()} {platform.machine()}",
        threads=threads,
        python=platform.python_version(),
        packages={name: importlib.metadata.version(name) for name in ("torch", "numpy", "scipy")},
        vector_instructions=torch.backends.cpu.get_cpu_capability(),
        gpu=torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    )


def commit() -> str:
    """The commit that was measured, and whether files have changed since."""
    folder = Path(__file__).parent
    commands = ("git rev-parse --short HEAD", "git status --porcelain --untracked-files=no")
    try:
        head, changes = (
            subprocess.run(
                command.split(), cwd=folder, capture_output=True, text=True, check=True
            ).stdout.strip()
            for command in commands
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head} and changes" if changes else head


def triad_bandwidth(
    device: torch.device | None = None, numbers: int = TRIAD_NUMBERS, repetitions: int = 10
) -> float:
    """Bytes per second of a = b + s·c on long arrays, the best of some runs (after STREAM).

    It counts two reads and one write per number, as STREAM does.
    """
    a, b, c = (torch.ones(numbers, device=device) for _ in range(TRIAD_ARRAYS))
    wait = torch.cuda.synchronize if a.is_cuda else lambda: None
    fastest = float("inf")
    for _ in range(repetitions + 1):  # the first touches the memory
        wait()
        started = time.perf_counter()
        torch.add(b, c, alpha=3.0, out=a)
        wait()
        fastest = min(fastest, time.perf_counter() - started)
    return TRIAD_ARRAYS * FLOAT_BYTES * numbers / fastest


def _field(path: Path, name: str) -> str | None:
    """The value of `name: value` in a file of Linux that lists such lines."""
    if not path.is_file():
        return None
    for line in path.read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None


def _memory_gb() -> float | None:
    total = _field(Path("/proc/meminfo"), "MemTotal")
    return round(int(total.split()[0]) / 1e6, 1) if total else None
