"""Where the Blenders to test with are, and how to run a script in one of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.blender.tiny_wheel import write_tiny_wheel

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(__file__).parent / "in_blender"
ENVIRONMENTS = (".venv-bpy42", ".venv-bpy45", ".venv-bpy50")
# What a Blender brings no copy of, and a test must therefore not find in the environment.
NOT_IN_BLENDER = ("scipy", "torch", "facegen", "__editable__", "pytest", "_pytest")


@dataclass(frozen=True)
class Blender:
    """A Python environment with the bpy wheel: its version and its site-packages."""

    version: str
    python: Path
    packages: Path


def blenders() -> list[Blender]:
    """Environments named by FACEGEN_BPY_VENVS (separated as in PATH), else those of `make test`."""
    named = os.environ.get("FACEGEN_BPY_VENVS")
    folders = named.split(os.pathsep) if named else [str(ROOT / name) for name in ENVIRONMENTS]
    found = []
    for folder in map(Path, folders):
        for info in sorted(folder.glob("lib/python*/site-packages/bpy-*.dist-info")):
            version = info.name.removeprefix("bpy-").removesuffix(".dist-info")
            found.append(Blender(version, folder / "bin" / "python", info.parent))
    return found


def run_in_blender(
    blender: Blender,
    script: Path,
    zip_path: Path,
    folder: Path,
    timeout_seconds: float = 900.0,
    before: Sequence[str] = (),
    **settings: str,
) -> subprocess.CompletedProcess[str]:
    """Run a script of `in_blender` with the zip installed, in a user folder of its own.

    before: a command that starts Blender. settings: further variables of the environment.
    """
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "BLENDER_USER_RESOURCES": str(folder / "user"),
        # Blender as a module leaves its temporary folder behind; here it goes with the test's own.
        "TMPDIR": str(folder / "temporary"),
        "PYTHONPATH": os.pathsep.join([str(_as_in_blender(blender, folder)), str(SCRIPTS)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "FACEGEN_TINY_WHEELS": str(write_tiny_wheel(folder / "wheels").parent),
        "FACEGEN_TORCH_PYTHON": _torch_python(blender),
    }
    if "OMP_NUM_THREADS" in os.environ:
        environment["OMP_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"]
    environment |= settings
    for name in ("user", "files", "temporary"):
        (folder / name).mkdir()
    return subprocess.run(
        # -S leaves out site-packages, which may hold a SciPy that would hide the bundled wheel.
        [*before, blender.python, "-S", str(script), str(zip_path), str(folder / "files")],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
    )


def as_common_user() -> list[str]:
    """Starts a command without the right of root to write anywhere; nothing for anybody else."""
    return ["setpriv", "--bounding-set", "-dac_override"] if os.getuid() == 0 else []


def _torch_python(blender: Blender) -> str:
    """A Python with torch, for the worker of the GPU engine; empty where there is none.

    Given to one of the Blenders, as the worker knows nothing of them; FACEGEN_WORKER_EVERYWHERE=1
    gives it to all.
    """
    is_chosen = blender == blenders()[-1] or "FACEGEN_WORKER_EVERYWHERE" in os.environ
    return sys.executable if is_chosen and find_spec("torch") else ""


def _as_in_blender(blender: Blender, folder: Path) -> Path:
    """A folder that links to what the environment has and Blender has too: no SciPy, no torch."""
    links = folder / "packages"
    links.mkdir()
    for entry in blender.packages.iterdir():
        if not entry.name.startswith(NOT_IN_BLENDER) and entry.suffix != ".pth":
            (links / entry.name).symlink_to(entry)
    return links
