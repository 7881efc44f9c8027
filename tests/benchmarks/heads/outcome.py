"""What a check hands on: gates with what was measured, and a table of how it came about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# In the order of the page.
CHECKS = (
    "landmarks", "tessellation", "alternatives", "lips", "lids", "teeth", "skin",
    "invariance", "not_a_face", "time", "memory", "sheets",
)  # fmt: skip


@dataclass(frozen=True)
class Gate:
    """measured: in words; value: the number behind it; reached: None where nothing was measured."""

    name: str
    gate: str
    measured: str
    reached: bool | None
    value: float | None = None


@dataclass(frozen=True)
class Outcome:
    """title: of the section; notes: Markdown under it; header, rows: of its table."""

    title: str
    gates: tuple[Gate, ...]
    notes: str = ""
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def at_most(name: str, gate: str, limit: float, values: Sequence[float], unit: str = "mm") -> Gate:
    """The worst of some values against a limit; nothing measured where there are none."""
    if not len(values):
        return Gate(name, gate, "not measured", None)
    worst = float(max(values))
    return Gate(name, gate, f"{worst:.3g} {unit}".strip(), worst <= limit, worst)
