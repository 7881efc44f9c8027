"""JSON that Facegen keeps in a file, read again as what it must be.

Scripts and other add-ons may write there too, and files get damaged: what is not as Facegen writes
it tells nothing. It is never an error, since panels and greyed buttons ask at every redraw.
"""

from __future__ import annotations

import json
from typing import Any


def mapping(text: object, *needed: str) -> dict[str, Any]:
    """The JSON object of a text that has all `needed` names; {} where it is none."""
    content = _content(text)
    return content if isinstance(content, dict) and content.keys() >= set(needed) else {}


def rows(text: object, *needed: str) -> list[dict[str, Any]]:
    """The JSON objects of a list, those that have all `needed` names."""
    content = _content(text)
    found = content if isinstance(content, list) else []
    return [row for row in found if isinstance(row, dict) and row.keys() >= set(needed)]


def names(text: object) -> dict[str, list[str]]:
    """{name: names} of a text; what is not of this form is left out."""
    return {
        name: made
        for name, made in mapping(text).items()
        if isinstance(made, list) and all(isinstance(item, str) for item in made)
    }


def numbers(text: object) -> list[int]:
    """The whole numbers of a JSON list."""
    content = _content(text)
    found = content if isinstance(content, list) else []
    return [item for item in found if isinstance(item, int) and not isinstance(item, bool)]


def _content(text: object) -> Any:
    if not isinstance(text, str):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
