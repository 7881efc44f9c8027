"""Carry the motion of the template over to the artist's mesh, inner parts included.

Skin: every confident vertex takes the displacement of its place on the template, turned and scaled
with its surroundings; the rest of the skin is filled in smoothly and comes to rest. Teeth, gums
and tongue follow the jaw rigidly, lashes and brows ride on the skin, everything else stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial.transform import Rotation

from . import parallel
from .errors import TopologyMismatchError
from .motion import FaceMotion
from .progress import Progress, no_progress
from .registration import surface_of
from .registration.alignment import Alignment, Part, Similarity, vertices_moving
from .registration.correspondence import CONFIDENT, INNER_REGIONS
from .registration.filling import Filling, prepare_filling
from .registration.lid_closing import LidClosing, prepare_lid_closing
from .registration.local_change import (
    JAW_SURROUNDINGS_MM,
    carry_point,
    face_jaw_pivot,
    turn_and_size,
)
from .registration.masking import Masking, check_mask, prepare_masking
from .registration.riding import Riding, prepare_riding
from .registration.slits import template_sides
from .registration.surface import Surface
from .registration.unfolding import Unfolding, prepare_unfolding

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Frames carried over at a time: bounds memory and answers cancel within a fraction of a second.
_FRAMES_AT_ONCE, _BYTES_AT_ONCE = 32, 40_000_000

# Per alignment: the neutral of the motion it was prepared for, and what was prepared.
_prepared: WeakKeyDictionary[Alignment, tuple[FloatArray, Retargeter]] = WeakKeyDictionary()


def retarget(
    motion: FaceMotion,
    alignment: Alignment,
    progress: Progress = no_progress,
    mask: FloatArray | None = None,
) -> FloatArray:
    """(T, M, 3) float32 displacements of the target, in its own coordinates and unit.

    mask: (M,) in [0, 1], how much of the motion each vertex takes (registration.masking); where it
    is 0 nothing moves.

    Exactly zero wherever and whenever the motion is zero. A motion made for a certain neutral is
    turned and scaled only by what the target differs from that. The work that does not depend on
    the motion is done once per alignment and neutral, and kept as long as the alignment lives.
    Raises TopologyMismatchError when the motion is not one of the alignment's template, and
    InvalidMeshError for a mask that is not one of its target.
    """
    _check(motion, alignment)
    num_vertices = alignment.target.num_vertices
    shares = None if mask is None else check_mask(mask, num_vertices)
    neutral = alignment.template.vertices if motion.neutral is None else motion.neutral
    progress(0.0, "Preparing this head")
    retargeter = retargeter_of(alignment, neutral)
    masking = None if shares is None else retargeter.masking(shares)
    num_frames = motion.num_frames
    result = np.empty((num_frames, num_vertices, 3), np.float32)
    step = int(np.clip(_BYTES_AT_ONCE // (24 * num_vertices), 1, _FRAMES_AT_ONCE))

    def carry(start: int) -> None:
        frames = slice(start, start + step)
        result[frames] = retargeter.displacements(motion.skin[frames], motion.jaw[frames], masking)

    parallel.each(carry, range(0, num_frames, step), progress, "Carrying the motion to this head")
    if shares is not None:
        result[:, shares == 0.0] = 0.0
    alignment.hold_cut(result)
    progress(1.0, "Carried")
    return result


def retargeter_of(alignment: Alignment, played: FloatArray | None = None) -> Retargeter:
    """What `prepare` makes, kept as long as the alignment lives.

    played: (V, 3) mm, the face in template topology that the motion is made for; None for the one
    this head was last prepared for, the template's own the first time.
    """
    kept = _prepared.get(alignment)
    if kept is not None and (played is None or np.array_equal(kept[0], played)):
        return kept[1]
    played = alignment.template.vertices if played is None else played
    retargeter = prepare(alignment, played)
    _prepared[alignment] = played, retargeter
    return retargeter


@dataclass(frozen=True, eq=False)
class Retargeter:
    """What is known about one head before any motion; W welded vertices, positions in mm.

    It is kept as long as the alignment lives, and so must not hold the alignment or its fit.
    similarity, parts: those of the alignment.
    sides: (W, 3) side of mouth, left eye and right eye, as in registration.slits.
    changes: (V, 3, 3) turn and size of the surroundings of each template vertex.
    lid_closing: brings the lids as close to one another as they are on the template.
    interpolation: (W, V) sparse barycentrics of the vertices with a correspondence.
    filling: how the skin without one follows the rest. riding: how carried parts follow the skin.
    unfolding: keeps triangles at the corners of mouth and eyes from turning over.
    jaw_indices, jaw_weights: vertices the jaw moves, and by how much, (P,).
    jaw_pivot: (3,) mm; jaw_change: (3, 3) turn and size of the lower face.
    """

    similarity: Similarity
    parts: tuple[Part, ...]
    surface: Surface
    sides: FloatArray
    changes: FloatArray
    lid_closing: LidClosing
    interpolation: sparse.csr_matrix
    filling: Filling
    unfolding: Unfolding
    riding: Riding
    jaw_indices: IntArray
    jaw_weights: FloatArray
    is_rigid: NDArray[np.bool_]
    jaw_pivot: FloatArray
    jaw_change: FloatArray

    def masking(self, shares: FloatArray) -> Masking:
        """What a checked (M,) mask means for this head."""
        return prepare_masking(shares, self.surface, self.parts, self.riding)

    def displacements(
        self, skin: FloatArray, jaw: FloatArray, masking: Masking | None = None
    ) -> FloatArray:
        """(T, M, 3) of the target for (T, V, 3) mm and (T, 6) jaw poses."""
        skin = skin.transpose(1, 0, 2)  # (V, T, 3)
        turned = skin @ self.changes.transpose(0, 2, 1)
        jaw_motion = self._jaw_motion(jaw)  # (P, T, 3)
        moved = self.interpolation @ turned.reshape(len(turned), -1)  # (W, 3T)
        jaw_motion = jaw_motion.reshape(len(jaw_motion), moved.shape[1])
        weighted = self.jaw_weights[:, None] * jaw_motion
        # Rigid first: what is welded to teeth is filled in between them and the rest of the skin.
        moved[self.jaw_indices[self.is_rigid]] = weighted[self.is_rigid]
        self.filling.fill_in_place(moved, self.jaw_indices, weighted)
        moved = moved.reshape(len(moved), -1, 3)
        self.lid_closing.correct_in_place(moved, skin)
        self.unfolding.unfold_in_place(moved)
        if masking is not None:
            self._weaken_in_place(moved, jaw, masking)
        self.riding.ride_in_place(moved, self.surface.vertices)
        if masking is not None:
            moved[self.riding.vertex_indices] *= masking.riding[:, None, None]
        spread = moved.transpose(1, 0, 2)[:, self.surface.welded_indices]
        return self.similarity.inverse_vectors(spread).astype(np.float32)

    def on_template(self, skin: FloatArray, jaw: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The motion as the template fitted to this head plays it: (T, V, 3) mm and (T, 6) poses.

        The poses are about `jaw_pivot`. What the target's own mesh asks for is left out.
        """
        carried = skin.transpose(1, 0, 2) @ self.changes.transpose(0, 2, 1)
        return carried.transpose(1, 0, 2), self._carried_poses(jaw)

    def _carried_poses(self, poses: FloatArray) -> FloatArray:
        """(T, 6) poses of the jaw, turned and grown with the lower face."""
        turn = self.jaw_change / np.cbrt(np.linalg.det(self.jaw_change))
        return np.concatenate([poses[:, :3] @ turn.T, poses[:, 3:] @ self.jaw_change.T], axis=1)

    def _weaken_in_place(self, moved: FloatArray, jaw: FloatArray, masking: Masking) -> None:
        """Masked (W, T, 3) skin and rigid parts; each part turns as a whole, by its share."""
        moved *= masking.skin[:, None, None]
        rigid = np.flatnonzero(self.is_rigid)
        shares = masking.rigid[self.jaw_indices[rigid]]
        for share in np.unique(shares):
            rows = rigid[shares == share]
            motion = self._jaw_motion(share * jaw)[rows]
            moved[self.jaw_indices[rows]] = self.jaw_weights[rows, None, None] * motion

    def _jaw_motion(self, poses: FloatArray) -> FloatArray:
        """(P, T, 3) what rigid poses do to the vertices of the jaw; zero poses do exactly zero."""
        carried = self._carried_poses(poses)
        matrices = Rotation.from_rotvec(carried[:, :3]).as_matrix() - np.eye(3)
        arms = self.surface.vertices[self.jaw_indices] - self.jaw_pivot
        return np.einsum("txy,py->ptx", matrices, arms) + carried[:, 3:]


