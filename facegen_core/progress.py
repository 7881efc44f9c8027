"""Progress and cancel for long work, without knowing who shows it."""

from __future__ import annotations

from collections.abc import Callable

# Called with the fraction done (0 to 1) and what is being done, in the artist's words.
# Raising CancelledError from it is the way to cancel.
Progress = Callable[[float, str], None]


def no_progress(fraction: float, message: str) -> None:
    """The default listener: hears nothing, never cancels."""


def subprogress(progress: Progress, start: float, end: float) -> Progress:
    """Map the fractions 0..1 of one stage onto start..end of the whole."""

    def report(fraction: float, message: str) -> None:
        progress(start + (end - start) * fraction, message)

    return report
