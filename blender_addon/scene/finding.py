"""One thing an export would lose or surprise with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]
# What no copy repairs; what would be lost without the copy; what is good to know.
ERROR: Severity = "error"
WARNING: Severity = "warning"
NOTE: Severity = "note"


@dataclass(frozen=True)
class Finding:
    """code: the same for findings alike. remedy: what the repaired copy does; empty: nothing."""

    code: str
    severity: Severity
    sentence: str
    remedy: str = ""