def prepare(alignment: Alignment, played: FloatArray) -> Retargeter:
    """Everything about retargeting to one head that does not depend on the motion.

    played: (V, 3) mm, the face in template topology that the motion is made for.
    """
    template, fit = alignment.template, alignment.fit
    surface = surface_of(alignment)
    first = first_of_welded(surface)
    interpolation = _interpolation(alignment, first)
    regions = {name: values[first] for name, values in alignment.region_weights.items()}
    confidences = alignment.correspondence.confidences[first]
    is_skin = surface.is_any_of(vertices_moving(alignment.parts, "skin"))
    is_rigid = surface.is_any_of(vertices_moving(alignment.parts, "jaw"))
    filling = prepare_filling(surface, is_skin, confidences, regions, is_rigid)
    may_move = is_skin.copy()
    may_move[filling.rest_indices] = False
    inner = np.sum([regions[name] for name in INNER_REGIONS], axis=0)
    riding = prepare_riding(surface, alignment.parts, may_move, _slit_sides(regions))
    follows_jaw = np.flatnonzero(
        is_rigid | (is_skin & (confidences <= CONFIDENT) & (regions["jaw"] > 0))
    )
    pivot = face_jaw_pivot(template.vertices, template.jaw_pivot, played)
    change, pivot = carry_point(played, fit.neutral, pivot, JAW_SURROUNDINGS_MM)
    template_side = template_sides(template)
    sides = surface.harmonic_extension(confidences > CONFIDENT, interpolation @ template_side)
    return Retargeter(
        fit.similarity,
        alignment.parts,
        surface,
        sides,
        turn_and_size(played, fit.neutral),
        prepare_lid_closing(template, played, template_side, surface, sides, fit.landmarks),
        interpolation,
        filling,
        prepare_unfolding(
            surface,
            fit.landmarks,
            may_move,
            is_skin & (inner < 0.5),
            alignment.target,
        ),
        riding,
        follows_jaw,
        regions["jaw"][follows_jaw].astype(np.float64),
        is_rigid[follows_jaw],
        pivot,
        change,
    )


