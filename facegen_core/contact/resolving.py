"""Pushing a zone out of what it touches, frames together.

The pushes are found anew a few times as the skin moves, always from the motion as it came: pushes
that turn out too strong become weaker again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..motion import is_moving
from .forces import along, largest_stretch, moved_by, solve_pushes
from .zone import Zone

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Good enough, mm; rounds of finding pushes; handles this far from touching cannot come to it, mm.
_TOLERANCE_MM, _MAX_ROUNDS, _NEARLY_MM = 0.04, 4, 0.6
# Few vertices cannot keep an opening at all its places at once: rounds of keeping it.
_KEEP_ROUNDS = 3
# Points of a patch whose depth is this close to the deepest's have a say in where it is pushed, mm.
_BLEND_MM = 0.1
# The depth of what is nowhere near, and the least that is pushed out.
FREE_MM = -9.0
_LEAST_MM = 1e-3


@dataclass(frozen=True, eq=False)
class Depths:
    """How deep the C points of a zone are over T frames.

    beyond_allowed: (C, T) mm to be pushed out, below 0 where a point is free. ways_out: (C, T, 3)
    unit vectors. beyond_rest: (C, T) mm inside the other, less what is inside at rest.
    """

    beyond_allowed: FloatArray
    ways_out: FloatArray
    beyond_rest: FloatArray


class Encounter(Protocol):
    """What is near what in some frames, from which depths are read while the skin gives way."""

    def depths(self, positions: FloatArray) -> Depths:
        """For (N, T, 3) positions of the zone."""
        ...

    def chosen(self, frames: IntArray) -> Encounter:
        """Of some frames only."""
        ...


class Obstacle(Protocol):
    """What a zone must not go into."""

    @property
    def zone(self) -> Zone: ...

    def encounter(self, positions: FloatArray) -> Encounter:
        """For (N, T, 3) positions of the zone."""
        ...


@dataclass(frozen=True, eq=False)
class Resolved:
    """(N, T, 3) displacements of the zone's vertices pushed out; (T,) mm beyond rest, before and
    after; (F,) the frames that were changed, by (H, F, 3) pushes and (K, F, 3) mm by which the
    opening was brought back, without any row where there is none."""

    moved: FloatArray
    before: FloatArray
    after: FloatArray
    frames: IntArray
    pushes: FloatArray
    returned: FloatArray


@dataclass(frozen=True, eq=False)
class Opening:
    """K places across a slit whose width pushes must leave as it is: who closes an eye wants it
    closed when the lids have been lifted off the eyeball, too.

    The width is that which the eye sees from its centre, (3,) mm: lids lifted straight off the
    eyeball, one more than the other, do not part.
    rims: (2 K, Z) sparse barycentrics of the upper rims, then the lower ones. spread: (Z, K) how
    the skin widens each place. Of some vertices of a zone, or of all that give way.
    """

    rims: sparse.csr_matrix
    spread: FloatArray
    centre: FloatArray

    def at(self, rows: IntArray) -> Opening:
        """Of some vertices only, those of the rims among them."""
        return Opening(self.rims[:, rows], self.spread[rows], self.centre)

    def spread_of(self, widths: FloatArray) -> FloatArray:
        """(Z, T, 3) motion that widens the places by (K, T, 3) mm."""
        flat = self.spread @ widths.reshape(len(widths), -1)
        return flat.reshape(len(flat), *widths.shape[1:])

    def widened(self, positions: FloatArray, correction: FloatArray) -> FloatArray:
        """(K, T, 3) mm by which a correction widens the places, seen from the centre."""
        flat = positions.reshape(len(positions), -1), correction.reshape(len(correction), -1)
        before, pushed = (
            (self.rims @ values).reshape(-1, *correction.shape[1:]) for values in flat
        )
        before = before - self.centre
        after = before + pushed
        distances, pushed_to = (np.sqrt(along(x, x))[..., None] for x in (before, after))
        seen = np.maximum(distances, 1e-9) * (after / np.maximum(pushed_to, 1e-9)) - before
        upper, lower = np.split(seen, 2)
        return upper - lower


@dataclass(frozen=True, eq=False)
class Resolver:
    """An obstacle and what is known about pushing its zone. stretch: of the zone's gram. opening:
    of all that gives way."""

    obstacle: Obstacle
    stretch: float
    opening: Opening | None = None

    @classmethod
    def of(cls, obstacle: Obstacle, opening: Opening | None = None) -> Resolver:
        return cls(obstacle, largest_stretch(obstacle.zone.gram), opening)

    @property
    def zone(self) -> Zone:
        return self.obstacle.zone

    @cached_property
    def _near_opening(self) -> Opening | None:
        return None if self.opening is None else self.opening.at(self.zone.rows)

    def beyond_rest(self, positions: FloatArray) -> FloatArray:
        """(T,) mm how deep the worst point is beyond rest, for (N, T, 3) positions."""
        deepest = self.obstacle.encounter(positions).depths(positions).beyond_rest
        return np.maximum(deepest.max(axis=0, initial=0.0), 0.0)

    def resolve(self, moved: FloatArray) -> Resolved:
        """Push (N, T, 3) displacements out; where nothing is too deep they stay as they are."""
        zone = self.zone
        positions = zone.rest[:, None] + moved
        encounter = self.obstacle.encounter(positions)
        first = encounter.depths(positions)
        before = np.maximum(first.beyond_rest.max(axis=0, initial=0.0), 0.0)
        is_deep = first.beyond_allowed.max(axis=0, initial=FREE_MM) > _LEAST_MM
        frames = np.flatnonzero(is_deep & is_moving(moved))
        pushing = _Pushing(self, moved[:, frames])
        if len(frames) == 0:
            return Resolved(moved, before, before, frames, pushing.pushes, pushing.returned)
        result, after = moved.copy(), before.copy()
        chosen = Depths(*(values[:, frames] for values in vars(first).values()))
        after[frames] = pushing.push_out(chosen, encounter.chosen(frames))
        result[:, frames] += pushing.correction
        return Resolved(result, before, after, frames, pushing.pushes, pushing.returned)

    def correction(self, pushes: FloatArray, returned: FloatArray) -> FloatArray:
        """(Z, F, 3) mm that (H, F, 3) pushes and (K, F, 3) mm of an opening move the skin by."""
        correction = self.zone.response.moved(pushes)
        if self.opening is not None:
            correction += self.opening.spread_of(returned)
        return correction

    def given_way(self, pushes: FloatArray, moved: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(N, T, 3) what (H, T, 3) pushes do to skin displaced by (N, T, 3), and (K, T, 3) mm by
        which the opening is brought back."""
        used = np.flatnonzero(pushes.any(axis=(1, 2)))
        flat = pushes[used].reshape(len(used), -1).astype(np.float32)
        correction = (self.zone.near[:, used] @ flat).reshape(moved.shape).astype(np.float64)
        opening = self._near_opening
        if opening is None:
            return correction, np.zeros((0, *pushes.shape[1:]))
        returned = np.zeros((opening.spread.shape[1], *pushes.shape[1:]))
        positions = self.zone.rest[:, None] + moved
        for _ in range(_KEEP_ROUNDS):
            back = -opening.widened(positions, correction)
            correction += opening.spread_of(back)
            returned += back
        return correction, returned


