"""Numbers at the door: whether what came is numbers at all, and how to speak of its size."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray


def finite(value: object) -> float | None:
    """A finite real number as float, or None for anything else: text, NaN, complex, a list."""
    if not isinstance(value, Real):
        return None
    try:
        number = float(value)
    except OverflowError:  # an int of hundreds of digits
        return None
    return number if np.isfinite(number) else None


def shown(value: object) -> str:
    """A value as a sentence may quote it: short, on one line, without the marks of a language."""
    if isinstance(value, bool):
        return "true" if value else "false"
    number = finite(value)
    if number is not None:
        return f"{number:g}"
    if isinstance(value, Real):
        return _endless(float(value)) if isinstance(value, float) else "a number too large"
    if value is None:
        return "nothing"
    if isinstance(value, str):
        text = "".join(c if c.isprintable() else " " for c in value)
        return f"'{text if len(text) <= 40 else text[:39] + '…'}'"
    if isinstance(value, (list, tuple, np.ndarray)):
        return "a list"
    return "a group of values" if isinstance(value, dict) else "no number"


def real_array(values: Any) -> NDArray[Any] | None:
    """Real numbers as an array, NaN and infinity among them; None for text, objects, complex."""
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):  # rows of several lengths
        return None
    return array if array.dtype.kind in "biuf" else None


def size(shape: tuple[int, ...]) -> str:
    """How large a table of numbers is, for people: "10 × 6"."""
    if 0 in shape:
        return "no numbers"
    if shape in ((), (1,)):
        return "a single number"
    return " × ".join(map(str, shape)) if len(shape) > 1 else f"one row of {shape[0]}"


def counted(number: float, one: str, many: str = "") -> str:
    """A number and what it counts: "1 vertex", "2,000 vertices". many: where it is not one + s."""
    said = f"{number:g}" if isinstance(number, float) else f"{number:,}"
    return f"{said} {one if number == 1 else many or one + 's'}"


def _endless(number: float) -> str:
    if number != number:
        return "no number"
    return "infinity" if number > 0 else "minus infinity"
