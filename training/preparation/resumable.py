"""Work that may be killed and goes on: files that appear whole, workers that end, a bar."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from facegen_core.errors import DatasetError
from facegen_core.files import put_in_place, write_text
from facegen_core.json_text import read_json
from facegen_core.progress import Progress


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write JSON at once or not at all."""
    write_text(path, json.dumps(content, indent=2) + "\n")


def write_npz(path: Path, **arrays: NDArray) -> None:
    """Write arrays at once or not at all."""
    with put_in_place(path) as temporary:
        np.savez(temporary, **arrays)


def write_npy(path: Path, array: NDArray) -> None:
    """Write an array that is read where it lies, at once or not at all."""
    with put_in_place(path) as temporary:
        np.save(temporary, array)


def check_same_run(path: Path, arguments: dict[str, Any]) -> None:
    """Raise DatasetError where the folder of `path` was begun with other arguments.

    They are what an earlier run wrote to `path`; where there is none, anything goes.
    """
    if not path.exists():
        return
    begun = read_json(path)
    for name, value in arguments.items():
        if begun.get(name) != value:
            told = isinstance(value, str | int | float | bool)
            change = f"{name} {begun.get(name)}, not {value}" if told else f"other {name}"
            raise DatasetError(
                f"{path.parent} was begun with {change}: choose another folder or the same "
                "arguments."
            )


def end_with_parent() -> None:
    """For worker processes: without this, those of a killed run would wait for work for ever."""

    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def on_bar(bar: tqdm) -> Progress:
    """A progress callback that moves a bar whose total is 1."""

    def report(fraction: float, message: str) -> None:
        bar.set_postfix_str(message, refresh=False)
        bar.n = max(bar.n, fraction)
        bar.refresh()

    return report
