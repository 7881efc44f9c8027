"""What is resolved together on one head: the lids of an eye, or the lips and the teeth behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .lid_contact import LidContact
from .resolving import Resolver
from .teeth_contact import TeethContact, rigid_motion

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Displacements (N, T, 3) mm of welded vertices (N,).
Reader = Callable[[IntArray], FloatArray]


@dataclass(frozen=True, eq=False)
class AreaResult:
    """(F,) the frames that were changed; (Z, F, 3) mm added in them to all that gives way; {what:
    worst before, after}."""

    frames: IntArray
    correction: FloatArray
    worst: dict[str, tuple[float, float]]


class Area(Protocol):
    """Skin that is resolved together: an eye, or the mouth."""

    @property
    def vertices(self) -> IntArray:
        """(Z,) welded vertices that give way."""
        ...

    def resolve(self, read: Reader) -> AreaResult:
        """For the frames that are read."""
        ...


@dataclass(frozen=True, eq=False)
class LidArea:
    """The lids of one eye.

    eyeball: some welded vertices of the head's own eyeball and (P, 3) rest mm, which tell how it
    turns; none where it has none.
    """

    resolver: Resolver
    lids: LidContact
    eyeball: IntArray
    rest: FloatArray

    @property
    def vertices(self) -> IntArray:
        return self.resolver.zone.yielding

    def resolve(self, read: Reader) -> AreaResult:
        result = self._facing(read).resolve(read(self.resolver.zone.vertices))
        worst = float(result.before.max()), float(result.after.max())
        correction = self.resolver.correction(result.pushes, result.returned)
        return AreaResult(result.frames, correction, {"lids": worst})

    def _facing(self, read: Reader) -> Resolver:
        """The resolver with the eyeball looking where it looks in the frames that are read."""
        if len(self.eyeball) == 0:
            return self.resolver
        moved = read(self.eyeball)
        if not moved.any():
            return self.resolver
        turns, _ = rigid_motion(self.rest, moved)
        return replace(self.resolver, obstacle=self.lids.turned(turns))


@dataclass(frozen=True, eq=False)
class Row:
    """A row of teeth or a tongue: the contact with it, and its welded vertices, which move rigidly;
    none where it stands still."""

    teeth: TeethContact
    vertices: IntArray
    rest: FloatArray

    def posed(self, read: Reader) -> TeethContact:
        """Where the row is in the frames that are looked at."""
        if len(self.vertices) == 0:
            return self.teeth
        return self.teeth.moved(*rigid_motion(self.rest, read(self.vertices)))


@dataclass(frozen=True, eq=False)
class MouthArea:
    """Both lips against one another, and against teeth and tongue behind them."""

    lips: Resolver
    rows: tuple[Row, ...]

    @property
    def vertices(self) -> IntArray:
        return self.lips.zone.yielding

    def resolve(self, read: Reader) -> AreaResult:
        """Off the teeth first, then off one another; in doubt lips rather meet than pass."""
        zone = self.lips.zone
        moved = read(zone.vertices)
        pushes = np.zeros((zone.num_handles, *moved.shape[1:]))
        rows = [Resolver(row.posed(read), self.lips.stretch) for row in self.rows]
        steps = []
        for resolver in (*rows, self.lips):
            steps.append(resolver.resolve(moved))
            moved = steps[-1].moved
            pushes[:, steps[-1].frames] += steps[-1].pushes
        met = steps.pop()
        outside = max([0.0, *(float(step.before.max()) for step in steps)])
        left = [float(row.beyond_rest(zone.rest[:, None] + moved).max()) for row in rows]
        worst = {
            "lips": (float(met.before.max()), float(met.after.max())),
            "teeth": (outside, max([0.0, *left])),
        }
        frames = np.unique(np.concatenate([step.frames for step in (*steps, met)]))
        return AreaResult(frames, zone.response.moved(pushes[:, frames]), worst)
