"""The disk that breaks: disk.c built, preloaded, and told where and when to break."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).with_name("disk.c")
# As in disk.c.
_COUNT, _STAYS_FULL, _FAILS_ONCE, _KILLS = range(4)


# As in disk.c: for programs that an armed one starts.
_ARMED = "FACEGEN_BROKEN_DISK"


class NoCompilerError(Exception):
    """disk.c cannot be built here."""


def environment(folder: Path) -> dict[str, str]:
    """Of a process whose disk can break; disk.c is built into `folder`. Raises NoCompilerError."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if os.name != "posix" or os.uname().sysname != "Linux" or compiler is None:
        raise NoCompilerError("a disk that breaks needs Linux and a C compiler")
    library = folder / "disk.so"
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise NoCompilerError(f"disk.c cannot be built: {done.stderr.strip()[-200:]}")
    return {**os.environ, "LD_PRELOAD": str(library)}


class Disk:
    """Of this process, started in `environment`."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)
        if not hasattr(self._library, "disk_arm"):
            raise NoCompilerError("disk.so is not preloaded")
        self._library.disk_count.restype = ctypes.c_long

    @contextmanager
    def counting(self, folder: Path) -> Iterator[None]:
        """Break nothing; `asked` tells afterwards how much was asked below `folder`."""
        with self._armed(folder, _COUNT, 0, 0):
            yield

    @contextmanager
    def full(self, folder: Path, at: int) -> Iterator[None]:
        """Full from the `at`-th thing asked on: it takes nothing more."""
        with self._armed(folder, _STAYS_FULL, at, errno.ENOSPC):
            yield

    @contextmanager
    def read_only(self, folder: Path) -> Iterator[None]:
        with self._armed(folder, _STAYS_FULL, 1, errno.EROFS):
            yield

    @contextmanager
    def failing(self, folder: Path, at: int) -> Iterator[None]:
        """An input/output error, once."""
        with self._armed(folder, _FAILS_ONCE, at, errno.EIO):
            yield

    @contextmanager
    def killing(self, folder: Path, at: int) -> Iterator[None]:
        """SIGKILL at the `at`-th thing asked; of what is written then, half arrives."""
        with self._armed(folder, _KILLS, at, 0):
            yield

    @property
    def asked(self) -> int:
        return int(self._library.disk_count())

    @contextmanager
    def _armed(self, folder: Path, mode: int, at: int, number: int) -> Iterator[None]:
        path = os.fsencode(folder.resolve())
        self._library.disk_arm(path, mode, ctypes.c_long(at), number)
        os.environ[_ARMED] = _told(folder, mode, at, number)
        try:
            yield
        finally:
            del os.environ[_ARMED]
            self._library.disk_disarm()


def killing_environment(folder: Path, at: int) -> dict[str, str]:
    """Added to `environment`: kills the program as `Disk.killing` does, from its start on; at 0
    only counts."""
    return {_ARMED: _told(folder, _KILLS if at else _COUNT, at, 0)}


def _told(folder: Path, mode: int, at: int, number: int) -> str:
    return f"{mode} {at} {number} {folder.resolve()}"
