"""What becomes of a bad input: taken with a finite result, or refused in one clear sentence."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from facegen_core.errors import FacegenError
from tests.robustness.report import Case

ACCEPTED = "*accepted, all of the result finite*"
MAX_LENGTH = 330
# What a programmer reads and nobody else.
_REPR = re.compile(
    r"Traceback|<class|<[\w.]+ object|0x[0-9a-f]{6,}|\bdtype\(|\barray\(|np\.\w+\(|PosixPath|"
    r"WindowsPath|Errno|\b\w*(Error|Exception)\b[:(]|numpy|\bnan\)|\bNoneType\b|float\d\d|int\d\d|"
    r"\\x[0-9a-f]{2}|\b(None|True|False)\b|"
    # of NumPy, zlib, zipfile, json, PyYAML and codecs
    r"\bdtype\b|\baxis \d|out of bounds|\bndim\b|\bnan\b|\binf\b|NumPy|decompress|CRC-32|"
    r"not a zip file|\(char \d+\)|\bdelimiter\b|Expecting |codec\b|<unicode string>|#x[0-9a-f]{4}|"
    # of the system
    r"No such file or directory|Is a directory|Not a directory|Permission denied|"
    r"levels of symbolic links|Invalid argument|File name too long|Input/output error"
)
# What was put together without looking at the number.
_GRAMMAR = re.compile(
    r"(?<![\d.,] )(?<![\d.,×–-])\b1 (vertices|triangles|faces|polygons|corners|values|numbers|"
    r"frames|landmarks|levels|channels|entries|bytes|keys|shapes|expressions|objects|parts|rows|files|"
    r"seconds|dimensions)\b|\brow of [01]\b|about more than|\bgot something else\b"
)
_SHAPE = re.compile(r"(?:\(\d+,\)|\(\d+(?:, \d+)+\)|\(\))")
# A sentence ends once: abbreviations do not end one.
_INNER_END = re.compile(r"(?<!e\.g)(?<!i\.e)[.!?]\s+[A-Z]")
_ESCAPE = re.compile(r"\\x[0-9a-f]{2}")
# Not the apostrophe of a genitive.
_QUOTED = re.compile(r"(?<!\w)'[^']*'|\"[^\"]*\"")
_PATHS = re.compile(r"(?<![\w.<~…])/(?:[\w.\-]+/)+[\w.\-]*")
# Words by which a sentence says what would be right, or what to do about it.
_WAY_OUT = re.compile(
    r"[:;]\s|\bexpected\b|\bmust\b|\bbetween\b|\bneeds?\b|\bat least\b|\bonly\b|\bchoose\b"
)


@dataclass(frozen=True, eq=False)
class Trial:
    """One thing to do to the product.

    act: does it and returns what came out. watched: arrays, meshes, files … that must stay as they
    are. given: paths the user has named, which a sentence may name too. is_heavy: takes seconds.
    is_named: of a kind that has to be in the table.
    """

    group: str
    name: str
    act: Callable[[], Any]
    watched: tuple[Any, ...] = ()
    given: tuple[Path, ...] = ()
    is_heavy: bool = field(default=False)
    is_named: bool = False


def judge(trial: Trial) -> Case:
    """Do it, and say what the user reads; ok is False where anything is not as it should be."""
    before = [fingerprint(thing) for thing in trial.watched]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = trial.act()
    except FacegenError as error:
        sentence = str(error)
        for path in trial.given:
            sentence = sentence.replace(str(path), path.name)
        fault = fault_of(sentence)
        said = sentence
    except Exception as error:
        fault, said = f"{type(error).__name__}: {error}", ""
    else:
        bad = not_finite(result)
        fault, said = (f"not finite: {bad}" if bad else ""), ACCEPTED
    if not fault and [fingerprint(thing) for thing in trial.watched] != before:
        fault = "changed what it was given"
    sentence = said if not fault else f"{said} — {fault}".strip(" —")
    return Case(trial.group, trial.name, sentence, not fault)


def fault_of(sentence: str) -> str:
    """What is wrong with the form of a sentence, or nothing."""
    rules = (
        ("empty", not sentence),
        ("more than one line", "\n" in sentence.strip("\n") or "\r" in sentence),
        ("does not end like a sentence", not sentence.endswith((".", "!", "?"))),
        ("ends twice", sentence.endswith(("..", ".:", ": ."))),
        ("more than one sentence", bool(_INNER_END.search(_QUOTED.sub("''", sentence)))),
        ("too long", len(sentence) > MAX_LENGTH),
        ("speaks to programmers", bool(programmers_words(sentence))),
        ("counts wrongly", bool(_GRAMMAR.search(_QUOTED.sub("''", sentence)))),
        ("names a path nobody gave", bool(_PATHS.search(_QUOTED.sub("''", sentence)))),
        ("does not say what to do", not _WAY_OUT.search(sentence)),
        ("not for reading", any(ord(c) < 32 for c in sentence)),
    )
    return next((rule for rule, broken in rules if broken), "")


def programmers_words(sentence: str) -> str:
    """The first words that only programmers read, what is quoted left aside; "" where none are."""
    plain = _QUOTED.sub("''", sentence)
    found = _REPR.search(plain) or _ESCAPE.search(sentence) or _SHAPE.search(plain)
    return found[0] if found else ""


def not_finite(result: Any, name: str = "result", depth: int = 0) -> str:
    """The first place in a result that holds NaN or infinity, or nothing."""
    if isinstance(result, np.ndarray):
        is_bad = result.dtype.kind == "f" and not np.isfinite(result).all()
        return name if is_bad else ""
    if isinstance(result, float):
        return "" if np.isfinite(result) else name
    inner: Mapping[Any, Any] = {}
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        names = [f.name for f in dataclasses.fields(result)]
        inner = {name: getattr(result, name) for name in names}
    elif isinstance(result, Mapping):
        inner = result
    elif isinstance(result, (list, tuple)):
        inner = dict(enumerate(result))
    if depth > 6:
        return ""
    found = (not_finite(value, f"{name}.{key}", depth + 1) for key, value in inner.items())
    return next(filter(None, found), "")


def fingerprint(thing: Any) -> str:
    """Of an array, a file, or anything made of them."""
    digest = hashlib.sha256()
    _feed(digest, thing, 0)
    return digest.hexdigest()


def _feed(digest: Any, thing: Any, depth: int) -> None:
    if isinstance(thing, np.ndarray):
        digest.update(f"{thing.dtype.str}{thing.shape}".encode() + thing.tobytes())
    elif isinstance(thing, Path):
        for path in sorted(thing.rglob("*")) if thing.is_dir() else [thing]:
            digest.update(str(path).encode())
            with contextlib.suppress(OSError):
                digest.update(path.read_bytes())
    elif dataclasses.is_dataclass(thing) and not isinstance(thing, type) and depth < 6:
        for f in dataclasses.fields(thing):
            _feed(digest, getattr(thing, f.name), depth + 1)
    elif isinstance(thing, Mapping):
        for key in sorted(thing, key=str):
            digest.update(str(key).encode())
            _feed(digest, thing[key], depth + 1)
    elif isinstance(thing, (list, tuple)):
        for value in thing:
            _feed(digest, value, depth + 1)
    else:
        digest.update(repr(thing).encode())