class _Pushing:
    """F frames that touch while pushes are found: (N, F, 3) the motion as it came and what is added
    to it; pushes, returned: as in Resolved."""

    def __init__(self, resolver: Resolver, moved: FloatArray) -> None:
        zone, opening = resolver.zone, resolver.opening
        self._resolver, self._moved = resolver, moved
        self.correction = np.zeros(moved.shape)
        self.pushes = np.zeros((zone.num_handles, *moved.shape[1:]))
        num_places = 0 if opening is None else opening.spread.shape[1]
        self.returned = np.zeros((num_places, *moved.shape[1:]))

    def push_out(self, found: Depths, encounter: Encounter) -> FloatArray:
        """(F,) mm beyond rest that are left.

        found: before any push. A frame that is good enough is left at that, whatever the others do.
        """
        zone, moved = self._resolver.zone, self._moved
        depths, normals = _by_handle(zone, found)
        after, active = np.zeros(moved.shape[1]), np.arange(moved.shape[1])
        strengths, pushes = np.zeros(depths.shape), np.zeros(normals.shape)
        for _ in range(_MAX_ROUNDS):
            caused = along(moved_by(zone.gram, pushes), normals)
            near = np.flatnonzero(((depths > -_NEARLY_MM) | (strengths > 0)).any(axis=1))
            solved = solve_pushes(
                zone.gram[np.ix_(near, near)],
                self._resolver.stretch,
                normals[near],
                (depths + caused)[near],
                strengths[near],
            )
            strengths = np.zeros(depths.shape)
            strengths[near] = solved
            pushes = strengths[..., None] * normals
            given = self._resolver.given_way(pushes, moved[:, active])
            self.pushes[:, active] = pushes
            self.correction[:, active], self.returned[:, active] = given
            positions = zone.rest[:, None] + moved[:, active] + given[0]
            found = encounter.chosen(active).depths(positions)
            after[active] = np.maximum(found.beyond_rest.max(axis=0, initial=0.0), 0.0)
            depths, normals = _by_handle(zone, found)
            going_on = np.flatnonzero(depths.max(axis=0) > _TOLERANCE_MM)
            if len(going_on) == 0:
                break
            active = active[going_on]
            depths, normals = depths[:, going_on], normals[:, going_on]
            strengths, pushes = strengths[:, going_on], pushes[:, going_on]
        return after


def _by_handle(zone: Zone, found: Depths) -> tuple[FloatArray, FloatArray]:
    """(H, T) the deepest of each patch, and (H, T, 3) the way out, blended near the deepest."""
    depths, normals = found.beyond_allowed, found.ways_out
    deepest = np.maximum.reduceat(depths, zone.starts, axis=0)
    sizes = np.diff([*zone.starts, len(depths)])
    shares = np.exp((depths - np.repeat(deepest, sizes, axis=0)) / _BLEND_MM)
    sums = np.add.reduceat(shares[..., None] * normals, zone.starts, axis=0)
    return deepest, sums / np.maximum(np.sqrt(along(sums, sums)), 1e-12)[..., None]
