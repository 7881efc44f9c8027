"""A virtual environment with PyTorch: made as a whole or not at all, and taken away again.

It is made in `<folder>.unfinished`, everything pip downloads included, and renamed when complete;
whatever goes wrong takes that folder away. One that a crash left behind goes with the next attempt.
Python finds an environment by the `pyvenv.cfg` beside it, so it works from its new name.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from facegen_core.errors import FacegenError
from facegen_core.file_words import why_unrun, why_unwritten
from facegen_core.progress import Progress, no_progress

from .recipes import Recipe

# In the folder of a complete environment: how it was made.
_STAMP = "facegen-engine.json"
_UNFINISHED, _REMOVED = ".unfinished", ".removed"
# How often a running step is looked at, and how often the folder is weighed for the progress bar.
_LOOK_SECONDS, _WEIGH_SECONDS = 0.2, 1.0
# Making the environment is so much of the whole; the rest is pip's.
_MADE_AT = 0.04
# Names in the environment of a process that would lead Python or pip out of the folder.
_MISLEADING = ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "VIRTUAL_ENV", "PIP_TARGET")
_MISLEADING += ("PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV")
_RENAME_TRIES = 10
# One attempt at a time: one that was cancelled still takes its folder away for a while.
_one_at_a_time = threading.Lock()


def python_of(folder: Path) -> Path:
    """The Python of an environment, whether it is there or not."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def is_complete(folder: Path) -> bool:
    return (folder / _STAMP).is_file() and python_of(folder).exists()


def is_anything_there(folder: Path) -> bool:
    """Whether there is something to remove, also of an attempt that a crash ended."""
    return any(path.exists() for path in (folder, *_leftovers(folder)))


def install(
    folder: Path, base_python: Path, recipe: Recipe, progress: Progress = no_progress
) -> Path:
    """Make the environment and return its Python; it replaces an earlier one only when complete.

    Raises FacegenError with one sentence, and whatever `progress` raises; then nothing was changed.
    """
    with _alone(progress):
        return _install(folder, base_python, recipe, progress)


def remove(folder: Path) -> None:
    """Take the environment away, and what is left of unfinished ones. Raises FacegenError."""
    _set_aside(folder)
    for left in _leftovers(folder):
        _take_away(left)


def _install(folder: Path, base_python: Path, recipe: Recipe, progress: Progress) -> Path:
    for left in _leftovers(folder):
        _take_away(left)
    work = folder.with_name(folder.name + _UNFINISHED)
    try:
        work.parent.mkdir(parents=True, exist_ok=True)
        _check_space(work.parent, recipe)
        work.mkdir()
        _make(work, base_python, recipe, progress)
        stamp = {"packages": [p for step in recipe.steps for p in step.packages]}
        (work / _STAMP).write_text(json.dumps(stamp) + "\n", encoding="utf-8")
        _set_aside(folder)
        _rename(work, folder)
    except OSError as error:
        why = why_unwritten(folder, error)
        raise FacegenError(
            f"The GPU engine cannot be written to {folder.parent} ({why}): "
            "free or unlock that folder, then set it up again."
        ) from error
    finally:
        if work.exists():
            _take_away(work)
    return python_of(folder)


@contextmanager
def _alone(progress: Progress) -> Iterator[None]:
    """Wait until no other attempt of this Blender is at work."""
    while not _one_at_a_time.acquire(timeout=_LOOK_SECONDS):
        progress(0.0, "Making a Python environment")
    try:
        yield
    finally:
        _one_at_a_time.release()


def _set_aside(folder: Path) -> None:
    """Take an environment away, under another name at once: half a one is never taken for whole.

    Raises FacegenError.
    """
    aside = folder.with_name(folder.name + _REMOVED)
    _take_away(aside)
    if not folder.exists():
        return
    try:
        _rename(folder, aside)
    except OSError as error:
        raise FacegenError(
            f"The GPU engine cannot be removed ({why_unwritten(folder, error)}): close other "
            "Blenders that use it, then remove it again."
        ) from error
    _take_away(aside)


def _leftovers(folder: Path) -> list[Path]:
    both = (folder.with_name(folder.name + end) for end in (_UNFINISHED, _REMOVED))
    return [path for path in both if path.exists()]


