"""Alembic, written by a Blender of its own.

Blender's Alembic writer ends the whole program where a write fails, a disk that fills meanwhile
say, and an artist's unsaved work would go with it. So another Blender is started, a few seconds,
handed the copy as a file, and all that may end is that one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import bpy

_CHILD = Path(__file__).with_name("alembic_child.py")
# A Blender that hangs must not hang this one. It tells of every frame, and frames take seconds.
_STILL_SECONDS = 120.0
_LOOK_SECONDS = 0.1


def write(scene: bpy.types.Scene, path: str, frame_range: tuple[int, int]) -> None:
    """Write all of a scene, first and last frame included. Raises OSError or RuntimeError."""
    with tempfile.TemporaryDirectory(prefix="facegen-", dir=bpy.app.tempdir or None) as folder:
        copy = Path(folder) / "copy.blend"
        bpy.data.libraries.write(str(copy), {scene})
        command = [*_blender(), "--", str(copy), path, *map(str, frame_range)]
        code = _run(command, Path(folder) / "said.txt", Path(path))
    if code:
        raise RuntimeError("Blender's Alembic writer broke off, as it does on a full disk")


def _run(command: Sequence[str], said: Path, written: Path) -> int:
    """The exit code; raises RuntimeError where neither what it says nor what it writes grows."""
    with said.open("wb") as log:
        process = subprocess.Popen(
            command,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        try:
            sizes, moved_at = (0, 0), monotonic()
            while True:
                try:
                    return process.wait(_LOOK_SECONDS)
                except subprocess.TimeoutExpired:
                    now = _size(said), _size(written)
                if now != sizes:
                    sizes, moved_at = now, monotonic()
                elif monotonic() > moved_at + _STILL_SECONDS:
                    raise RuntimeError(
                        "Blender's Alembic writer stood still for two minutes and was ended"
                    )
        finally:  # also at Ctrl-C
            process.kill()
            process.wait()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _blender() -> list[str]:
    """This Blender without a window and without add-ons, or Python where it is a module."""
    if not bpy.app.binary_path:
        return [sys.executable, str(_CHILD)]
    quiet = ["--background", "--factory-startup", "-noaudio"]
    return [bpy.app.binary_path, *quiet, "--python-exit-code", "1", "--python", str(_CHILD)]


def _environment() -> dict[str, str]:
    if bpy.app.binary_path:
        return dict(os.environ)
    # Before Blender's own scripts, which have a `bpy` that only works inside.
    home = str(Path(bpy.utils.resource_path("LOCAL")).parents[1])
    others = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [home, others]))}
