"""YAML from anybody: plain values, none of which stands for another.

An alias repeats what it names, and ten lines of them are a thousand million values as soon as
somebody prints or walks through them; no settings of ours need one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from facegen_core.file_words import NO_UTF8

_LARGEST_BYTES = 1 << 20


class _PlainLoader(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError(f"it has an alias, '*{self.peek_event().anchor[:40]}': write out")
        return super().compose_node(parent, index)


def read_yaml(path: Path) -> Any:
    """The values of a file, None where it is empty.

    Raises OSError where it cannot be read, and ValueError, whose text is the reason, where it is
    no YAML.
    """
    with Path(path).open("rb") as file:
        content = file.read(_LARGEST_BYTES + 1)
    if len(content) > _LARGEST_BYTES:
        raise ValueError("it is larger than 1 MB")
    try:
        return yaml.load(content.decode("utf-8"), Loader=_PlainLoader)
    except RecursionError:
        raise ValueError("its values lie too deep in one another") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # such as the 99th of May
        raise ValueError(_fault(error)) from error


def _fault(error: Exception) -> str:
    """What is wrong, and in which line: PyYAML's own tells of tokens and streams."""
    if isinstance(error, UnicodeDecodeError):
        return NO_UTF8
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1} cannot be understood"
    if isinstance(error, yaml.reader.ReaderError):
        return "it holds characters that no text has"
    if not isinstance(error, yaml.YAMLError):
        return "it holds a date or a number that does not exist"
    return " ".join(str(error).split()).rstrip(".")[:300]
