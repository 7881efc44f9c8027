"""One process at a time: a file that is held, and let go by whatever ends a process.

The system keeps the lock, so one that was killed holds nothing, and its file is taken over.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import files
from .errors import FacegenError

# Another holds the lock; drives that know no locks say one of the others.
_HELD = {errno.EACCES, errno.EAGAIN}
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EINVAL, getattr(errno, "ENOTSUP", errno.EINVAL)}
# Of Windows: a file that is open elsewhere is not removed.
_SHARING_VIOLATION = 32


@contextmanager
def alone(path: Path, refusal: str) -> Iterator[None]:
    """Hold the file `path`, which is made and removed, against other processes.

    Raises FacegenError, with the sentence `refusal`, while another process holds it, and WriteError
    where it cannot be made. On a drive that knows no locks nobody is held off.
    """
    try:
        descriptor = _open_exclusively(path) if os.name == "nt" else _open_and_lock(path)
    except BlockingIOError as error:
        raise FacegenError(refusal) from error
    except OSError as error:
        raise files.unwritable(path, error) from error
    try:
        yield
    finally:
        if os.name != "nt":  # while it is still ours; Windows removes nothing that is open
            _remove(path)
        os.close(descriptor)
        if os.name == "nt":
            _remove(path)


def _open_exclusively(path: Path) -> int:
    """Windows: what is open cannot be removed, so what can be is of nobody who lives."""
    try:
        path.unlink(missing_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    except FileExistsError as error:  # another one was faster
        raise _held(path) from error
    except PermissionError as error:
        if getattr(error, "winerror", 0) == _SHARING_VIOLATION:
            raise _held(path) from error
        raise


def _open_and_lock(path: Path) -> int:
    while True:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(path, flags, 0o666)
        try:
            if hasattr(os, "lockf"):
                os.lockf(descriptor, os.F_TLOCK, 0)
        except OSError as error:
            if error.errno in _HELD:
                os.close(descriptor)
                raise _held(path) from error
            if error.errno not in _NO_LOCKS:
                os.close(descriptor)
                raise
        # Who held it before may have removed it between the two: then it is nobody's name any more.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), path.lstat()):
                return descriptor
        os.close(descriptor)


def _held(path: Path) -> BlockingIOError:
    return BlockingIOError(errno.EAGAIN, "another process holds it", str(path))


def _remove(path: Path) -> None:
    with suppress(OSError):  # on Windows another process may have taken it already
        path.unlink()
