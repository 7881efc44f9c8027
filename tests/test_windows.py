"""The core's own tests on Windows' CPython under Wine, with what the Windows zip ships.

`make test-windows` runs them, other runs skip: the room takes minutes and a gigabyte to make. The
zip's facegen_core and its SciPy wheel stand in for the checkout's, so what is tested is what an
artist installs: its paths, encodings, locks and processes meet Windows' Python and its libraries.
Wine is not Windows and Blender is not in it; what only they show stays unseen.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import build_addon
from tests.gui.test_window import CANNOT, ROOM

ROOT = Path(__file__).resolve().parent.parent
# NumPy as Blender 4.2 to 4.5 bring it; PyTorch for the GPU worker.
PACKAGES = ("numpy==1.26.4", "scipy", "torch==2.13.0")
TESTED = os.environ.get("FACEGEN_WINDOWS", "").split()
# A command in the room, with Wine's questions to /proc answered in a mount of the process alone.
IN_ROOM = 'mount --bind /proc "$1/proc" && exec chroot "$1" /bin/bash -c "$2"'

pytestmark = pytest.mark.skipif(not TESTED, reason="only make test-windows asks for Windows")


@pytest.fixture(scope="module")
def room() -> Path:
    commands = [[ROOT / ".ci" / "window_room", ROOM]]
    commands += [[ROOT / ".ci" / "windows_room", ROOM, sys.executable, *PACKAGES]]
    for command in commands:
        made = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=1800)
        if made.returncode == CANNOT:
            pytest.skip(made.stderr.strip().splitlines()[-1])
        assert made.returncode == 0, made.stdout + made.stderr
    return ROOM


@pytest.fixture(scope="module")
def checkout(room: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A folder of the room with the tests, and core and wheels as the Windows zip brings them."""
    built = build_addon.build(
        "windows-x64", build_addon.DEFAULT_BUNDLE, tmp_path_factory.mktemp("zip")
    )
    inside = f"/tmp/facegen-{uuid.uuid4().hex[:8]}"
    stage = room / inside[1:]
    for name in ("tests", "blender_addon", "training", ".ci"):
        shutil.copytree(ROOT / name, stage / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("build_addon.py", "pyproject.toml"):
        shutil.copy2(ROOT / name, stage / name)
    with zipfile.ZipFile(built) as archive:
        archive.extractall(stage / "zip")
    (core,) = (stage / "zip").rglob("facegen_core")
    core.rename(stage / "facegen_core")
    wheels = (stage / "zip").rglob("*.whl")
    for wheel in (w for w in wheels if "-cp313-" not in w.name):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(stage / "shipped")
    yield inside
    shutil.rmtree(stage)


@pytest.mark.parametrize("tests", TESTED)
def test_the_core_of_the_windows_zip_passes_its_tests(
    room: Path, checkout: str, tests: str
) -> None:
    done = on_windows(room, checkout, f"-m pytest -q -p no:cacheprovider --basetemp made {tests}")
    sys.stdout.write(done.stdout)
    assert done.returncode == 0, done.stdout[-8000:]


def on_windows(
    room: Path, folder: str, arguments: str, timeout_seconds: float = 7200.0
) -> subprocess.CompletedProcess[str]:
    """Run Windows' Python in a folder of the room."""
    path = ";".join("Z:" + part for part in (f"{folder}/shipped", folder))
    environment = {
        "HOME": "/opt/windows",
        "LC_ALL": "C.UTF-8",
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "WINEPREFIX": "/opt/windows/prefix",
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree,mshtml=",
        "PYTHONPATH": path.replace("/", "\\"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        # Wine does not know the nodes of a machine that Intel's OpenMP asks for.
        "KMP_AFFINITY": "disabled",
    }
    # Through a pipe: Wine's Python takes no file of Linux for its output.
    inside = f"cd {folder} && wine /opt/windows/python/python.exe {arguments} </dev/null 2>&1 | cat"
    inside = f"set -o pipefail; {inside}"
    command = ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", IN_ROOM, "sh"]
    return subprocess.run(
        [*command, str(room), inside],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=timeout_seconds,
    )
