"""Bundles changed on disk, and how one is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from facegen_core.bundle import load_bundle, write_arrays
from facegen_core.errors import BundleError

# A value that takes the field away.
ABSENT = object()


def changed(path: Path, change: Callable[[dict[str, np.ndarray]], object]) -> None:
    """Rewrite a bundle's arrays after `change(arrays)`."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    change(arrays)
    write_arrays(path, arrays)


def change_header(path: Path, section: str | None = None, **values: object) -> None:
    """Set fields of the header, or of a section of it; ABSENT takes one away."""

    def change(arrays: dict[str, np.ndarray]) -> None:
        header = json.loads(arrays["header"].tobytes())
        fields = header if section is None else header[section]
        fields |= values
        for name in [name for name, value in fields.items() if value is ABSENT]:
            del fields[name]
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)

    changed(path, change)


def refusal(path: Path) -> str:
    """The sentence a bundle is refused with: one line that ends."""
    with pytest.raises(BundleError) as caught:
        load_bundle(path)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text
