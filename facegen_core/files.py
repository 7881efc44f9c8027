"""Files that appear whole under their names or not at all, and what killed processes left.

Written under a name of its own beside the file, brought to the disk, then renamed: whoever reads
meets the old file or the new one, also after a kill or a power cut. What a killed process left is
removed when its folder is next written to.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import shutil
import stat
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from .errors import WriteError
from .file_words import ToldError, unwritten

__all__ = [
    "bring_to_disk",
    "check_room",
    "discard",
    "disk_refusal",
    "put_in_place",
    "remove_leftovers",
    "replace",
    "temporary_beside",
    "unwritable",
    "write_bytes",
    "write_text",
]

# Host and process that write, so that others know whether they still do. Behind the letters is the
# suffix, or what Blender (an @) and USD put there while they write.
_TEMPORARY = re.compile(r"\.facegen-([0-9a-f]{8})-(\d+)-[0-9a-f]{8,32}(\.\w*)?@?")
# Of processes that cannot be asked whether they live: what nobody has written to for so long.
_FORGOTTEN_SECONDS = 24 * 3600.0
# Drives that know no fsync say one of these; everything else it says is a write that failed.
_NO_FSYNC = {errno.EINVAL, getattr(errno, "ENOTSUP", errno.EINVAL), errno.ENOSYS}
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}

# Folders this process has tidied; once is enough, and some hold thousands of files.
_tidied: set[Path] = set()


@contextmanager
def put_in_place(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; what is there in the end takes the place of `path`.

    Nothing is left where the block raises. Raises WriteError for what the disk refuses.
    """
    path = Path(path)
    temporary, is_there = temporary_beside(path), False
    try:
        yield temporary
        replace(temporary, path)
        is_there = True
    except WriteError:  # of another file, which the block writes
        raise
    except OSError as error:
        if error.filename not in (None, str(temporary), str(path)):
            raise  # of another file, which the block reads
        raise unwritable(path, error, _size(temporary)) from error
    finally:
        if not is_there:
            discard(temporary)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, all of it or nothing. Raises WriteError."""
    with put_in_place(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, all of it or nothing. Raises WriteError."""
    with put_in_place(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def temporary_beside(path: Path) -> Path:
    """A name nobody has, on the same disk, with the suffix of `path`, which exporters look at.

    It tells whose it is, for `remove_leftovers`; those of killed processes go here.
    """
    folder = path.absolute().parent
    if folder not in _tidied:
        _tidied.add(folder)
        remove_leftovers(folder)
    suffix = path.suffix.lower() if re.fullmatch(r"\.\w*", path.suffix) else ""
    letters = uuid.uuid4().hex  # which nobody can lie in wait for
    return folder / f".facegen-{_host()}-{os.getpid()}-{letters}{suffix}"


def replace(temporary: Path, path: Path) -> None:
    """Bring a file or folder to the disk and give it its name. Raises OSError."""
    if temporary.is_file():
        bring_to_disk(temporary)
    if path.is_symlink():  # the file it leads to is the one that was meant
        if _is_strangers(path):
            raise ToldError(errno.EACCES, "a link of somebody else lies there", str(path))
        path = path.resolve()
    os.replace(temporary, path)
    if os.name == "posix":  # elsewhere a folder cannot be opened
        with suppress(OSError):  # the file is there, whole, whatever becomes of its folder
            bring_to_disk(path.absolute().parent)


def _is_strangers(link: Path) -> bool:
    """Whether a link was laid by others in a folder where all may write, as Linux sees it.

    Its kernel follows no such link; who reads where one leads and goes there has to ask himself.
    """
    if os.name == "posix":
        folder, owner = link.absolute().parent.stat(), link.lstat().st_uid
        is_everybodys = bool(folder.st_mode & stat.S_IWOTH and folder.st_mode & stat.S_ISVTX)
        return is_everybodys and owner not in (os.geteuid(), folder.st_uid)
    return False


def discard(temporary: Path) -> None:
    """Remove what `temporary_beside` named, and what exporters made beside it under its name."""
    for path in temporary.parent.glob(f"{temporary.stem}*"):
        _remove(path)


def remove_leftovers(folder: Path) -> int:
    """Remove what killed processes were writing in a folder; returns how many there were."""
    count = 0
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            made = _TEMPORARY.fullmatch(entry.name)
            if made and not _is_written_to(entry, made[1], int(made[2])):
                _remove(Path(entry.path))
                count += 1
    return count


def unwritable(path: Path, error: OSError, written: int = 0) -> WriteError:
    """The sentence for a file the system does not let be written: what, why, what to do.

    written: bytes it had taken when the disk was full.
    """
    why, advice = unwritten(path, error)
    after = f" after {written / 1e6:.1f} MB" if written and error.errno in _FULL else ""
    return WriteError(f"Cannot write {path}: {why}{after}; {advice}.")


def disk_refusal(error: OSError) -> WriteError | None:
    """The sentence for a disk that is full, read-only or broken, or a name too long for it.

    None for other errors.
    """
    if error.errno not in _FULL | {errno.EFBIG, errno.EROFS, errno.EIO, errno.ENAMETOOLONG}:
        return None
    return unwritable(Path(error.filename or tempfile.gettempdir()), error)


def _is_written_to(entry: os.DirEntry[str], host: str, process: int) -> bool:
    """Whether a temporary may still be at work: its process lives, or none can tell and it is
    young."""
    if host == _host() and os.name == "posix":  # elsewhere signal 0 is not a question
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        except (PermissionError, OverflowError):
            pass
    with suppress(OSError):
        return time.time() - entry.stat(follow_symlinks=False).st_mtime < _FORGOTTEN_SECONDS
    return False


def check_room(folder: Path, size: int) -> None:
    """Raise OSError unless `size` bytes can be written to a folder.

    The disk itself is asked, where it can be: it knows of quotas as well.
    """
    needed, free = f"it may take {size / 1e6:.1f} MB", shutil.disk_usage(folder).free
    if free < size:
        raise ToldError(errno.ENOSPC, f"{needed}, and {free / 1e6:.1f} MB are free on the disk")
    if not hasattr(os, "posix_fallocate"):
        return
    temporary = temporary_beside(folder / "room")
    descriptor = os.open(temporary, os.O_CREAT | os.O_WRONLY)
    try:
        os.posix_fallocate(descriptor, 0, max(size, 1))
    except OSError as error:
        if error.errno in _FULL | {errno.EFBIG}:
            raise ToldError(error.errno, f"{needed}, and the disk gives less") from error
    finally:
        os.close(descriptor)
        _remove(temporary)


def bring_to_disk(path: Path) -> None:
    """What is written is on the disk when this returns; a full one on a network says so only now.

    Raises OSError.
    """
    flags = os.O_RDONLY if path.is_dir() else os.O_RDWR
    descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FSYNC:
            raise
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


@cache
def _host() -> str:
    """Eight letters for this machine: names of machines may hold anything."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]
