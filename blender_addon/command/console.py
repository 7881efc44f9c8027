"""The terminal side of the command: one progress line, and silence for Blender's own chatter."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO

_BAR_WIDTH = 24


class ProgressLine:
    """A progress listener that redraws one line on a terminal, or prints each new stage once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._last = ""

    def __call__(self, fraction: float, message: str) -> None:
        filled = round(_BAR_WIDTH * min(max(fraction, 0.0), 1.0))
        line = f"[{'#' * filled}{'.' * (_BAR_WIDTH - filled)}] {fraction:4.0%}  {message}"
        if self._is_terminal:
            self._write(f"\r\x1b[K{line}")
        elif message != self._last:
            self._write(f"{line}\n")
        self._last = message

    def finish(self) -> None:
        """Clear the line, so that what is printed next stands alone."""
        if self._is_terminal and self._last:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


@contextmanager
def blender_silenced(verbose: bool = False) -> Iterator[TextIO]:
    """Send what Blender and its libraries print to nowhere; yields the real error stream.

    Blender prints from C as well as from Python, so both are redirected for the time being.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    with os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace") as real_error:
        if verbose:
            yield real_error
            return
        with open(os.devnull, "w", encoding="utf-8") as nowhere, ExitStack() as silence:
            silence.enter_context(_descriptors_to(nowhere.fileno()))
            silence.enter_context(redirect_stdout(nowhere))
            silence.enter_context(redirect_stderr(nowhere))
            yield real_error


@contextmanager
def _descriptors_to(target: int) -> Iterator[None]:
    saved = [os.dup(1), os.dup(2)]
    try:
        os.dup2(target, 1)
        os.dup2(target, 2)
        yield
    finally:
        _flush_c_streams()
        for descriptor, kept in zip((1, 2), saved, strict=True):
            os.dup2(kept, descriptor)
            os.close(kept)


def _flush_c_streams() -> None:
    """Let C write out what it holds back, or it would appear once the silence is over."""
    if os.name == "posix":
        ctypes.CDLL(None).fflush(None)
