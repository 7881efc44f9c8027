"""What is installed for the GPU engine: which build of PyTorch, from where, and how large it is."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

# PyTorch's own package index, a folder per kind of build. CUDA 12.8 is the first that knows
# NVIDIA's Blackwell cards.
_INDEX = "https://download.pytorch.org/whl/"
_CPU, _CUDA = "cpu", "cu128"
# NumPy and SciPy are of the Python package index, whatever build of PyTorch it is.
_OTHERS = ("numpy>=1.26", "scipy>=1.13")
# The last PyTorch for Macs with Intel processors, 2.2.2, knows the arrays of NumPy 1 alone.
_OTHERS_INTEL_MAC = ("numpy>=1.26,<2", "scipy>=1.13")
_TORCH = "torch>=2.2"


@dataclass(frozen=True)
class Step:
    """One call of pip: packages, and arguments that say where they come from."""

    packages: tuple[str, ...]
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """Calls of pip one after the other, and about how much they download and leave on the disk."""

    steps: tuple[Step, ...]
    download_mb: int
    disk_mb: int

    @property
    def sizes(self) -> tuple[str, str]:
        """To download and on the disk, in words."""
        return _gigabytes(self.download_mb), _gigabytes(self.disk_mb)


def builds() -> tuple[str, ...]:
    """Builds of PyTorch there are for this machine, the fastest first: "cuda", "mps", "cpu"."""
    if sys.platform == "darwin":
        return ("mps",) if platform.machine() == "arm64" else ("cpu",)
    return ("cuda", "cpu")


def recipe_of(build: str, index: str = "") -> Recipe:
    """How a build is installed. index: the address of a mirror that has it all, empty for none."""
    kind, source = _kind(build), _source(build, index)
    packages = _OTHERS_INTEL_MAC if kind == ("darwin", "cpu") else _OTHERS
    others = Step(packages, ("--index-url", index) if index else ())
    return Recipe((Step((_TORCH,), source), others), *_SIZES[kind])


# {(system, build): MB to download, MB on the disk}: about, as wheels grow from release to release.
# Of these only CUDA on Linux was installed and weighed on the disk; the rest are sums of wheels.
_SIZES = {
    ("linux", "cpu"): (280, 1000),
    ("linux", "cuda"): (2700, 5800),
    ("win32", "cpu"): (250, 900),
    ("win32", "cuda"): (3000, 5500),
    ("darwin", "mps"): (180, 600),
    ("darwin", "cpu"): (250, 800),
}


def _kind(build: str) -> tuple[str, str]:
    system = sys.platform if sys.platform in ("win32", "darwin") else "linux"
    return system, build


def _source(build: str, index: str) -> tuple[str, ...]:
    """PyTorch's own index has the builds apart; the package index has the one of a Mac."""
    if index:
        return ("--index-url", index)
    if build == "mps" or sys.platform == "darwin":
        return ()
    return ("--index-url", _INDEX + (_CUDA if build == "cuda" else _CPU))


def _gigabytes(megabytes: int) -> str:
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes} MB"
