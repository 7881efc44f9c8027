"""Contact on the artist's mesh: a clip after retargeting, with lids, lips and teeth kept apart."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, no_progress
from ..registration.alignment import Alignment
from ..registration.masking import check_mask
from ..retarget import Retargeter, first_of_welded, retargeter_of
from .head_contact import HeadContact, prepare_head
from .report import ContactMeasure, ContactReport

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

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
    clip = _Clip(alignment, retargeter, contact, displacements)
    for start in range(0, len(displacements), _FRAMES_AT_ONCE):
        progress(start / len(displacements), "Keeping lips, lids and teeth apart")
        clip.resolve(np.arange(start, min(start + _FRAMES_AT_ONCE, len(displacements))))
    progress(1.0, "Apart")
    return clip.result, ContactReport(*(_measure(worst) for worst in (clip.before, clip.after)))


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


def _measure(worst: dict[str, float]) -> ContactMeasure:
    return ContactMeasure(worst["lips"], worst["lids"], worst["teeth"])


class _Clip:
    """One clip while it is resolved. before, after: {what: the worst so far, mm beyond rest}."""

    def __init__(
        self,
        alignment: Alignment,
        retargeter: Retargeter,
        contact: HeadContact,
        displacements: FloatArray,
    ) -> None:
        self.result = self._given = displacements
        self.before = dict.fromkeys(("lips", "lids", "teeth"), 0.0)
        self.after = dict(self.before)
        self._similarity = alignment.fit.similarity
        self._retargeter, self._contact = retargeter, contact
        self._first = first_of_welded(retargeter.surface)
        self._rides = contact.carries(retargeter)

    def resolve(self, frames: IntArray) -> None:
        """Resolve some frames; those in which nothing moves are left out."""
        frames = frames[self._given[frames].any(axis=(1, 2))]
        if len(frames) == 0:
            return
        changed: list[tuple[IntArray, IntArray, FloatArray]] = []
        for area in self._contact.areas:
            moved = self._read(area.vertices, frames)
            result = area.resolve(moved, lambda vertices: self._read(vertices, frames))
            for what, (before, after) in result.worst.items():
                self.before[what] = max(self.before[what], before)
                self.after[what] = max(self.after[what], after)
            if len(result.frames):
                correction = (result.moved - moved)[:, result.frames]
                changed.append((area.vertices, frames[result.frames], correction))
        if changed:
            self._write(changed)

    def _read(self, vertices: IntArray, frames: IntArray) -> FloatArray:
        """(Z, T, 3) float64 mm of welded vertices, as they came."""
        given = self._given[frames[:, None], self._first[vertices]]
        moved = self._similarity.apply_vectors(given).transpose(1, 0, 2)
        return np.ascontiguousarray(moved)

    def _write(self, changed: list[tuple[IntArray, IntArray, FloatArray]]) -> None:
        """Add (Z, F, 3) mm to all vertices behind welded ones, and let carried parts follow."""
        if self.result is self._given:
            self.result = np.array(self._given, np.float32)
        welded = self._retargeter.surface.welded_indices
        row_of = np.full(self._retargeter.surface.num_vertices, -1)
        for vertices, frames, correction in changed:
            row_of[:] = -1
            row_of[vertices] = np.arange(len(vertices))
            members = np.flatnonzero(row_of[welded] >= 0)
            added = self._similarity.inverse_vectors(correction[row_of[welded[members]]])
            self.result[frames[:, None], members] += added.transpose(1, 0, 2).astype(np.float32)
        if self._rides:
            self._ride(np.unique(np.concatenate([frames for _, frames, _ in changed])))

    def _ride(self, frames: IntArray) -> None:
        """Carried parts take the difference between riding on the new and on the old skin."""
        riding, surface = self._retargeter.riding, self._retargeter.surface
        ridden = []
        for displacements in (self._given, self.result):
            moved = self._similarity.apply_vectors(displacements[frames][:, self._first])
            moved = np.ascontiguousarray(moved.transpose(1, 0, 2))
            riding.ride_in_place(moved, surface.vertices)
            ridden.append(moved[riding.vertex_indices])
        row_of = np.full(surface.num_vertices, -1)
        row_of[riding.vertex_indices] = np.arange(len(riding.vertex_indices))
        members = np.flatnonzero(row_of[surface.welded_indices] >= 0)
        difference = ridden[1] - ridden[0]
        if self._contact.riding_shares is not None:
            difference *= self._contact.riding_shares[:, None, None]
        added = self._similarity.inverse_vectors(
            difference[row_of[surface.welded_indices[members]]]
        )
        self.result[frames[:, None], members] += added.transpose(1, 0, 2).astype(np.float32)
