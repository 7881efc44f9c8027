"""Preset files: a preset as JSON values, read with every value checked.

What is wrong is said in one sentence that names the file. The schema's older versions are brought
up first (`schemas.PRESET`).
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from . import schemas
from .errors import FacegenError, PresetError
from .file_words import unread
from .intensity import Envelope
from .json_text import one_line, quoted, read_json
from .layers import MAX_SHIFT_SECONDS, REGIONS
from .presets import LAYERS, MAX_NAME, MAX_SECONDS, Keys, Preset

FORMAT, VERSION = "facegen_preset", schemas.PRESET.version
_EASES = ("onset_ease", "offset_ease")


def read_preset(path: Path) -> Preset:
    """The preset of a JSON file. Raises PresetError that names the file and what is wrong."""
    try:
        content = read_json(path)
    except OSError as error:
        raise PresetError(f"Cannot read the preset {path.name}: {unread(error)}.") from error
    except ValueError as error:
        raise PresetError(f"{path.name} is not a preset: it is not JSON ({error}).") from error
    return preset_of(content, path.name)


def preset_of(content: object, where: str) -> Preset:
    """The preset of JSON values; `where` is how errors call it. Raises PresetError."""
    if not isinstance(content, dict) or FORMAT not in content:
        raise PresetError(f'{where} is not a preset: it must say "{FORMAT}": {VERSION}.')
    content = schemas.PRESET.brought_up(content, content[FORMAT], where, PresetError)
    try:
        return _preset(content)
    except PresetError as error:
        raise PresetError(f"{where}: {one_line(error)}") from None
    except FacegenError as error:
        raise PresetError(f"{where}: an event is wrong: {one_line(error)}") from None
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        lost = (
            f"it lacks {one_line(error, 60)}"
            if isinstance(error, KeyError)
            else "a value is of a wrong kind"
        )
        raise PresetError(f"{where} is damaged: {lost}; save it anew, or get it again.") from error


def content_of(preset: Preset) -> dict[str, Any]:
    """The preset as JSON values, those that say nothing left out."""
    events = [
        {
            "expression": event.expression,
            "seconds": list(event.marks),
            "intensity": event.intensity,
            **{name: getattr(event, name) for name in _EASES},
        }
        for event in preset.events
    ]
    content: dict[str, Any] = {
        FORMAT: VERSION,
        "name": preset.name,
        "description": preset.description,
        "tags": list(preset.tags),
        "events": events,
        "curves": {name: [list(key) for key in keys] for name, keys in preset.curves.items()},
        "layers": {
            name: value if isinstance(value, (int, float)) else [list(key) for key in value]
            for name, value in preset.layers.items()
        },
        "shifts": dict(preset.shifts),
    }
    return {name: value for name, value in content.items() if value not in ("", [], {})}


def _preset(content: dict[str, Any]) -> Preset:
    known = {FORMAT, "name", "description", "tags", "events", "curves", "layers", "shifts"}
    unknown = sorted(set(content) - known)
    if unknown:
        raise PresetError(f"it has '{unknown[0]}', which no preset has.")
    name = content.get("name")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= MAX_NAME:
        raise PresetError(f"its name must be 1 to {MAX_NAME} characters.")
    preset = Preset(
        name.strip(),
        str(content.get("description", "")),
        tuple(str(tag) for tag in content.get("tags", ())),
        tuple(_event(event) for event in content.get("events", ())),
        {str(n): _keys(n, keys, 0.0, 1.0) for n, keys in content.get("curves", {}).items()},
        {n: _layer(n, value) for n, value in content.get("layers", {}).items()},
        {n: _shift(n, value) for n, value in content.get("shifts", {}).items()},
    )
    if not preset.expressions:
        raise PresetError("it plays no expression.")
    begins, ends = preset.seconds
    if begins < 0 or ends > MAX_SECONDS:
        raise PresetError(f"its expressions must lie between 0 and {MAX_SECONDS:g} seconds.")
    return preset


def _event(content: dict[str, Any]) -> Envelope:
    if not isinstance(content["expression"], str):
        raise PresetError(f"an expression must be a name, not {quoted(content['expression'])}.")
    eases = {name: content[name] for name in _EASES if name in content}
    marks = [_number("a time", mark) for mark in content["seconds"]]
    if len(marks) != 4:
        raise PresetError("an event needs four times: onset, apex start, apex end, offset.")
    intensity = _number("an intensity", content.get("intensity", 1.0))
    onset_start, apex_start, apex_end, offset_end = marks
    return Envelope(
        str(content["expression"]),
        onset_start,
        apex_start,
        apex_end,
        offset_end,
        intensity,
        **eases,
    )


def _layer(name: str, value: Any) -> float | Keys:
    if name not in LAYERS:
        raise PresetError(f"'{name}' is no layer: they are {', '.join(LAYERS)}.")
    low, high, _ = LAYERS[name]
    if isinstance(value, (int, float)):
        return _number(name, value, low, high)
    return _keys(name, value, low, high)


def _shift(name: str, value: Any) -> float:
    if name not in REGIONS:
        raise PresetError(f"'{name}' is no region to shift: they are {', '.join(REGIONS)}.")
    return _number(f"the shift of {name}", value, -MAX_SHIFT_SECONDS, MAX_SHIFT_SECONDS)


def _keys(name: str, values: Any, low: float, high: float) -> Keys:
    keys = tuple(
        (_number(f"a time of {name}", second), _number(name, value, low, high))
        for second, value in values
    )
    if not keys or any(a[0] >= b[0] for a, b in pairwise(keys)):
        raise PresetError(f"the keys of {name} must follow one another in time.")
    return keys


def _number(what: str, value: Any, low: float = -np.inf, high: float = np.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
        raise PresetError(f"{what} must be a number, not {quoted(value)}.")
    if not low <= value <= high:
        raise PresetError(f"{what} must be between {low:g} and {high:g}, not {value:g}.")
    return float(value)
