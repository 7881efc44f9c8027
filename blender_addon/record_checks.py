"""What a clip's record must hold before anything is done with it: records come from strangers too.

A record says which curves to write, which arrays to unpack and which file to open. So every value
is of its kind, arrays are as large as they say and no larger than memory, and curves are those of
Facegen's own properties: no record may animate anything else of a scene.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path, PureWindowsPath
from typing import Any, get_args

import numpy as np

from facegen_core.errors import FacegenError
from facegen_core.json_text import quoted
from facegen_core.layers import Layers

from .baking import BakeMode, KeyRequest

# Facegen's own properties of a head, as F-curves name them: letters, digits and one index.
_OWN_PATH = re.compile(r"facegen\.[A-Za-z0-9_]{1,80}(\[\d{1,4}\])?")
_SHORT, _LONG = 200, 4096
_MOST_FRAMES, _FARTHEST_FRAME = 200_000, 1_048_574


def check_record(record: Mapping[str, Any], name: str) -> None:
    """Raise FacegenError for a value that is not of its kind. name: of the file or clip."""
    wrong = next(_wrong_values(record), None)
    if wrong is not None:
        raise FacegenError(
            f"{name} is damaged: '{wrong}' is not what a record holds there; get it again."
        )


def check_request(fields: Mapping[str, Any], name: str) -> None:
    """Raise FacegenError where decoded values of a request are no motion. name: of the clip."""
    frames, intensities = fields.get("frames"), fields.get("intensities")
    is_time = _is_track(frames, 1) and 0 < len(frames) <= _MOST_FRAMES
    if not is_time or np.abs(frames).max() > _FARTHEST_FRAME or (np.diff(frames) <= 0).any():
        raise FacegenError(
            f"The record of '{name}' is damaged: its frames do not go on in time; get it again."
        )
    names, rate = fields.get("expressions"), fields.get("frames_per_second")
    is_named = isinstance(names, tuple) and all(_is_text(text) for text in names)
    if (
        not is_named
        or not _is_track(intensities, 2)
        or intensities.shape
        != (
            len(frames),
            len(names),
        )
    ):
        raise FacegenError(
            f"The record of '{name}' is damaged: its curves do not fit its frames; get it again."
        )
    if not _is_number(rate, 0.01, 10_000.0):
        raise FacegenError(
            f"The record of '{name}' is damaged: its frame rate is {quoted(rate)}; get it again."
        )
    mask = fields.get("mask")
    if mask is not None and not _is_track(mask, 1):
        raise FacegenError(
            f"The record of '{name}' is damaged: its mask is no list of numbers; get it again."
        )
    _check_settings(fields, name, len(frames))


def _check_settings(fields: Mapping[str, Any], name: str, num_frames: int) -> None:
    """The rest of a request; what older records lack is what it was then."""
    layers, keys = fields.get("layers"), fields.get("keys")
    sound = {
        "bake_mode": fields.get("bake_mode") in get_args(BakeMode),
        "tolerance_mm": _is_number(fields.get("tolerance_mm"), 0.0, 1000.0),
        "clip_name": _is_text(fields.get("clip_name", "")),
        "use_contact": _is_switch(fields.get("use_contact", True)),
        "layers": layers is None
        or (isinstance(layers, Layers) and layers.num_frames == num_frames),
        "keys": keys is None or isinstance(keys, KeyRequest),
    }
    wrong = next((field for field, is_sound in sound.items() if not is_sound), None)
    if wrong is not None:
        raise _damaged(name, f"'{wrong}' of its request is not what a record holds there")


def _damaged(name: str, why: str) -> FacegenError:
    return FacegenError(f"The record of '{name}' is damaged: {why}; get it again.")


def is_on_this_machine(path: str) -> bool:
    """Whether looking for a file under this name asks no other machine.

    A name such as ``\\\\server\\share\\a.obj`` makes Windows tell the server who is asking.
    """
    return not PureWindowsPath(path).drive.startswith("\\\\") and path[:2] != "//"


def is_own_path(path: object) -> bool:
    """Whether an F-curve of this path moves a property of Facegen and nothing else."""
    return isinstance(path, str) and _OWN_PATH.fullmatch(path) is not None


def recorded_source(source: str, record_file: Path) -> list[Path]:
    """Where the head that a record names may lie: as it says, and beside the record."""
    beside = record_file.parent / PureWindowsPath(source).name
    return [Path(source), beside] if is_on_this_machine(source) else [beside]


def _wrong_values(record: Mapping[str, Any]) -> Any:
    """Names of the values that are not of their kind."""
    for path, is_right in _KINDS.items():
        room, _, word = path.partition(".")
        if not isinstance(record[room], dict) and word:
            yield room
        elif not is_right(record[room].get(word) if word else record[room]):
            yield path


def _is_curves(curves: object) -> bool:
    if curves is None:
        return True
    if not isinstance(curves, dict) or set(curves) != {"fcurves", "sliders", "slots"}:
        return False
    is_plain = isinstance(curves["sliders"], dict) and _is_text(curves["slots"], _LONG)
    fcurves = curves["fcurves"]
    return is_plain and isinstance(fcurves, list) and all(map(_is_fcurve, fcurves))


def _is_fcurve(curve: object) -> bool:
    if not isinstance(curve, dict) or not is_own_path(curve.get("path")):
        return False
    keys, modifiers = curve.get("keys"), curve.get("modifiers")
    is_described = (
        is_count(curve.get("index"))
        and isinstance(curve.get("mute"), bool)
        and _is_text(curve.get("extrapolation"))
        and _is_text(curve.get("group"))
    )
    if not is_described or not isinstance(keys, dict) or not isinstance(modifiers, list):
        return False
    if not all(isinstance(values, list) for values in keys.values()):
        return False
    number = len(keys.get("co", ())) // 2
    lengths = {name: len(values) for name, values in keys.items()}
    if lengths != {n: (2 if n in _PAIRS else 1) * number for n in (*_PAIRS, *_WORDS, *_SINGLE)}:
        return False
    numbers = [value for name in (*_PAIRS, *_SINGLE) for value in keys[name]]
    words = [value for name in _WORDS for value in keys[name]]
    is_keyed = all(_is_number(n) for n in numbers) and all(_is_text(w) for w in words)
    return is_keyed and all(map(_is_modifier, modifiers))


_PAIRS = ("co", "handle_left", "handle_right")
_WORDS = ("interpolation", "easing", "handle_left_type", "handle_right_type")
_SINGLE = ("amplitude", "period", "back")


def _is_modifier(modifier: object) -> bool:
    if not isinstance(modifier, dict) or not _is_text(modifier.get("type")):
        return False
    values = modifier.get("values")
    return isinstance(values, dict) and all(re.fullmatch(r"[a-z][a-z_0-9]*", n) for n in values)


def _is_landmarks(content: object) -> bool:
    if content is None:
        return True
    return isinstance(content, dict) and all(
        _is_index(number) and _is_numbers(place, 3) for number, place in content.items()
    )


def _is_corrections(content: object) -> bool:
    return isinstance(content, dict) and all(
        _is_index(key) and _is_text(kind) for key, kind in content.items()
    )


def _is_objects(rows: object) -> bool:
    return isinstance(rows, list) and len(rows) > 0 and all(map(_is_object, rows))


def _is_object(row: object) -> bool:
    if not isinstance(row, dict) or not {"name", "layout", "world"} <= set(row):
        return False
    world = row["world"]
    is_matrix = (
        isinstance(world, list) and len(world) == 4 and all(_is_numbers(r, 4) for r in world)
    )
    return _is_text(row["name"]) and is_matrix


def _is_variation(content: object) -> bool:
    if not isinstance(content, dict) or content.get("type") != "Variation":
        return False
    values = content.get("values")
    return (
        isinstance(values, dict)
        and set(values) == {"seed", "amount"}
        and is_count(values["seed"])
        and _is_number(values["amount"], 0.0, 100.0)
    )


def _is_text(value: object, longest: int = _SHORT) -> bool:
    return isinstance(value, str) and len(value) <= longest and "\0" not in value


def _is_landmark_key(value: object) -> bool:
    """Places of up to 68 landmarks as text: some thousand letters."""
    return _is_text(value, 4 * _LONG)


def _is_place(value: object) -> bool:
    return _is_text(value, _LONG)


def _is_switch(value: object) -> bool:
    return isinstance(value, bool)


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _is_programs(value: object) -> bool:
    return isinstance(value, dict) and all(_is_text(text) for text in value.values())


def is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40


def _is_index(text: str) -> bool:
    return re.fullmatch(r"\d{1,9}", text, re.ASCII) is not None


def _is_number(value: object, low: float = -1e30, high: float = 1e30) -> bool:
    is_plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_plain and low <= value <= high  # type: ignore[operator]


def _is_numbers(values: object, count: int) -> bool:
    return isinstance(values, list) and len(values) == count and all(map(_is_number, values))


def _is_track(values: object, dimensions: int) -> bool:
    return (
        isinstance(values, np.ndarray)
        and values.ndim == dimensions
        and values.dtype.kind == "f"
        and bool(np.isfinite(values).all())
    )


_KINDS: dict[str, Callable[[Any], bool]] = {
    "clip": _is_text,
    "made_with": _is_programs,
    "model": _is_table,
    "model.file": _is_text,
    "model.sha256": _is_text,
    "head": _is_table,
    "head.fingerprint": _is_text,
    "head.source": _is_place,
    "head.source_sha256": _is_text,
    "head.objects": _is_objects,
    "match": _is_table,
    "match.landmarks": _is_landmarks,
    "match.is_by_hand": _is_switch,
    "match.is_pulled": _is_switch,
    "match.landmark_key": _is_landmark_key,
    "match.corrections": _is_corrections,
    "result": _is_table,
    "request": _is_table,
    "request.generator": lambda value: value in ("lstm", "lm4dgan"),
    "request.variation": _is_variation,
    "curves": _is_curves,
}
