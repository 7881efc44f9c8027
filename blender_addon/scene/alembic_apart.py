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
from pathlib import Path

import bpy

_CHILD = Path(__file__).with_name("alembic_child.py")
# Nobody writes for so long; a Blender that hangs must not hang this one.
_PATIENCE_SECONDS = 1800.0


def write(scene: bpy.types.Scene, path: str, frame_range: tuple[int, int]) -> None:
    """Write all of a scene, first and last frame included. Raises OSError or RuntimeError."""
    with tempfile.TemporaryDirectory(prefix="facegen-", dir=bpy.app.tempdir or None) as folder:
        copy = Path(folder) / "copy.blend"
        bpy.data.libraries.write(str(copy), {scene})
        try:
            done = subprocess.run(
                [*_blender(), "--", str(copy), path, *map(str, frame_range)],
                env=_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PATIENCE_SECONDS,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except subprocess.TimeoutExpired as error:
            raise RuntimeError("Blender's Alembic writer did not end and was given up") from error
    if done.returncode:
        raise RuntimeError("Blender's Alembic writer broke off, as it does on a full disk")


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
