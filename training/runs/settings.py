"""Settings as YAML states them: defaults are code, a file states only differences."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import yaml
from tqdm import tqdm

from facegen_core.errors import FacegenError
from facegen_core.file_words import unread
from facegen_core.files import write_text
from facegen_core.json_text import quoted
from training.runs.plain_yaml import read_yaml

Settings = TypeVar("Settings")
# Names that are read at a glance.
_MOST_LISTED = 12
# On how many threads of the CPU a training computes where its settings do not say: a fixed number,
# the same on every machine. One never waits for another: where other programs have the processors,
# two threads took five times as long as one, and four were not faster.
NUM_THREADS = 1
_MOST_THREADS = 256


class TrainingConfigError(FacegenError):
    """A setting is unknown, of a wrong kind, or contradicts another or the data."""


def read_settings(path: Path) -> Any:
    """What a YAML file holds, {} for nothing; raises TrainingConfigError where it is none."""
    try:
        content = read_yaml(path)
    except OSError as error:
        raise TrainingConfigError(f"{path} cannot be read: {unread(error)}.") from error
    except ValueError as error:
        raise TrainingConfigError(f"{path} is not YAML: {error}.") from error
    return {} if content is None else content


def settings_of_kind(kind: type[Settings], content: Any, where: str = "") -> Settings:
    """A dataclass whose fields all have defaults, from plain values; `where` is put before names.

    Raises TrainingConfigError with the setting that is unknown or of a wrong kind.
    """
    if not isinstance(content, dict):
        raise TrainingConfigError(
            f"'{where or 'config'}': expected settings, got {quoted(content)}."
        )
    fields = {f.name: f for f in dataclasses.fields(kind)}
    unknown = sorted(str(name) for name in set(content) - set(fields))
    if unknown:
        nearest = _nearest(unknown[0], fields)
        raise TrainingConfigError(
            f"Unknown setting '{where}{unknown[0][:60]}': choose from {nearest}."
        )
    defaults, hints = kind(), get_type_hints(kind)
    values = {
        name: _converted(value, getattr(defaults, name), hints[name], f"{where}{name}")
        for name, value in content.items()
    }
    return kind(**values)


def check_num_threads(num_threads: int) -> None:
    """Raise TrainingConfigError where so many threads cannot be started."""
    if not 1 <= num_threads <= _MOST_THREADS:
        raise TrainingConfigError(
            f"'num_threads': expected 1 to {_MOST_THREADS}, got {num_threads}."
        )


def settings_to_go_on(
    saved: dict[str, Any], now: dict[str, Any], path: Path, is_told: bool = True
) -> dict[str, Any]:
    """Settings a checkpoint was saved with, to be compared with those of now.

    A run that began before `num_threads` was a setting had as many as its machine gave it, which
    nobody noted: it takes the number of now, and says so.
    """
    if "num_threads" in saved or "num_threads" not in now:
        return saved
    if is_told:
        tqdm.write(
            f"{path} does not say on how many threads it was trained: on the CPU it goes on with "
            f"{now['num_threads']}."
        )
    return {**saved, "num_threads": now["num_threads"]}


def differing_setting(first: dict[str, Any], second: dict[str, Any]) -> str | None:
    """Name of the first setting (of config_to_dict) in which two differ, None where none does."""
    for name in [*first, *(n for n in second if n not in first)]:
        one, two = first.get(name), second.get(name)
        if isinstance(one, dict) and isinstance(two, dict):
            inner = differing_setting(one, two)
            if inner is not None:
                return f"{name}.{inner}"
        elif one != two:
            return name
    return None


def _converted(value: Any, default: Any, hint: Any, name: str) -> Any:
    """The value in the type of its default."""
    if dataclasses.is_dataclass(default):
        return settings_of_kind(type(default), value, f"{name}.")
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            choices = ", ".join(get_args(hint))
            raise TrainingConfigError(f"'{name}': expected one of {choices}, got {quoted(value)}.")
        return value
    if isinstance(default, Path) and isinstance(value, str):
        return Path(value)
    if isinstance(default, tuple) and isinstance(value, list):
        if all(type(item) is type(default[0]) for item in value):
            return tuple(value)
    if isinstance(default, float) and type(value) in (int, float):
        return float(value)
    if type(value) is not type(default):
        kind = {"PosixPath": "a path", "WindowsPath": "a path", "tuple": "a list"}
        expected = kind.get(type(default).__name__, type(default).__name__)
        raise TrainingConfigError(f"'{name}': expected {expected}, got {quoted(value)}.")
    return value


def _nearest(unknown: str, known: Iterable[str]) -> str:
    """The settings there are; where they are many, those that are spelt most alike."""
    names = list(known)
    if len(names) <= _MOST_LISTED:
        return ", ".join(names)
    alike = sorted(names, key=lambda name: -SequenceMatcher(None, unknown[:60], name).ratio())
    return f"{', '.join(alike[:_MOST_LISTED])}, … ({len(names)} in all)"


def settings_dict(config: Any) -> dict[str, Any]:
    """Plain values that JSON and YAML hold."""
    content = dataclasses.asdict(config)
    return {k: _plain(v) for k, v in content.items()}


def write_settings(config: Any, path: Path) -> None:
    """Save every setting in force, defaults included."""
    write_text(path, yaml.safe_dump(settings_dict(config), sort_keys=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value
