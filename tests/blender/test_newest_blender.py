"""The built zip in the newest Blender, on Python 3.13 and NumPy 2.

Blender 5.1 and later need a Python this machine may not have: the Debian of the window test has it.
One story is told in every run; `make test-newest` tells all. FACEGEN_NEWEST names other versions,
FACEGEN_WINDOW_ROOM another room.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.blender.blenders import ROOT, SCRIPTS
from tests.blender.test_zip import STORIES
from tests.gui.test_window import CANNOT, ROOM

VERSIONS = os.environ.get("FACEGEN_NEWEST", "5.2").split()
TOLD = STORIES if os.environ.get("FACEGEN_NEWEST_STORIES") == "all" else ["odd_paths"]


@pytest.fixture(scope="module")
def room() -> Path:
    if os.environ.get("FACEGEN_NO_WINDOW"):
        pytest.skip("FACEGEN_NO_WINDOW is set")
    commands = [[ROOT / ".ci" / "window_room", ROOM]]
    commands += [[ROOT / ".ci" / "newest_blender", ROOM, v, sys.executable] for v in VERSIONS]
    for command in commands:
        made = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=1800)
        if made.returncode == CANNOT:
            pytest.skip(made.stderr.strip().splitlines()[-1])
        assert made.returncode == 0, made.stdout + made.stderr
    return ROOM


@pytest.mark.parametrize("story", TOLD)
@pytest.mark.parametrize("version", VERSIONS)
def test_the_newest_blender_tells_the_story(
    room: Path, built_zip: Path, version: str, story: str
) -> None:
    done = run_in_room(room, version, SCRIPTS / f"{story}.py", built_zip)
    sys.stdout.write(done.stdout)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]


def run_in_room(
    room: Path, version: str, script: Path, zip_path: Path, timeout_seconds: float = 1500.0
) -> subprocess.CompletedProcess[str]:
    """Run a script of `in_blender` with the zip installed, as root of a Debian of its own."""
    inside = f"/tmp/facegen-{uuid.uuid4().hex[:8]}"
    stage = room / inside[1:]
    environment = {
        "HOME": inside,
        "LANG": "C.UTF-8",
        "PATH": "/usr/bin:/bin",
        "BLENDER_USER_RESOURCES": f"{inside}/user",
        "PYTHONPATH": f"/opt/bpy-{version}:{inside}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    arguments = ["/usr/bin/python3.13", "-S", f"{inside}/{script.name}"]
    try:
        shutil.copytree(script.parent, stage, ignore=shutil.ignore_patterns("__pycache__"))
        (stage / "user").mkdir()
        (stage / "files").mkdir()
        shutil.copy(zip_path, stage / zip_path.name)
        return subprocess.run(
            ["chroot", room, "env", "-i", *(f"{k}={v}" for k, v in environment.items()), *arguments]
            + [f"{inside}/{zip_path.name}", f"{inside}/files"],
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_seconds,
        )
    finally:
        shutil.rmtree(stage, ignore_errors=True)
