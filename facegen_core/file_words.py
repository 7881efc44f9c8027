"""Why a file could not be read, written or run, in words, and what to do.

The system's own are of codes, codecs and arguments, and in its own language.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

# {errno: (what is the matter, what to do)}
_UNREAD = {
    errno.ENOENT: ("there is no such file", "look at its name and folder"),
    errno.ENOTDIR: ("there is no such file", "look at its name and folder"),
    errno.EISDIR: ("it is a folder", "choose a file"),
    errno.EACCES: ("you have no right to read it", "change its rights or choose another"),
    errno.EPERM: ("you have no right to read it", "change its rights or choose another"),
    errno.ELOOP: ("it is a link that leads back to itself", "choose the file itself"),
    errno.ENAMETOOLONG: ("its name is too long", "give it a shorter one"),
    errno.EIO: ("the disk fails to read it", "get the file again"),
    errno.EMFILE: ("too many files are open", "start the program again"),
    errno.ENFILE: ("too many files are open", "close other programs"),
}
_UNWRITTEN = {
    getattr(errno, "EDQUOT", -1): (
        "your share of the disk is used up",
        "make room there or choose another disk",
    ),
    errno.EFBIG: ("the disk takes no file of this size", "choose a folder on another disk"),
    errno.EROFS: ("the disk is read-only", "choose a folder you may write to"),
    errno.ENOTDIR: ("a file lies where its folder should be", "choose another folder"),
    errno.EEXIST: ("a file lies there already", "choose another name"),
    errno.EISDIR: ("it is a folder", "choose another name"),
    errno.ENOTEMPTY: ("it is a folder", "choose another name"),
    errno.ENAMETOOLONG: ("its name is too long", "choose a shorter name"),
    errno.EINVAL: ("the disk takes no such name", "choose another name"),
    errno.ELOOP: ("it is a link that leads back to itself", "choose another name"),
    errno.EBUSY: ("it is in use", "close the program that has it open, or choose another name"),
    errno.EIO: ("the disk fails to take it", "choose a folder on another disk"),
    errno.EMFILE: ("too many files are open", "start the program again"),
    errno.ENFILE: ("too many files are open", "close other programs"),
}
_UNWRITTEN_ELSE = ("the system does not let it be written", "choose a folder on another disk")
_UNRUN = {
    errno.EACCES: "you have no right to run it",
    errno.EPERM: "you have no right to run it",
    errno.ENOENT: "it or a part of it is missing",
    errno.ENOEXEC: "it is no program of this system",
}
# Windows: another program has the file open, or a part of it.
_IN_USE = (32, 33)
_OPEN_ELSEWHERE = ("another program has it open", "close it there, or choose another name")
NO_UTF8 = "it is no text in UTF-8; save it as such"
_ELSE = ("the system does not let it be read", "copy it to another folder")


class ToldError(OSError):
    """An error of files whose words (`strerror`) are our own, to be told as they are."""


def why_unread(error: OSError) -> str:
    """Why a file could not be read, without advice: "it is a folder"."""
    return _words(error)[0]


def unread(error: OSError) -> str:
    """Why a file could not be read, and what to do: "it is a folder; choose a file"."""
    return "; ".join(_words(error))


def reason_of(error: Exception) -> str:
    """Why a file is of no use, after whatever its reader raises, to be put before a full stop."""
    if isinstance(error, OSError):
        return unread(error)
    if isinstance(error, UnicodeDecodeError):
        return NO_UTF8
    if isinstance(error, KeyError):
        return f"it lacks '{error.args[0]}'" if error.args else "something is missing in it"
    if isinstance(error, (TypeError, AttributeError)):
        return "a value is of a wrong kind"
    return str(error).rstrip(".")


def why_unwritten(path: Path, error: OSError) -> str:
    """Why a file or folder could not be written, without advice: "the disk is full"."""
    return unwritten(path, error)[0]


def unwritten(path: Path, error: OSError) -> tuple[str, str]:
    """Why a file or folder could not be written, made, replaced or removed, and what to do."""
    folder = Path(path).absolute().parent
    if error.errno == errno.ENOSPC:
        why, advice = "the disk is full", _room(folder)
    elif error.errno == errno.ENOENT:
        why, advice = "there is no such folder", f"make the folder {folder} first"
    elif error.errno in (errno.EACCES, errno.EPERM):
        why, advice = _denied(Path(path), error)
    else:
        why, advice = _UNWRITTEN.get(error.errno or 0, _UNWRITTEN_ELSE)
    return str(error.strerror) if isinstance(error, ToldError) else why, advice


def why_unrun(error: OSError) -> str:
    """Why a program could not be started."""
    return _UNRUN.get(error.errno or 0, "the system does not run it")


def _room(folder: Path) -> str:
    with suppress(OSError):
        free = shutil.disk_usage(folder).free / 1e6
        return f"{folder} has {free:.1f} MB free: make room there or choose another folder"
    return f"make room in {folder} or choose another folder"


def _denied(path: Path, error: OSError) -> tuple[str, str]:
    """Read-only, open elsewhere or of others: the system says the same of all."""
    if getattr(error, "winerror", 0) in _IN_USE:
        return _OPEN_ELSEWHERE
    if not os.access(path.absolute().parent, os.W_OK | os.X_OK):
        return "its folder may not be written to", "choose a folder you may write to"
    if os.name != "nt":
        if path.exists() or path.is_symlink():
            return "you have no right to replace it", "choose another name or folder"
        return "you have no right to write there", "choose a folder you may write to"
    if not path.exists():
        return "you have no right to write there", "choose a folder you may write to"
    if path.is_dir() and not _is_folder_moved(error):
        return _UNWRITTEN[errno.EISDIR]
    if not path.is_dir() and not path.stat().st_mode & stat.S_IWUSR:
        return "it is read-only", "unlock it, or choose another name"
    return _OPEN_ELSEWHERE


def _is_folder_moved(error: OSError) -> bool:
    """Whether a folder was to be renamed, which Windows denies while a file of it is open."""
    return error.filename2 is not None and Path(str(error.filename)).is_dir()


def _words(error: OSError) -> tuple[str, str]:
    number = error.errno
    # Windows speaks of rights where a folder is opened.
    if isinstance(error.filename, str) and number == errno.EACCES and Path(error.filename).is_dir():
        number = errno.EISDIR
    return _UNREAD.get(number or 0, _ELSE)
