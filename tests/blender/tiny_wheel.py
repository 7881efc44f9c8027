"""A wheel of a few bytes, so that installing can be tried without a network."""

from __future__ import annotations

import zipfile
from pathlib import Path


def write_tiny_wheel(folder: Path, name: str = "tinytorch", num_bytes: int = 0) -> Path:
    """A pure wheel of version 1.0 in a folder, with a module of `num_bytes` more bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", "__version__ = '1.0'\n" + "#" * num_bytes)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path
