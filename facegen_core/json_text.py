"""JSON from anybody: values, or one reason why not.

Python's own reader answers text that opens a thousand brackets with RecursionError, which is no
ValueError, and who refuses bad text does not expect it.
"""

from __future__ import annotations

import codecs
import json
import reprlib
from pathlib import Path
from typing import Any

# Deeper than anything Facegen writes, and shallow enough to be printed and walked through.
DEEPEST = 60
# Bytes; the record of a long clip with its curves has a few millions.
LARGEST_BYTES = 64 << 20


def parse_json(text: str | bytes, deepest: int = DEEPEST) -> Any:
    """The values of a JSON text. Raises ValueError, whose text is the reason, for every other."""
    if len(text) > LARGEST_BYTES:
        raise ValueError(f"it has {len(text) / 1e6:.0f} MB, at most {LARGEST_BYTES >> 20} are read")
    try:
        values = json.loads(text if isinstance(text, str) else text.decode("utf-8"))
    except RecursionError:
        raise ValueError(f"its values lie more than {deepest} deep in one another") from None
    _check_depth(values, deepest)
    return values


def read_json(path: Path, deepest: int = DEEPEST) -> Any:
    """The values of a file. Raises OSError where it cannot be read, ValueError where it is none."""
    with Path(path).open("rb") as file:
        content = file.read(LARGEST_BYTES + 1)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # an older PowerShell's >
        raise ValueError("it is written in UTF-16, save it as UTF-8")
    return parse_json(
        content.decode("utf-8-sig") if len(content) <= LARGEST_BYTES else content, deepest
    )


def shown(value: object) -> str:
    """A value from a file as an error may quote it: short, on one line."""
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "a group of values"
    if value is None or isinstance(value, bool):
        return json.dumps(value)  # as the file spells it
    if isinstance(value, str):
        value = "".join(c if c.isprintable() else " " for c in value[:200])
    text = " ".join(_SHORT.repr(value).split())
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def one_line(text: object, longest: int = 400) -> str:
    """An error that quotes a file, as a person can be shown it: on one line, its end kept."""
    words = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return words if len(words) <= longest else f"{words[: longest - 101]}…{words[-100:]}"


def _check_depth(values: Any, deepest: int) -> None:
    """Level by level, so that depth itself costs no stack."""
    level = [values]
    for _ in range(deepest + 1):
        inner = [value for value in level if isinstance(value, (dict, list))]
        if not inner:
            return
        level = [
            item
            for value in inner
            for item in (value.values() if isinstance(value, dict) else value)
        ]
    raise ValueError(f"its values lie more than {deepest} deep in one another")


_LONGEST_SHOWN = 80
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60
_SHORT.maxlevel = 2