def _make(work: Path, base_python: Path, recipe: Recipe, progress: Progress) -> None:
    progress(0.0, "Making a Python environment")
    _run([str(base_python), "-I", "-m", "venv", "--without-pip", str(work)], work, progress)
    python = str(python_of(work))
    _run([python, "-I", "-m", "ensurepip", "--default-pip"], work, progress)
    weigh = _Scales(work, recipe, progress)
    for step in recipe.steps:
        command = [
            python,
            "-I",
            "-m",
            "pip",
            "install",
            "--no-input",
            "--no-cache-dir",
            "--no-user",
        ]
        command += ["--only-binary=:all:", "--disable-pip-version-check", "--progress-bar", "off"]
        _run([*command, *step.arguments, *step.packages], work, weigh)
    shutil.rmtree(work / "tmp", ignore_errors=True)


class _Scales:
    """Progress by weight: how much is there of what is downloaded and what that unpacks to."""

    def __init__(self, work: Path, recipe: Recipe, progress: Progress) -> None:
        self._work, self._progress = work, progress
        self._whole = max(1, recipe.download_mb + recipe.disk_mb)
        self._megabytes, self._weighed_at = 0, float("-inf")

    def __call__(self, fraction: float, message: str) -> None:
        if monotonic() > self._weighed_at + _WEIGH_SECONDS:
            self._megabytes = min(_weight_mb(self._work), self._whole)
            self._weighed_at = monotonic()
        share = self._megabytes / self._whole
        self._progress(
            _MADE_AT + (0.99 - _MADE_AT) * share,
            f"Installing PyTorch, {self._megabytes} of about {self._whole} MB",
        )


def _run(command: Sequence[str], work: Path, progress: Progress) -> None:
    """Run one step to its end, telling of it; ends it where `progress` raises."""
    temporary = work / "tmp"
    temporary.mkdir(exist_ok=True)
    places = {name: str(temporary) for name in ("TMPDIR", "TEMP", "TMP")}
    kept = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    output = work / "pip.log"
    with output.open("wb") as log:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**kept, **places},
                cwd=work,
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise FacegenError(
                f"{Path(command[0]).name} cannot be started ({why_unrun(error)}): choose "
                "another Base Python, 3.10 or newer."
            ) from error
        try:
            while process.poll() is None:
                progress(0.0, "Making a Python environment")
                time.sleep(_LOOK_SECONDS)
        finally:
            _end(process)
    if process.returncode:
        raise FacegenError(_why(output.read_text(encoding="utf-8", errors="replace"), command))
    output.unlink()


def _why(said: str, command: Sequence[str]) -> str:
    """The sentence of a step that failed, from its last words."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR:")]
    last = (errors or lines or ["it said nothing"])[-1].removeprefix("ERROR:").strip(" .")
    if "venv" in command or "ensurepip" in command:
        return (
            f"{Path(command[0]).name} cannot make environments ({last}): choose another Base "
            "Python, one with venv and pip."
        )
    return (
        f"pip could not install {command[-1]} ({last}): look at the connection, the free space "
        "and the chosen build, then set up again."
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs, and on POSIX what it started."""
    if process.poll() is None:
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _check_space(folder: Path, recipe: Recipe) -> None:
    free, needed = shutil.disk_usage(folder).free // 1_000_000, recipe.download_mb + recipe.disk_mb
    if free < needed:
        raise FacegenError(
            f"The GPU engine needs {needed / 1000:.1f} GB while it is installed, {free / 1000:.1f} "
            "GB are free: make room, or choose the smaller CPU build."
        )


def _weight_mb(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_size
            except OSError:  # pip moves files meanwhile
                continue
    return total // 1_000_000


def _rename(old: Path, new: Path) -> None:
    """Windows refuses for a moment while a virus scanner still looks at what is new."""
    for left in reversed(range(_RENAME_TRIES)):
        try:
            os.replace(old, new)
            return
        except PermissionError:
            if not left:
                raise
            time.sleep(0.3)


def _take_away(folder: Path) -> None:
    """Remove a folder as far as it can be; Windows keeps files that are in use."""
    for _ in range(3):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.3)
