"""Model bundles cut short, changed, swollen or made by others: through `load_bundle`."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from facegen_core.bundle import load_bundle, write_arrays
from facegen_core.bundle_info import read_bundle_info
from tests.robustness.inputs import world
from tests.robustness.inputs.judging import Trial

Arrays = dict[str, Any]


def trials(seed: int) -> Iterator[Trial]:
    sound = world.small_bundle_bytes()
    yield from _cuts(sound)
    for name, value in _HEADERS.items():
        yield _bundle("Bundles: headers", name, lambda v=value: _with_header(v))
    for field in ("kind", "schema_version", "model", "template_hash", "licences", "landmark_model"):
        for name, value in (("nothing", None), ("a list", []), ("a word", "x"), ("-1", -1)):
            yield _bundle(
                "Bundles: headers",
                f"{field} is {name}",
                lambda f=field, v=value: _with_header({f: v}),
            )
    for field, values in _MODEL.items():
        for value in values:
            yield _bundle(
                "Bundles: model descriptions",
                f"{field} is {json.dumps(value) if value != 10**400 else '10 to the 400'}",
                lambda f=field, v=value: _with_header({"model": _model() | {f: v}}),
            )
    for name in _picked():
        for how, change in _CHANGES.items():
            yield _bundle(
                "Bundles: arrays",
                f"{name}: {how}",
                lambda n=name, c=change: _changed(n, c),
            )
    for name, content in _FOREIGN.items():
        yield _bundle("Bundles: files that are none", name, content)


def _bundle(group: str, name: str, make: Callable[[], bytes]) -> Trial:
    path = world.folder() / "model.facegen"
    path.write_bytes(make())

    def act() -> Any:
        loaded = load_bundle(path)
        return loaded, read_bundle_info(path)

    return Trial(group, name, act, (path,), (path,))


def _cuts(sound: bytes) -> Iterator[Trial]:
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        entries = archive.infolist()
    chosen = [entries[k] for k in np.linspace(0, len(entries) - 1, 20).astype(int)]
    for entry in chosen:
        where = entry.header_offset + len(entry.filename) + 30 + entry.compress_size // 2
        name = entry.filename.removesuffix(".npy")
        yield _bundle("Bundles: cut short", f"in {name}", lambda w=where: sound[:w])
        flipped = bytearray(sound)
        flipped[where] ^= 0xFF
        yield _bundle("Bundles: a byte changed", f"in {name}", lambda b=bytes(flipped): b)
    for count in (0, 1, 3, 4, 30, 100, len(sound) // 2, len(sound) - 100, len(sound) - 1):
        yield _bundle("Bundles: cut short", f"after {count:,} bytes", lambda n=count: sound[:n])


@cache
def _arrays() -> Arrays:
    with np.load(io.BytesIO(world.small_bundle_bytes())) as archive:
        return {name: archive[name] for name in archive.files}


def _header() -> dict[str, Any]:
    return dict(json.loads(_arrays()["header"].tobytes()))


def _model() -> dict[str, Any]:
    return dict(_header()["model"])


def _saved(arrays: Arrays) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "changed"
        write_arrays(path, arrays)
        return path.read_bytes()


def _with_header(change: Any) -> bytes:
    if isinstance(change, dict):
        change = json.dumps(_header() | change).encode()
    return _saved(_arrays() | {"header": np.frombuffer(change, np.uint8)})


def _changed(name: str, change: Callable[[Any], Any]) -> bytes:
    arrays = dict(_arrays())
    arrays[name] = change(arrays[name])
    if arrays[name] is None:
        del arrays[name]
    return _saved(arrays)


def _picked() -> list[str]:
    """One array of every kind there is, by the last word of its name."""
    kinds: dict[str, str] = {}
    for name in sorted(_arrays()):
        kinds.setdefault(name.split("/")[0] + name.split(".")[-1], name)
    del kinds["headerheader"]
    return sorted(kinds.values())[::3]


def _one(value: Any, to: float) -> Any:
    value = np.array(value)
    if value.dtype.kind == "f" and value.size:
        value.reshape(-1)[0] = to
    elif value.size:
        value.reshape(-1)[0] = np.iinfo(value.dtype).max
    return value


_CHANGES: dict[str, Callable[[Any], Any]] = {
    "missing": lambda a: None,
    "NaN, or out of range": lambda a: _one(a, np.nan),
    "Inf, or out of range": lambda a: _one(a, np.inf),
    "empty": lambda a: np.zeros(0, a.dtype),
    "one row less": lambda a: a[:-1] if a.ndim else a.reshape(1),
    "a dimension more": lambda a: a[None],
    "text": lambda a: np.array(["text"]),
    "complex": lambda a: a.astype(np.complex128),
}

_HEADERS: dict[str, Any] = {
    "no JSON": b"hello",
    "no text": b"\xff\xfe\x00",
    "empty": b"",
    "with a byte order mark": b"\xef\xbb\xbf{}",
    "a list": b"[]",
    "a number": b"3",
    "100,000 brackets": b"[" * 100_000,
    "a million digits": b'{"kind": ' + b"9" * 1_000_000 + b"}",
    "NaN in it": b'{"kind": NaN}',
    "of another program": {"kind": "somebody else's model"},
    "of the version 3": {"schema_version": 3},
    "of the version 999": {"schema_version": 999},
    "of the version 0": {"schema_version": 0},
    "of the version -1": {"schema_version": -1},
    "of the version 2.5": {"schema_version": 2.5},
    "of the version true": {"schema_version": True},
    "with a field nobody knows": {"colour": "red"},
}

_MODEL: dict[str, list[Any]] = {
    "decoder": ["deconvolution", 5, None, ["hybrid"]],
    "labels": ["loud", None],
    "expressions": [[], ["happy"] * 6, [1, 2, 3, 4, 5, 6], "happy", None, ["a"] * 1000],
    "model_rate": [0, -25, "fast", None, 1e400, 10**400],
    "warmup_frames": [-1, 1.5, 10**9],
    "latent_size": [0, -3, 10**9, "64"],
    "num_blendshapes": [-1, 10**9, "8", 2.5],
    "channels": [[], [10**9], "wide", [-1, -1]],
    "bidirectional": ["yes", 1, None],
}


def _zip_of(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, values in entries.items():
            archive.writestr(name, values)
    return content.getvalue()


def _claims(shape: str, descr: str = "<f4") -> bytes:
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def _npy(array: Any) -> bytes:
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


_FOREIGN: dict[str, Callable[[], bytes]] = {
    "a text": lambda: b"This is no model.\n",
    "an image": lambda: b"\x89PNG\r\n\x1a\n" + bytes(200),
    "zeros": lambda: bytes(5000),
    "a single array": lambda: _npy(np.zeros(5)),
    "an empty zip": lambda: _zip_of({}),
    "a zip of texts": lambda: _zip_of({"readme.txt": b"hello"}),
    "a zip with paths that climb": lambda: _zip_of({"../../evil.npy": _npy(np.zeros(2))}),
    "an array that claims a terabyte": lambda: _zip_of({"header.npy": _claims("(250000000000,)")}),
    "an array of negative size": lambda: _zip_of({"header.npy": _claims("(-5,)")}),
    "an array of 70 dimensions": lambda: _zip_of({"header.npy": _claims("(" + "1, " * 70 + ")")}),
    "an array of objects": lambda: _zip_of({"header.npy": _claims("(1,)", "|O")}),
    "a shape that is a program": lambda: _zip_of({"header.npy": _claims("__import__('os')")}),
    "50 MB of zeros in 50 kB": lambda: _zip_of({"header.npy": _npy(np.zeros(6_250_000))}),
    "the same name twice": lambda: _zip_of({"header.npy": _npy(np.zeros(2))})[:-1] + b"\x00",
}
