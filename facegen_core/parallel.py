"""Frames of a clip in parts, several parts at a time: NumPy and SciPy let go of Python's lock in
their loops.

The parts are the same whatever the machine, and each is worked on alone, so the result does not
depend on how many processors there are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .progress import Progress

Part = TypeVar("Part")
Result = TypeVar("Result")

# More than so many at once wait for memory rather than for processors.
_MOST = 8


def num_workers() -> int:
    """Processors this process may use, at least one."""
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), _MOST)
    return min(os.cpu_count() or 1, _MOST)


def each(
    work: Callable[[Part], Result], parts: Sequence[Part], progress: Progress, message: str
) -> list[Result]:
    """`work` of every part, in the order of the parts; reports progress from the calling thread.

    Where progress raises, or a part fails, those not begun are left out and the others waited for.
    """
    if len(parts) == 0:
        return []
    progress(0.0, message)
    count = min(num_workers(), len(parts))
    if count == 1:
        return list(_told(map(work, parts), len(parts), progress, message))
    with ThreadPoolExecutor(count, "facegen-part") as pool:
        waiting = [pool.submit(work, part) for part in parts]
        try:
            done = (future.result() for future in waiting)
            return list(_told(done, len(parts), progress, message))
        except BaseException:
            for future in waiting:
                future.cancel()
            raise


def _told(
    results: Iterable[Result], count: int, progress: Progress, message: str
) -> Iterator[Result]:
    for number, result in enumerate(results, start=1):
        yield result
        if number < count:
            progress(number / count, message)
