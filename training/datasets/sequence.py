"""`Sequence`: one recording of one subject, in the template's topology, whatever set it is from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Component:
    """One expression within a sequence.

    expression: a name; marks: (4,) frames of onset start, apex start, apex end, offset end.
    magnitude: mm, mean displacement over vertices and apex frames if it were played alone, or None
    where the motion itself tells (sequences of one component).
    """

    expression: str
    marks: FloatArray
    magnitude: float | None = None


class Sequence(Protocol):
    """What training and evaluation need to know of a recording.

    subject: its name; take: counted from 1. components: one, or two in a compound sequence.
    neutral: (V, 3) mm, the subject at rest. identity: (N,) coefficients of the template's identity
    basis, N may be 0. expression and marks: of the first component.
    name: "S001_happy_1" or "S001_happy+surprise_1".
    """

    @property
    def subject(self) -> str: ...
    @property
    def take(self) -> int: ...
    @property
    def components(self) -> tuple[Component, ...]: ...
    @property
    def neutral(self) -> NDArray[np.float32]: ...
    @property
    def identity(self) -> NDArray[np.float32]: ...
    @property
    def num_frames(self) -> int: ...
    @property
    def expression(self) -> str: ...
    @property
    def marks(self) -> FloatArray: ...
    @property
    def name(self) -> str: ...

    def displacements(self, frames: IntArray | None = None) -> NDArray[np.float32]:
        """(T, V, 3) of the skin from the neutral, mm, or only some frames; exactly 0 at rest."""
        ...

    def jaw(self) -> NDArray[np.float32]:
        """(T, 6) pose of the lower jaw: rotation vector (radians), then translation (mm)."""
        ...


def sequence_name(subject: str, components: tuple[Component, ...], take: int) -> str:
    """`S001_happy_1`, `S001_happy+surprise_1`."""
    return f"{subject}_{'+'.join(c.expression for c in components)}_{take}"
