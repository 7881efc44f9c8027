"""The terminal side of the command: one progress line, and silence for Blender's own chatter."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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

    Blender prints from C, so the file descriptors themselves are redirected for the time being.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    with os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace") as real_error:
        if verbose:
            yield real_error
            return
        saved = [os.dup(1), os.dup(2)]
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            yield real_error
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(saved[0], 1)
            os.dup2(saved[1], 2)
            for descriptor in (*saved, nowhere):
                os.close(descriptor)
