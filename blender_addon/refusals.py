"""How an act is refused, and the last errors, kept in memory for Copy Report."""

from __future__ import annotations

import functools
from collections import deque
from dataclasses import dataclass
from traceback import TracebackException
from typing import Any

import bpy

from .translations import said

_NUM_KEPT = 5
# On an error that has been kept.
_NOTED = "_is_noted_by_facegen"


@dataclass(frozen=True, eq=False)
class Failure:
    """The label of an act, and the error that ended it: in words alone, without its frames.

    Frames would keep the arrays of the work in memory.
    """

    act: str
    error: TracebackException


_failures: deque[Failure] = deque(maxlen=_NUM_KEPT)


def note(act: str, error: BaseException) -> None:
    """Keep an error, the oldest giving way. One that is noted twice is kept once."""
    if getattr(error, _NOTED, False):
        return
    setattr(error, _NOTED, True)
    _failures.append(Failure(act, TracebackException.from_exception(error)))


def last() -> Failure | None:
    return _failures[-1] if _failures else None


def forget() -> None:
    _failures.clear()


def refused(operator: bpy.types.Operator, error: Exception) -> set[str]:
    """Tell the artist why an act was not done; what its `execute` returns."""
    note(operator.bl_label, error)
    operator.report({"ERROR"}, said(str(error)))
    return {"CANCELLED"}


def watch(cls: type[bpy.types.Operator]) -> None:
    """Let an operator note errors nobody expected; Blender shows them as ever."""
    execute = getattr(cls, "execute", None)
    if execute is None or hasattr(execute, "__wrapped__"):
        return

    @functools.wraps(execute)
    def watched(self: Any, context: bpy.types.Context) -> set[str]:
        try:
            return execute(self, context)
        except Exception as error:
            note(cls.bl_label, error)
            raise

    cls.execute = watched
