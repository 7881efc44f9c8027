"""What a process holds: told by Linux, and by the C library that hands memory out."""

from __future__ import annotations

import ctypes
import os

_FIELDS = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()


class _Counts(ctypes.Structure):
    """`struct mallinfo2` of glibc 2.33 and newer."""

    _fields_ = tuple((name, ctypes.c_size_t) for name in _FIELDS)


def resident_mb() -> float:
    """Memory of the machine that the process fills, MB: in use, kept for later, and code."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def in_use_mb() -> float:
    """What was handed out and not given back, of all threads, MB: what a leak makes grow.

    Blender, Python and NumPy all take their memory there.
    """
    tell = ctypes.CDLL("libc.so.6").mallinfo2
    tell.restype = _Counts
    counts = tell()
    return (counts.uordblks + counts.hblkhd) / 1e6
