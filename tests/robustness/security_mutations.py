"""Seeded damage to files: to their bytes, and to what the bytes mean.

Every function takes a generator and content, and returns other content; the same seed makes the
same file again.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import numpy as np

Mutate = Callable[[Random, bytes], bytes]

# Run by whoever takes a text of a file for code; the file it makes tells.
CANARY = "facegen_canary"
CODE = (
    f"__import__('os').system('touch {CANARY}')",
    f"!!python/object/apply:os.system ['touch {CANARY}']",
    f"cos\nsystem\n(S'touch {CANARY}'\ntR.",
    f"$(touch {CANARY})",
    f"; touch {CANARY} #",
    "--out=/tmp/x",
)
_TEXTS = (
    *("", " ", "\0", "a\nb", "x" * 5000, "\u202etxt", "\ud83d\ude00", "%s%n", "{0.__class__}"),
    *(
        "../../../evil",
        "/etc/passwd",
        "C:\\Windows\\x",
        "\\\\server\\share\\a.obj",
        "CON",
        "nul.json",
    ),
    *CODE,
)
_NUMBERS = (
    *(0, -1, 1, 2, 255, 65536, 2**31 - 1, 2**31, 2**32, 2**63, 10**12, 10**40, -(10**12)),
    *(0.5, -0.5, 1e-320, 1e30, -1e308, 1e308, float("nan"), float("inf"), float("-inf")),
)
_WORDS = (
    *map(str, _NUMBERS),
    *("1e999", "0x10", "\u0661\u0662", "1_0", "1,5", "+", "", "9" * 5000),
)


def damage_bytes(rng: Random, content: bytes) -> bytes:
    """A few bytes turned, taken out, put in, repeated, or cut off."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        if not data:
            return bytes(data)
        at = rng.randrange(len(data))
        size = rng.choice((1, 2, 4, 16, 200))
        how = rng.randrange(8)
        if how < 2:
            data[at] ^= 1 << rng.randrange(8)
        elif how == 2:
            data[at : at + size] = rng.randbytes(size)
        elif how == 3:
            del data[at : at + size]
        elif how == 4:
            data[at:at] = data[at : at + size] * rng.choice((1, 3, 50))
        elif how == 5:
            del data[at:]
        elif how == 6:
            value = rng.choice((0, 0xFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, len(data)))
            width = rng.choice((2, 4, 8))
            data[at : at + width] = value.to_bytes(8, "little")[:width]
        else:
            other = rng.randrange(len(data))
            data[at : at + size] = data[other : other + size]
    return bytes(data)


def damage_json(rng: Random, content: bytes) -> bytes:
    """Values of another kind or size, keys gone or new, depth; sometimes text that is no JSON."""
    if rng.random() < 0.15:
        return damage_bytes(rng, content)
    values = json.loads(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        values = damage_values(rng, values)
    text = json.dumps(values)
    if rng.random() < 0.05:  # keys twice, which no dictionary holds
        text = re.sub(r"^\{", lambda _: "{" + text[1:-1] + ",", text) if len(text) > 2 else text
    if rng.random() < 0.04:
        depth = rng.choice((61, 500, 990, 5000, 200_000))
        text = text.replace(rng.choice(("1", "0", "{}", '"')), "[" * depth + "]" * depth, 1)
    return text.encode("utf-8", "surrogatepass")


def damage_values(rng: Random, values: Any) -> Any:
    """One of the values within values, or of their keys, made something else."""
    places = list(_places(values))
    if not places:
        return strange_value(rng, values)
    holder, key = rng.choice(places)
    how = rng.randrange(10)
    if how == 0:
        del holder[key]
    elif how == 1 and isinstance(holder, dict):
        holder[rng.choice(_TEXTS)] = holder.pop(key)
    elif how == 2 and isinstance(holder, dict):
        holder[f"{key}2"] = holder[key]
    elif how == 3 and isinstance(holder, list):
        holder[:] = holder * rng.choice((2, 30))
    elif how == 4:
        other_holder, other_key = rng.choice(places)
        holder[key] = json.loads(json.dumps(other_holder[other_key]))
    else:
        holder[key] = strange_value(rng, holder[key])
    return values


def strange_value(rng: Random, old: Any) -> Any:
    """A value to put in the place of another: of its kind half of the time."""
    if rng.random() < 0.5:
        if isinstance(old, bool):
            return rng.choice((0, 1, "true"))
        if isinstance(old, (int, float)):
            return rng.choice((*_NUMBERS, old + 1, -old, old * 1000, str(old), [old]))
        if isinstance(old, str):
            return rng.choice((*_TEXTS, old.upper(), old * 3))
    return rng.choice(
        (None, True, [], {}, [[]], {"": {}}, [None], rng.choice(_NUMBERS), rng.choice(_TEXTS))
    )


def _places(values: Any) -> Any:
    """(holder, key) of every value within values."""
    if isinstance(values, dict):
        rows: Any = list(values.items())
    elif isinstance(values, list):
        rows = list(enumerate(values))
    else:
        return
    for key, value in rows:
        yield values, key
        yield from _places(value)


def damage_lines(rng: Random, content: bytes) -> bytes:
    """Numbers and words of a text, its lines repeated, moved or gone; the rest stays text."""
    if rng.random() < 0.2:
        return damage_bytes(rng, content)
    head, body = _text_part(content)
    lines = head.split("\n")
    for _ in range(rng.choice((1, 1, 2, 4))):
        at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        how = rng.randrange(9)
        if how < 4:
            found = list(re.finditer(r"[-+]?\d[\d.e+-]*", lines[at]))
            if found:
                match = rng.choice(found)
                line = lines[at]
                lines[at] = line[: match.start()] + rng.choice(_WORDS) + line[match.end() :]
        elif how == 4:
            words = lines[at].split(" ")
            words[rng.randrange(len(words))] = rng.choice((*_TEXTS, *_WORDS))
            lines[at] = " ".join(words)
        elif how == 5:
            lines[at:at] = [lines[other]] * rng.choice((1, 5))
        elif how == 6 and len(lines) > 1:
            del lines[at]
        elif how == 7:
            lines[at], lines[other] = lines[other], lines[at]
        else:
            lines[at] += " " + rng.choice((lines[other], *_WORDS))
    return "\n".join(lines).encode("utf-8", "replace") + body


def _text_part(content: bytes) -> tuple[str, bytes]:
    """The text, and what follows it where it is the header of a binary file."""
    end = content.find(b"end_header\n")
    if end >= 0 and b"\nformat binary" in content[:end]:
        end += len(b"end_header\n")
        return content[:end].decode("utf-8", "replace"), content[end:]
    return content.decode("utf-8", "replace"), b""


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
        number = rng.choice(_NUMBERS)
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
