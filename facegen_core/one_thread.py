"""BLAS on one thread while Facegen reckons: the same inputs end in the same bits on any computer.

BLAS shares a large product among its threads and then adds in another order, so a head matched on
eight processors would end in other last bits than on two. What pays on many processors is done in
parts of a clip instead (`parallel`), and those do not get in the way of BLAS's own threads then.
threadpoolctl before 3.7 holds the whole process, parts in threads of their own included; later ones
hold the thread that asks.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import scipy.linalg  # noqa: F401 - what is loaded now is found below: SciPy brings a BLAS of its own

try:
    from threadpoolctl import ThreadpoolController
except ImportError:  # a Python chosen for the GPU worker may lack it, and owes no last bits
    ThreadpoolController = None

Given = ParamSpec("Given")
Result = TypeVar("Result")


class _Hold:
    """One thread from the first who asks to the last who is done: the number is the process's own.

    Two jobs may run at once, and the one that ends first must not give the other's threads back.
    """

    def __init__(self) -> None:
        self._lock, self._holders = threading.Lock(), 0

    @functools.cached_property
    def _controller(self) -> ThreadpoolController | None:
        return None if ThreadpoolController is None else ThreadpoolController()

    def __enter__(self) -> None:
        with self._lock:
            if self._holders == 0 and self._controller is not None:
                self._limit = self._controller.limit(limits=1, user_api="blas")
            self._holders += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._holders -= 1
            if self._holders == 0 and self._controller is not None:
                self._limit.restore_original_limits()


_HOLD = _Hold()


def on_one_thread(work: Callable[Given, Result]) -> Callable[Given, Result]:
    """`work` with BLAS on one thread; afterwards it has as many as before."""

    @functools.wraps(work)
    def held(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        with _HOLD:
            return work(*args, **kwargs)

    return held