def first_of_welded(surface: Surface) -> IntArray:
    """(W,) the lowest vertex of the mesh behind each welded vertex."""
    return np.unique(surface.welded_indices, return_index=True)[1]


def _check(motion: FaceMotion, alignment: Alignment) -> None:
    num_vertices = alignment.template.num_vertices
    num_frames = motion.num_frames
    if motion.skin.shape != (num_frames, num_vertices, 3) or motion.jaw.shape != (num_frames, 6):
        raise TopologyMismatchError(
            f"The motion does not fit the template: expected skin "
            f"(T, {num_vertices}, 3) and jaw (T, 6), "
            f"got {motion.skin.shape} and {motion.jaw.shape}."
        )


def _interpolation(alignment: Alignment, first: IntArray) -> sparse.csr_matrix:
    """(W, V) barycentrics; empty rows where there is no correspondence."""
    correspondence, template = alignment.correspondence, alignment.template
    found = np.flatnonzero(correspondence.confidences[first] > 0)
    chosen = first[found]
    columns = template.triangles[correspondence.triangle_indices[chosen]]
    values = correspondence.barycentrics[chosen]
    rows = np.repeat(found, 3)
    shape = (len(first), template.num_vertices)
    return sparse.csr_matrix((values.ravel(), (rows, columns.ravel())), shape)


def _slit_sides(regions: dict[str, FloatArray]) -> FloatArray:
    """(W,) +1 on upper, -1 on lower lids and lips."""
    names = ("lid_left", "lid_right", "lip")
    return np.sum([regions[f"upper_{n}"] - regions[f"lower_{n}"] for n in names], axis=0)
