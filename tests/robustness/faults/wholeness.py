"""Whether files of a folder are whole, and whether two folders hold the same."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

# Files that say how long something took; they must be whole, not equal.
TIMED = {"metrics.json", "run.json", "detector.json", "batch.json", "made.json"}


def contents(folder: Path) -> dict[str, bytes]:
    """{path: bytes} of every file below a folder; folders end with a slash and are empty."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        found[name + "/" * path.is_dir()] = b"" if path.is_dir() else path.read_bytes()
    return found


def temporaries(found: dict[str, bytes]) -> list[str]:
    """Names that only somebody at work has."""
    return [name for name in found if "/." in f"/{name}"]


def halves(folder: Path, known: list[dict[str, bytes]]) -> list[str]:
    """Files under their own names that are neither as one of `known` nor can be read to the end."""
    found = contents(folder)
    aside = set(temporaries(found))
    return [
        name
        for name, content in found.items()
        if name not in aside
        and not name.endswith("/")
        and not any(one.get(name) == content for one in known)
        and not _reads(folder / name)
    ]


def differences(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """Names that are in one folder only, or hold other bytes."""
    timed = {name for name in {*one, *other} if name.rsplit("/", 1)[-1] in TIMED}
    return sorted(
        name
        for name in {*one, *other}
        if (name in one) != (name in other)
        or (name not in timed and not _alike(name, one[name], other[name]))
    )


def _alike(name: str, one: bytes, other: bytes) -> bool:
    """Equal bytes; of checkpoints equal arrays and progress, but for the seconds they tell."""
    if one == other or not name.endswith("checkpoint.npz"):
        return one == other
    first, second = (np.load(io.BytesIO(content), allow_pickle=False) for content in (one, other))
    told = [_timeless(json.loads(found["progress"].tobytes())) for found in (first, second)]
    return (
        set(first.files) == set(second.files)
        and told[0] == told[1]
        and all(
            np.array_equal(first[n], second[n], equal_nan=True)
            for n in first.files
            if n != "progress"
        )
    )


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _timeless(v) for k, v in value.items() if k != "seconds"}
    return [_timeless(v) for v in value] if isinstance(value, list) else value


def _reads(path: Path) -> bool:
    try:
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix in (".npz", ".facegen"):
            with np.load(path, allow_pickle=False) as archive:
                return all(archive[name] is not None for name in archive.files)
        elif path.suffix == ".npy":
            np.load(path, allow_pickle=False)
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                return archive.testzip() is None
        else:
            return False  # neither the old one nor the new one
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return False
    return True
