"""Why a file could not be read, in words: the system's own are of codes, codecs and arguments."""

from __future__ import annotations

import errno
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
NO_UTF8 = "it is no text in UTF-8; save it as such"
_ELSE = ("the system does not let it be read", "copy it to another folder")


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


def _words(error: OSError) -> tuple[str, str]:
    number = error.errno
    # Windows speaks of rights where a folder is opened.
    if isinstance(error.filename, str) and number == errno.EACCES and Path(error.filename).is_dir():
        number = errno.EISDIR
    return _UNREAD.get(number or 0, _ELSE)
