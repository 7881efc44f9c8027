"""Text and JSON from anybody: values, or one reason why not.

Python's own reader answers text that opens a thousand brackets with RecursionError, which is no
ValueError, and who refuses bad text does not expect it.
"""

from __future__ import annotations

import codecs
import json
import math
import reprlib
from pathlib import Path
from typing import Any

from .file_words import NO_UTF8

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
    except ValueError as error:
        raise ValueError(_fault(error)) from None
    _check_depth(values, deepest)
    return values


def read_json(path: Path, deepest: int = DEEPEST) -> Any:
    """The values of a file. Raises OSError where it cannot be read, ValueError where it is none."""
    return parse_json(read_text(path), deepest)


def read_text(path: Path) -> str:
    """A text in UTF-8, never more of it than fits. Raises OSError, and ValueError with a reason."""
    with Path(path).open("rb") as file:
        content = file.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise ValueError(f"it is larger than {LARGEST_BYTES >> 20} MB")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # an older PowerShell's >
        raise ValueError("it is written in UTF-16, save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(NO_UTF8) from None


def quoted(value: object) -> str:
    """A value from a file as an error may quote it: short, on one line."""
    if isinstance(value, (list, dict)):
        return "a list" if isinstance(value, list) else "a group of values"
    if value is None or isinstance(value, bool) or _is_endless(value):
        return json.dumps(value)  # as the file spells it
    if isinstance(value, str):
        value = "".join(c if c.isprintable() else " " for c in value[:200])
    text = " ".join(_SHORT.repr(value).split())
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def one_line(text: object, longest: int = 400) -> str:
    """An error that quotes a file, as a person can be shown it: on one line, its end kept."""
    words = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return words if len(words) <= longest else f"{words[: longest - 101]}…{words[-100:]}"


def _is_endless(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _fault(error: ValueError) -> str:
    """What is wrong with a text, and where, as a person would say it."""
    if isinstance(error, UnicodeDecodeError):
        return NO_UTF8
    if not isinstance(error, json.JSONDecodeError):  # Python reads no number of 5,000 digits
        return "it holds a number of thousands of digits"
    if not error.doc.strip():
        return "it is empty"
    words = next((said for start, said in _FAULTS if error.msg.startswith(start)), _OTHER_FAULT)
    return f"line {error.lineno}, column {error.colno}: {words}"


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


_OTHER_FAULT = "something is there that no JSON has"
# {how Python's message begins: what is the matter there}
_FAULTS = (
    ("Expecting value", "a value is missing"),
    ("Expecting property name", "a name in double quotes is missing"),
    ("Expecting ','", "a comma or the end of a list is missing"),
    ("Expecting ':'", "a colon is missing"),
    ("Extra data", "more follows after its end"),
    ("Unterminated string", "a text has no closing quote"),
    ("Invalid control", "a text holds a line break or another control character"),
    ("Invalid \\", "a backslash stands before the wrong letter"),
    ("Illegal trailing comma", "a comma is there with nothing after it"),
)
_LONGEST_SHOWN = 80
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60
_SHORT.maxlevel = 2
