"""Contact on the artist's mesh: a clip after retargeting, with lids, lips and teeth kept apart."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from .. import parallel
from ..progress import Progress, no_progress
from ..registration.alignment import Alignment
from ..registration.masking import check_mask
from ..registration.riding import Riding
from ..registration.surface import Surface
from ..retarget import Retargeter, first_of_welded, retargeter_of
from .head_contact import HeadContact, prepare_head
from .report import ContactMeasure, ContactReport

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# {what: mm beyond rest of the worst place before, after}, as items of several areas.
_Worst = list[tuple[str, tuple[float, float]]]

# Frames resolved at a time, as in retargeting.
_FRAMES_AT_ONCE = 32

# Per alignment: the retargeter and the mask it was prepared for, and what was prepared.
_Prepared = tuple[Retargeter, "FloatArray | None", HeadContact]
_prepared: WeakKeyDictionary[Alignment, _Prepared] = WeakKeyDictionary()


def resolve_clip(
    alignment: Alignment,
    displacements: FloatArray,
    mask: FloatArray | None = None,
    progress: Progress = no_progress,
) -> tuple[FloatArray, ContactReport]:
    """(T, M, 3) displacements of the target, in its own unit, with what went too deep pushed out.

    mask: (M,) in [0, 1], how much of the motion each vertex was given; it gives way no more than
    that. What does not touch keeps its displacement to the last bit; the array itself comes back
    where nothing does. Carried parts, such as lashes, follow the skin that was pushed.
    """
    progress(0.0, "Keeping lips, lids and teeth apart")
    retargeter = retargeter_of(alignment)
    contact = _contact_of(alignment, retargeter, mask)
    clip = _Clip(alignment, retargeter, contact, displacements, mask)
    frames = np.arange(len(displacements))
    parts = np.split(frames, frames[_FRAMES_AT_ONCE::_FRAMES_AT_ONCE])
    found = parallel.each(clip.resolve, parts, progress, "Keeping lips, lids and teeth apart")
    if clip.result is not displacements:
        alignment.hold_cut(clip.result)
    progress(1.0, "Apart")
    return clip.result, ContactReport(_worst(found, 0), _worst(found, 1))


def _contact_of(
    alignment: Alignment, retargeter: Retargeter, mask: FloatArray | None
) -> HeadContact:
    kept = _prepared.get(alignment)
    if kept is not None and kept[0] is retargeter and _is_same(kept[1], mask):
        return kept[2]
    if mask is None:
        contact = prepare_head(alignment, retargeter)
    else:
        mask = check_mask(mask, alignment.target.num_vertices)
        contact = prepare_head(alignment, retargeter, retargeter.masking(mask))
    _prepared[alignment] = retargeter, None if mask is None else np.array(mask), contact
    return contact


def _is_same(one: FloatArray | None, other: FloatArray | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other)


def _worst(found: Sequence[_Worst], column: int) -> ContactMeasure:
    """Over all parts of a clip; column: 0 before, 1 after."""
    worst = dict.fromkeys(("lips", "lids", "teeth"), 0.0)
    for what, values in (item for part in found for item in part):
        worst[what] = max(worst[what], values[column])
    return ContactMeasure(worst["lips"], worst["lids"], worst["teeth"])


@dataclass(frozen=True, eq=False)
class Behind:
    """members: (B,) vertices of the mesh behind some welded ones; rows: (B,) behind which."""

    members: IntArray
    rows: IntArray

    @classmethod
    def of(cls, surface: Surface, vertices: IntArray) -> Behind:
        """vertices: (Z,) welded."""
        row_of = np.full(surface.num_vertices, -1)
        row_of[vertices] = np.arange(len(vertices))
        rows = row_of[surface.welded_indices]
        members = np.flatnonzero(rows >= 0)
        return cls(members, rows[members])


@dataclass(frozen=True, eq=False)
class RidingSkin:
    """Carried parts and the (Y,) welded vertices they and the skin under them are."""

    vertices: IntArray
    rest: FloatArray
    riding: Riding
    behind: Behind

    @classmethod
    def of(cls, retargeter: Retargeter) -> RidingSkin:
        whole, surface = retargeter.riding, retargeter.surface
        rows = whole.anchor_rows, whole.neighbour_rows
        vertices = np.unique(np.concatenate([whole.vertex_indices, *(r.indices for r in rows)]))
        riding = replace(
            whole,
            vertex_indices=np.searchsorted(vertices, whole.vertex_indices),
            anchor_rows=whole.anchor_rows[:, vertices],
            neighbour_rows=whole.neighbour_rows[:, vertices],
        )
        behind = Behind.of(surface, whole.vertex_indices)
        return cls(vertices, surface.vertices[vertices], riding, behind)

    def ridden(self, moved: FloatArray) -> FloatArray:
        """(P, T, 3) mm of the carried parts, for (Y, T, 3), which are changed."""
        self.riding.ride_in_place(moved, self.rest)
        return moved[self.riding.vertex_indices]


class _Clip:
    """One clip while it is resolved, in parts that share no frame."""

    def __init__(
        self,
        alignment: Alignment,
        retargeter: Retargeter,
        contact: HeadContact,
        displacements: FloatArray,
        mask: FloatArray | None,
    ) -> None:
        self._mask = mask
        self.result = self._given = displacements
        self._copying = threading.Lock()
        self._similarity, self._contact = alignment.fit.similarity, contact
        self._first = first_of_welded(retargeter.surface)
        self._surface, self._unfolding = retargeter.surface, retargeter.unfolding
        self._behind = [Behind.of(self._surface, area.vertices) for area in contact.areas]
        self._riding = RidingSkin.of(retargeter) if contact.carries(retargeter) else None

    def resolve(self, frames: IntArray) -> _Worst:
        """Resolve some frames; those in which nothing moves are left out."""
        frames = frames[[bool(self._given[frame].any()) for frame in frames]]
        if len(frames) == 0:
            return []
        changed: list[IntArray] = []
        worst: _Worst = []
        for area, behind in zip(self._contact.areas, self._behind, strict=True):
            result = area.resolve(lambda vertices: self._read(self._given, vertices, frames))
            worst += result.worst.items()
            if len(result.frames):
                changed.append(frames[result.frames])
                self._add(behind, changed[-1], result.correction)
        if not changed:
            return worst
        touched = np.unique(np.concatenate(changed))
        self._unfold(touched)
        if self._riding is not None:
            self._ride(self._riding, touched)
        return worst

    def _read(self, source: FloatArray, vertices: IntArray, frames: IntArray) -> FloatArray:
        """(N, T, 3) float64 mm of welded vertices."""
        given = source[frames[:, None], self._first[vertices]]
        moved = self._similarity.apply_vectors(given).transpose(1, 0, 2)
        return np.ascontiguousarray(moved)

    def _add(self, behind: Behind, frames: IntArray, correction: FloatArray) -> None:
        """Add (Z, F, 3) mm to all vertices of the mesh behind Z welded ones."""
        with self._copying:
            if self.result is self._given:
                self.result = np.array(self._given, np.float32)
        added = self._similarity.inverse_vectors(correction).astype(np.float32)
        for k, frame in enumerate(frames):
            self.result[frame, behind.members] += added[behind.rows, k]

    def _unfold(self, frames: IntArray) -> None:
        """Pushed skin turns no triangle over either."""
        vertices, mask = self._unfolding.vertices, self._mask
        shares = None if mask is None else mask[self._first[vertices]]
        moved = self._read(self.result, vertices, frames)
        correction = self._unfolding.correction(moved, shares)
        at = np.flatnonzero(correction.any(axis=(1, 2)))
        self._add(Behind.of(self._surface, vertices[at]), frames, correction[at])

    def _ride(self, riding: RidingSkin, frames: IntArray) -> None:
        """Carried parts take the difference between riding on the new and on the old skin."""
        old, new = (
            riding.ridden(self._read(source, riding.vertices, frames))
            for source in (self._given, self.result)
        )
        difference = new - old
        if self._contact.riding_shares is not None:
            difference *= self._contact.riding_shares[:, None, None]
        self._add(riding.behind, frames, difference)
