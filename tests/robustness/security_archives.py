"""Seeded damage to .npz files: their JSON, their arrays and what these claim, their zip."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Sequence
from random import Random

import numpy as np

from tests.robustness.security_mutations import CODE, NUMBERS, damage_bytes, damage_json


def damage_archive(rng: Random, content: bytes) -> bytes:
    """An .npz: its header's JSON, its arrays, what they claim, its entries, or its bytes."""
    how = rng.random()
    if how < 0.15:
        return damage_bytes(rng, content)
    if how < 0.25:
        return _damaged_directory(rng, content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
    at = rng.randrange(len(entries))
    texts = [k for k, (name, _) in enumerate(entries) if name in ("header.npy", "progress.npy")]
    if how < 0.55 and texts:
        at = texts[0]
        name, data = entries[at]
        values = np.frombuffer(damage_json(rng, _array(data).tobytes()), np.uint8)
        entries[at] = (name, _npy(values))
    elif how < 0.8:
        name, data = entries[at]
        entries[at] = (name, _npy(_damaged_array(rng, _array(data))))
    elif how < 0.9:
        name, data = entries[at]
        entries[at] = (name, _damaged_claim(rng, data))
    else:
        entries = _damaged_entries(rng, entries, at)
    return packed(entries, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


def packed(entries: Sequence[tuple[str, bytes]], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of (name, content) entries, names as they are, twice where they are twice."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", packing) as archive:
        for name, data in entries:
            entry = zipfile.ZipInfo(name)
            entry.compress_type = packing
            archive.writestr(entry, data)
    return stream.getvalue()


def _array(data: bytes) -> np.ndarray:
    return np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)


def _npy(values: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asanyarray(values), allow_pickle=False)
    return stream.getvalue()


def _damaged_array(rng: Random, values: np.ndarray) -> np.ndarray:
    how = rng.randrange(9)
    if how < 4 and values.size:
        values = np.array(values)
        number = rng.choice(NUMBERS)
        with np.errstate(all="ignore"):
            number = np.clip(number, -1e308, 1e308) if abs(number) < 1e309 else number
            flat = values.reshape(-1)
            count = rng.choice((1, 1, 10, len(flat)))
            if values.dtype.kind in "iu":
                limits = np.iinfo(values.dtype)
                number = int(min(max(number, limits.min), limits.max)) if number == number else 0
            flat[: count if how == 1 else None : max(len(flat) // max(count, 1), 1)] = number
        return values
    if how == 4:
        kinds = ("<f2", "<f8", ">f4", "<i2", "<i8", "<u8", "|b1", "<c16", "<U3", "|S4", "<f4")
        with np.errstate(all="ignore"):
            return values.astype(rng.choice(kinds))
    if how == 5:
        return values[: rng.choice((0, 1, len(values) // 2))] if values.ndim else values[None]
    if how == 6:
        return values.T if rng.random() < 0.5 else values.reshape(-1)
    if how == 7:
        return np.concatenate([values, values]) if values.ndim else np.array([values, values])
    return values[None] if rng.random() < 0.5 else np.zeros((), values.dtype)


def _damaged_claim(rng: Random, data: bytes) -> bytes:
    """The text before an array: another shape, another type, or no such text at all."""
    length = struct.unpack_from("<H", data, 8)[0]
    text = data[10 : 10 + length].decode("latin-1").rstrip()
    how = rng.randrange(5)
    if how < 2:
        sizes = rng.choice(
            ("1000000000000,", "4294967296, 3", "-1,", "0,", "3, " * 40, "9" * 400 + ",")
        )
        text = re.sub(r"\([^)]*\)", lambda _: f"({sizes})", text)
    elif how == 2:
        kind = rng.choice(("|O", "<f16", "<M8[s]", "<U100000", "|V1000000000", "<f4', 'x': '"))
        text = re.sub(r"'descr': '[^']*'", lambda _: f"'descr': '{kind}'", text)
    elif how == 3:
        text = rng.choice(("(" * 4000, CODE[0], "{" * 900 + "}" * 900, "-" * 9000 + "1"))
    else:
        text = damage_bytes(rng, text.encode()).decode("latin-1")
    header = text.encode("latin-1", "replace") + b"\n"
    return data[:8] + struct.pack("<H", min(len(header), 65535)) + header + data[10 + length :]


def _damaged_entries(
    rng: Random, entries: list[tuple[str, bytes]], at: int
) -> list[tuple[str, bytes]]:
    name, data = entries[at]
    how = rng.randrange(6)
    if how == 0:
        return entries[:at] + entries[at + 1 :]
    if how == 1:
        return [*entries, (name, entries[rng.randrange(len(entries))][1])]
    if how == 2:
        evil = (
            "../../evil.npy",
            "/etc/evil.npy",
            "a\\..\\b.npy",
            "C:\\evil.npy",
            "evil.py",
            "x" * 3000,
        )
        return [*entries, (rng.choice(evil), data)]
    if how == 3:
        return [(n, d) for n, d in entries if n != name] + [(f"{name}.npy", data)]
    if how == 4:
        return [*entries, *((f"e{k}.npy", data[:200]) for k in range(500))]
    return [*entries[:at], (name, _npy(np.zeros(3_000_000, np.float32))), *entries[at + 1 :]]


def _damaged_directory(rng: Random, content: bytes) -> bytes:
    """Sizes, places, packing, flags and checksums that the zip's own lists tell."""
    data = bytearray(content)
    signature = rng.choice((b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"))
    found = [match.start() for match in re.finditer(re.escape(signature), content)]
    at = rng.choice(found)
    field = at + 4 + 2 * rng.randrange(9 if signature == b"PK\x05\x06" else 20)
    value = rng.choice((0, 1, 9, 12, 14, 99, 0xFFFF, 0xFFFFFFFF, 0x7FFFFFFF, at, len(content)))
    width = rng.choice((2, 4))
    data[field : field + width] = value.to_bytes(8, "little")[:width]
    return bytes(data)
