"""Seeded damage to files: to their bytes, and to what the bytes mean.

Every function takes a generator and content, and returns other content; the same seed makes the
same file again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

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
NUMBERS = (
    *(0, -1, 1, 2, 255, 65536, 2**31 - 1, 2**31, 2**32, 2**63, 10**12, 10**40, -(10**12)),
    *(0.5, -0.5, 1e-320, 1e30, -1e308, 1e308, float("nan"), float("inf"), float("-inf")),
)
_WORDS = (
    *map(str, NUMBERS),
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
            return rng.choice((*NUMBERS, old + 1, -old, old * 1000, str(old), [old]))
        if isinstance(old, str):
            return rng.choice((*_TEXTS, old.upper(), old * 3))
    return rng.choice(
        (None, True, [], {}, [[]], {"": {}}, [None], rng.choice(NUMBERS), rng.choice(_TEXTS))
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
