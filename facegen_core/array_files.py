"""Arrays in .npz and .npy files from anybody: numbers alone, and never more of them than there are.

NumPy's own reader takes a file's word for how large its arrays are, and asks for that much memory
before it reads the first byte: 300 bytes that claim 10^12 numbers end a program. Here every count
is held against the bytes that are there before anything is allocated, no header is evaluated, and
a file is read in full or not at all.
"""

from __future__ import annotations

import math
import re
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import IO, Literal

import numpy as np
from numpy.typing import NDArray

from .numeric import size

Arrays = dict[str, NDArray]

# Unpacked bytes of one file; the default bundle has 26 million.
LARGEST_BYTES = 1 << 30
# The same of what training keeps for itself, such as a checkpoint or the data of a whole run.
TRAINING_BYTES = 64 << 30
# Deflate makes at most 1032 bytes of one; who claims more has not packed them.
_MOST_PER_PACKED_BYTE = 1032
_MOST_ENTRIES = 10_000
_CHUNK = 1 << 20

_MAGIC = b"\x93NUMPY"
# What NumPy writes, byte by byte: the type, the order, the shape, and spaces up to the data.
_HEADER = re.compile(
    rb"\{'descr': '(?P<type>[<>|][biufU]\d{1,5})', 'fortran_order': (?P<order>False|True), "
    rb"'shape': \((?P<shape>(?:\d{1,15}, ?)*(?:\d{1,15})?)\), \} *\n"
)
_LONGEST_HEADER = 4096
_NUMBERS = "biuf"


class ArrayFileError(ValueError):
    """The file does not hold arrays that can be read; the text is the reason, without the file."""


def read_arrays(
    path: Path,
    wanted: Collection[str] | None = None,
    largest: int = LARGEST_BYTES,
    kinds: str = _NUMBERS,
) -> Arrays:
    """{name: array} of an .npz, all or those that are wanted and there.

    largest: bytes its arrays may have in all. kinds: of types, as `numpy.dtype.kind` calls them.
    Raises OSError where there is no such file, and ArrayFileError for everything else.
    """
    try:
        with Path(path).open("rb") as file, zipfile.ZipFile(file) as archive:
            entries = _entries(archive, file.seek(0, 2), largest)
            names = [name for name in entries if wanted is None or name in wanted]
            return {name: _read_entry(archive, entries[name], kinds) for name in names}
    except (ArrayFileError, FileNotFoundError, IsADirectoryError, PermissionError):
        raise
    except Exception as error:  # damaged archives fail in ways that zipfile does not list
        raise ArrayFileError(_reason(error)) from error


def map_array(path: Path, kinds: str = _NUMBERS) -> NDArray:
    """The array of an .npy, left on disk and read where it is looked at.

    Raises OSError where there is no such file, and ArrayFileError for everything else.
    """
    with Path(path).open("rb") as file:
        dtype, is_fortran, shape, begin = _read_header(file, kinds)
        there = file.seek(0, 2) - begin
    if there != math.prod(shape) * dtype.itemsize:
        raise ArrayFileError(f"it claims {size(shape)} numbers and holds {there} bytes")
    if there == 0:
        return np.zeros(shape, dtype)
    order: Literal["C", "F"] = "F" if is_fortran else "C"
    return np.memmap(path, dtype=dtype, mode="r", offset=begin, shape=shape, order=order)


def _entries(archive: zipfile.ZipFile, num_bytes: int, largest: int) -> dict[str, zipfile.ZipInfo]:
    """{name without .npy: entry}, once it is sure that they fit in memory."""
    found = archive.infolist()
    if len(found) > _MOST_ENTRIES:
        raise ArrayFileError(f"it has {len(found)} entries, at most {_MOST_ENTRIES} are read")
    entries: dict[str, zipfile.ZipInfo] = {}
    for entry in found:
        name = entry.filename.removesuffix(".npy")
        if name == entry.filename or name in entries:
            state = "is there twice" if name in entries else "is no array"
            raise ArrayFileError(f"its entry '{entry.filename[:60]}' {state}")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ArrayFileError(f"its entry '{name[:60]}' is packed in a way of its own")
        if entry.file_size > _MOST_PER_PACKED_BYTE * (entry.compress_size + 1):
            raise ArrayFileError(f"its entry '{name[:60]}' claims more than it can hold")
        entries[name] = entry
    if sum(entry.compress_size for entry in found) > num_bytes:
        raise ArrayFileError("its entries lie over one another")
    total = sum(entry.file_size for entry in found)
    if total > largest:
        raise ArrayFileError(
            f"it would be {total / 1e6:.0f} MB unpacked, at most {largest / 1e6:.0f} are read"
        )
    return entries


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, kinds: str) -> NDArray:
    with archive.open(entry) as stream:
        dtype, is_fortran, shape, begin = _read_header(stream, kinds)
        num_bytes = math.prod(shape) * dtype.itemsize
        if num_bytes != entry.file_size - begin:
            raise ArrayFileError(
                f"'{entry.filename[:60]}' claims {size(shape)} numbers and holds "
                f"{entry.file_size - begin} bytes"
            )
        content = np.empty(num_bytes, np.uint8)
        view, filled = content.data, 0
        while filled < num_bytes:
            count = stream.readinto(view[filled : filled + _CHUNK])  # type: ignore[attr-defined]
            if not count:
                raise ArrayFileError(f"'{entry.filename[:60]}' ends early")
            filled += count
        if stream.read(1):  # which also lets zipfile compare the checksum
            raise ArrayFileError(f"'{entry.filename[:60]}' goes on after its end")
    values = content.view(dtype).reshape(shape, order="F" if is_fortran else "C")
    return values if dtype.isnative else values.astype(dtype.newbyteorder("="))


def _read_header(stream: IO[bytes], kinds: str) -> tuple[np.dtype, bool, tuple[int, ...], int]:
    """Type, whether columns come first, shape, and where the data begin."""
    start = stream.read(len(_MAGIC) + 4)
    if len(start) < len(_MAGIC) + 4 or start[:6] != _MAGIC or start[6:8] != b"\x01\x00":
        raise ArrayFileError("what one of its entries holds is no array")
    length = int.from_bytes(start[8:10], "little")
    header = stream.read(length) if length <= _LONGEST_HEADER else b""
    match = _HEADER.fullmatch(header)
    if match is None or len(header) < length:
        raise ArrayFileError("the line before an array that tells its size is damaged")
    text = match["type"].decode("ascii")
    if text[1] not in kinds or (text[1] != "U" and int(text[2:]) not in (1, 2, 4, 8)):
        raise ArrayFileError("an array holds something else than plain numbers")
    shape = tuple(int(size) for size in match["shape"].replace(b",", b" ").split())
    if len(shape) > 8:
        raise ArrayFileError(f"an array has {len(shape)} dimensions, at most 8 are read")
    dtype = np.dtype(text)
    return dtype, match["order"] == b"True", shape, len(start) + length


def _reason(error: Exception) -> str:
    """What is the matter with an archive, in words: zipfile's own are for programmers."""
    text = str(error)
    if "is not a zip file" in text:
        return "it is of another kind, or damaged at its end"
    if text.startswith("Bad CRC-32") or isinstance(error, zlib.error):
        return "one of its entries is damaged"
    return "its list of entries is damaged"
