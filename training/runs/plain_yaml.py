"""YAML from anybody: plain values, none of which stands for another.

An alias repeats what it names, and ten lines of them are a thousand million values as soon as
somebody prints or walks through them; no settings of ours need one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

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
        raise ValueError(" ".join(str(error).split()).rstrip(".")[:300]) from error
