"""Whether something fits into memory, asked before it is begun: a machine that swaps is no help."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from .errors import TooLargeError

_MEMINFO = Path("/proc/meminfo")


def check_fits(num_bytes: float, what: str, remedy: str) -> None:
    """Raise TooLargeError where `what` needs more memory than is free, with `remedy` for advice.

    num_bytes: the most it will hold at once. Where the system does not tell, nothing is refused.
    """
    free = available_bytes()
    if free is not None and not num_bytes <= free:
        raise TooLargeError(
            f"{what} needs {_gigabytes(num_bytes, 'about ')} of memory, and {_gigabytes(free)} are "
            f"free: {remedy}."
        )


def available_bytes() -> float | None:
    """What programs may still take, swap left aside; None where the system does not tell."""
    try:
        if _MEMINFO.is_file():
            return _of_linux()
        return _of_windows() if sys.platform == "win32" else _of_unix()
    except (OSError, ValueError, AttributeError):
        return None


def _of_linux() -> float | None:
    for line in _MEMINFO.read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return 1024.0 * int(value.split()[0])
    return None


def _of_unix() -> float:
    """macOS tells the memory there is, and gives up what it caches: all but a quarter counts."""
    return 0.75 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _of_windows() -> float | None:
    class Status(ctypes.Structure):  # MEMORYSTATUSEX of the Windows API
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "available")),
            *((f"other{k}", ctypes.c_ulonglong) for k in range(5)),
        )

    status = Status(length=ctypes.sizeof(Status))
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    return float(status.available) if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else None


def _gigabytes(num_bytes: float, before: str = "") -> str:
    giga = num_bytes / 1e9
    return f"{before}{giga:,.1f} GB" if giga < 1e6 else "more than a million GB"
