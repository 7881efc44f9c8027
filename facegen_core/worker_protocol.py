"""The messages between Facegen and its GPU worker: a JSON header and raw float32, over pipes.

A message is `FGEN`, the version and the length of the header (little-endian, 12 bytes), the header
in JSON, and the arrays it lists, one after the other. Nothing in it is ever run, every length is
bounded before memory is taken, and every message must be one that `TO_WORKER` or `TO_HOST` knows.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from .errors import WorkerError
from .json_text import quoted

VERSION = 1
MAGIC = b"FGEN"
MAX_HEADER_BYTES = 1 << 16
MAX_ARRAY_BYTES = 1 << 29
# Of one clip; beyond, float32 no longer counts frames one by one.
MAX_FRAMES = 1 << 20
_PREFIX = struct.Struct("<4sHHI")  # magic, version, 0, bytes of the header
_FLOAT_BYTES = 4

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Form:
    """What a message of one kind holds.

    fields: {name: type}; arrays: {name: shape}, None where any length will do; optional: arrays
    that may be missing.
    """

    fields: Mapping[str, type] = field(default_factory=dict)
    arrays: Mapping[str, tuple[int | None, ...]] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()


# Arrays of (2, …) hold double precision: `split` and `joined`.
TO_WORKER: Mapping[str, Form] = {
    "open": Form({"device": str}),
    "load": Form({"path": str, "hash": str}),
    "clip": Form(
        {
            "number": int,
            "frames_per_second": float,
            "lip_gap": float,
            "generator": str,
            "seed": int,
            "amount": float,
        },
        {"intensities": (2, None, None), "neutral": (2, None, 3), "rows": (None,)},
        frozenset({"neutral", "rows"}),
    ),
    "generate": Form({"count": int}),
}
TO_HOST: Mapping[str, Form] = {
    "report": Form(
        {
            "python": str,
            "python_version": str,
            "torch_version": str,
            "device": str,
            "device_name": str,
            "memory_bytes": int,
        }
    ),
    "loaded": Form({"hash": str}),
    "progress": Form({"fraction": float, "message": str}),
    "notice": Form({"sentence": str}),
    "frames": Form({"number": int, "start": int}, {"skin": (None, None, 3), "jaw": (None, 6)}),
    "done": Form({"number": int, "count": int}),
    "refused": Form({"error": str, "sentence": str}),
    # Said by who lends a worker (`worker_lending`), of the worker.
    "ended": Form({"words": str}),
}


@dataclass(frozen=True, eq=False)
class Message:
    """kind, fields and arrays are those of its `Form`."""

    kind: str
    fields: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, FloatArray] = field(default_factory=dict)


class ProtocolError(WorkerError):
    """What came is no message of this version."""


class StreamEndedError(WorkerError):
    """The other side has closed the pipe."""


def write_message(stream: IO[bytes], message: Message) -> None:
    """Raises OSError where the other side is gone, and as `packed` does."""
    write_packed(stream, packed(message))


def write_packed(stream: IO[bytes], parts: Sequence[bytes | memoryview]) -> None:
    """Raises OSError where the other side is gone."""
    for part in parts:
        stream.write(part)
    stream.flush()


def packed(message: Message) -> list[bytes | memoryview]:
    """The bytes of a message, arrays not copied. Raises ProtocolError for one that is too large."""
    arrays = {n: np.ascontiguousarray(a, "<f4") for n, a in message.arrays.items()}
    header = {
        "kind": message.kind,
        "fields": message.fields,
        "arrays": [[name, list(array.shape)] for name, array in arrays.items()],
    }
    text = json.dumps(header, allow_nan=False).encode("ascii")
    if len(text) > MAX_HEADER_BYTES or any(a.nbytes > MAX_ARRAY_BYTES for a in arrays.values()):
        raise ProtocolError(
            "This clip is too large for the GPU worker: make it shorter, or use the built-in "
            "engine."
        )
    views = [array.data.cast("B") for array in arrays.values() if array.size]
    return [_PREFIX.pack(MAGIC, VERSION, 0, len(text)) + text, *views]


def read_message(stream: IO[bytes], known: Mapping[str, Form]) -> Message:
    """The next message. Raises StreamEndedError, and ProtocolError with one sentence."""
    magic, version, zero, num_bytes = _PREFIX.unpack(_read(stream, _PREFIX.size))
    if magic != MAGIC or zero != 0:
        raise ProtocolError("What came through the pipe is no message of Facegen.")
    if version != VERSION:
        raise ProtocolError(
            f"The other side speaks version {version}, this one version {VERSION}: install one "
            "Facegen and restart Blender."
        )
    if num_bytes > MAX_HEADER_BYTES:
        raise ProtocolError(
            f"A message's header has {num_bytes} bytes, at most {MAX_HEADER_BYTES} are expected."
        )
    kind, fields, listed = _header(_read(stream, num_bytes))
    form = known.get(kind)
    if form is None:
        raise ProtocolError(f"A message of unknown kind came: {quoted(kind)}.")
    _check_fields(kind, fields, form)
    shapes = _shapes(kind, listed, form)
    return Message(kind, fields, {name: _array(stream, s) for name, s in shapes.items()})


def split(values: NDArray[np.floating]) -> FloatArray:
    """(2, …) what float32 holds of double precision, and what it leaves over."""
    values = np.asarray(values, np.float64)
    first = values.astype(np.float32)
    return np.stack([first, (values - first).astype(np.float32)])


def joined(parts: FloatArray) -> NDArray[np.float64]:
    """The double precision of `split`, to 48 bits."""
    return parts[0].astype(np.float64) + parts[1]


def _read(stream: IO[bytes], num_bytes: int) -> bytearray:
    content = bytearray(num_bytes)
    _fill(stream, memoryview(content))
    return content


def _array(stream: IO[bytes], shape: tuple[int, ...]) -> FloatArray:
    array = np.empty(shape, "<f4")
    if array.size:
        _fill(stream, array.data.cast("B"))
    return array


def _fill(stream: IO[bytes], view: memoryview) -> None:
    """Fill a view from a stream that may hand over less than was asked for."""
    done = 0
    while done < len(view):
        try:
            count = stream.readinto(view[done:])  # type: ignore[attr-defined]
        except (OSError, ValueError) as error:  # closed by the other side, or by this one
            raise StreamEndedError("The pipe was closed.") from error
        if not count:
            raise StreamEndedError("The pipe was closed.")
        done += count


def _header(content: bytearray) -> tuple[str, dict[str, Any], list[Any]]:
    try:
        header = json.loads(content.decode("ascii"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("A message's header is damaged.") from error
    if not isinstance(header, dict) or set(header) != {"kind", "fields", "arrays"}:
        raise ProtocolError("A message's header is not one of Facegen.")
    kind, fields, arrays = header["kind"], header["fields"], header["arrays"]
    if not (isinstance(kind, str) and isinstance(fields, dict) and isinstance(arrays, list)):
        raise ProtocolError("A message's header is not one of Facegen.")
    return kind, fields, arrays


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _check_fields(kind: str, fields: dict[str, Any], form: Form) -> None:
    if set(fields) != set(form.fields):
        raise ProtocolError(f"A message '{kind}' holds other fields than it should.")
    for name, expected in form.fields.items():
        value = fields[name]
        if expected is float and type(value) is int and abs(value) < 2**53:
            value = fields[name] = float(value)
        is_number = expected is not float or (type(value) is float and math.isfinite(value))
        if type(value) is not expected or not is_number:
            raise ProtocolError(
                f"'{name}' of a message '{kind}' is not what it should be: {quoted(value)}."
            )


def _shapes(kind: str, listed: list[Any], form: Form) -> dict[str, tuple[int, ...]]:
    """{name: shape} of the arrays that follow, all of them bounded."""
    found: dict[str, tuple[int, ...]] = {}
    for entry in listed:
        is_pair = isinstance(entry, list) and len(entry) == 2
        name, shape = entry if is_pair else (None, None)
        if not (isinstance(name, str) and isinstance(shape, list)) or name in found:
            raise ProtocolError(f"A message '{kind}' lists its arrays in no known way.")
        expected = form.arrays.get(name)
        if expected is None or len(expected) != len(shape):
            raise ProtocolError(
                f"A message '{kind}' brings an array it should not: {quoted(name)}."
            )
        for size, wanted in zip(shape, expected, strict=True):
            is_size = type(size) is int and 0 <= size <= MAX_ARRAY_BYTES
            if not is_size or (wanted is not None and size != wanted):
                raise ProtocolError(f"The array '{name}' of a message '{kind}' has no such shape.")
        if _FLOAT_BYTES * math.prod(shape) > MAX_ARRAY_BYTES:
            raise ProtocolError(
                f"The array '{name}' of a message '{kind}' is too large: at most "
                f"{MAX_ARRAY_BYTES >> 20} MB are expected."
            )
        found[name] = tuple(shape)
    if not set(form.arrays) - form.optional <= set(found):
        raise ProtocolError(f"A message '{kind}' lacks an array.")
    return found
