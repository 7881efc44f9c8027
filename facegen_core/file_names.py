"""Names of files that every system takes, made from what an artist calls things."""

from __future__ import annotations

import re

# Windows keeps these for devices, with any suffix and in any case.
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]+')
# File systems take 255 bytes; suffixes and the names of unfinished files need some of them.
LONGEST_BYTES = 120


def portable(name: str, fallback: str = "unnamed") -> str:
    """The name with what Windows, macOS or Linux refuse in it replaced; letters of any script stay.

    Neither hidden nor empty, no trailing dot or space, at most LONGEST_BYTES bytes of UTF-8.
    """
    kept = _FORBIDDEN.sub("_", name).encode()[:LONGEST_BYTES].decode(errors="ignore")
    kept = kept.lstrip(". ").rstrip(". ") or fallback
    return f"_{kept}" if _RESERVED.fullmatch(kept) else kept
