"""A half head with a Mirror modifier: the whole face for matching, and the way back to the half.

The modifier is repeated here in NumPy rather than read from Blender's evaluated mesh, because
matching needs to know which vertex came from which, also where both sides are merged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import bpy
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
Polygons = tuple[IntArray, IntArray]

# With merging off, vertices this near the plane, as a share of the mesh's size, still lie on it.
ON_PLANE = 1e-6


@dataclass(frozen=True, eq=False)
class Mirroring:
    """How the Q vertices of the whole come from the P of the half, in the object's own space.

    sources: (Q,) the vertex of the half. affines: (K, 4, 4) maps of points; affine_of: (Q,) which
    of them makes the vertex. own: (P,) the vertex of the whole that is the half's own, -1 where
    bisecting cut it away. polygons: of the whole, as corners and first corners.
    """

    sources: IntArray
    affines: FloatArray
    affine_of: IntArray
    own: IntArray
    polygons: Polygons

    def whole(self, vertices: FloatArray) -> FloatArray:
        """(Q, 3) positions of the whole, of (P, 3) of the half."""
        result = np.empty((len(self.sources), 3))
        for k, affine in enumerate(self.affines):
            mine = self.affine_of == k
            result[mine] = vertices[self.sources[mine]] @ affine[:3, :3].T + affine[:3, 3]
        return result

    def half(self, displacements: FloatArray) -> FloatArray:
        """(..., P, 3) displacements of the half, of (..., Q, 3) of the whole.

        Vertices on the mirror plane stay on it, or the face would open in the middle.
        """
        result = np.array(displacements[..., self.own, :])
        result[..., self.own < 0, :] = 0.0
        own_affine = self.affine_of[self.own]
        for k, affine in enumerate(self.affines):
            mine = (own_affine == k) & (self.own >= 0)
            if mine.any() and not np.array_equal(affine, np.eye(4)):
                result[..., mine, :] = result[..., mine, :] @ affine[:3, :3].T
        return result

    def half_values(self, values: FloatArray, missing: float = 0.0) -> FloatArray:
        """(P,) values of the half, of (Q,) of the whole; `missing` where bisecting cut."""
        return np.where(self.own >= 0, values[self.own], missing)


def mirroring_of(
    obj: bpy.types.Object, vertices: FloatArray, polygons: Polygons
) -> Mirroring | None:
    """What the visible Mirror modifiers of an object make of its (P, 3) vertices; None without."""
    modifiers = [
        m for m in obj.modifiers if m.type == "MIRROR" and m.show_viewport and any(m.use_axis)
    ]
    if not modifiers:
        return None
    everything = np.arange(len(vertices))
    made = Mirroring(everything, np.eye(4)[None], np.zeros_like(everything), everything, polygons)
    size = float(np.ptp(vertices, axis=0).max())
    for modifier in modifiers:
        to_plane = _plane_space(obj, modifier.mirror_object)
        merge = modifier.merge_threshold if modifier.use_mirror_merge else 0.0
        for axis in (k for k in range(3) if modifier.use_axis[k]):
            if modifier.use_bisect_axis[axis]:
                side = -1.0 if modifier.use_bisect_flip_axis[axis] else 1.0
                made = _bisected(made, vertices, to_plane, axis, side)
            made = _reflected(made, vertices, to_plane, axis, max(merge, ON_PLANE * size))
    return made


def _plane_space(obj: bpy.types.Object, mirror: bpy.types.Object | None) -> FloatArray:
    """(4, 4) from the object's space to the one whose coordinate planes mirror."""
    if mirror is None:
        return np.eye(4)
    return np.linalg.inv(np.array(mirror.matrix_world, np.float64)) @ np.array(
        obj.matrix_world, np.float64
    )


def _reflected(
    made: Mirroring, vertices: FloatArray, to_plane: FloatArray, axis: int, merge: float
) -> Mirroring:
    flip = np.eye(4)
    flip[axis, axis] = -1.0
    reflection = np.linalg.inv(to_plane) @ flip @ to_plane
    positions = made.whole(vertices)
    reflected = positions @ reflection[:3, :3].T + reflection[:3, 3]
    is_merged = np.linalg.norm(reflected - positions, axis=1) < merge
    count, num_affines = len(positions), len(made.affines)
    # A merged vertex lies half-way between itself and its mirror image.
    onto_plane = (np.eye(4) + reflection) / 2
    affines = np.concatenate([made.affines, onto_plane @ made.affines, reflection @ made.affines])
    copied = np.flatnonzero(~is_merged)
    image = np.where(is_merged, np.arange(count), count - 1 + np.cumsum(~is_merged))
    corners, firsts = made.polygons
    return replace(
        made,
        sources=np.concatenate([made.sources, made.sources[copied]]),
        affines=affines,
        affine_of=np.concatenate(
            [made.affine_of + num_affines * is_merged, made.affine_of[copied] + 2 * num_affines]
        ),
        polygons=(
            np.concatenate([corners, image[_turned_over(corners, firsts)]]),
            np.concatenate([firsts, firsts + len(corners)]),
        ),
    )


def _turned_over(corners: IntArray, firsts: IntArray) -> IntArray:
    """The corners with every polygon read backwards: a mirror image faces outwards that way."""
    ends = np.append(firsts[1:], len(corners))
    polygon_of = np.repeat(np.arange(len(firsts)), ends - firsts)
    return corners[firsts[polygon_of] + ends[polygon_of] - 1 - np.arange(len(corners))]


def _bisected(
    made: Mirroring, vertices: FloatArray, to_plane: FloatArray, axis: int, side: float
) -> Mirroring:
    """Without the polygons beyond the plane; those across it end on it."""
    positions = made.whole(vertices) @ to_plane[:3, :3].T + to_plane[:3, 3]
    is_beyond = side * positions[:, axis] < 0
    corners, firsts = made.polygons
    sizes = np.diff(np.append(firsts, len(corners)))
    is_kept = np.add.reduceat((~is_beyond[corners]).astype(int), firsts) > 0
    corners, sizes = corners[np.repeat(is_kept, sizes)], sizes[is_kept]
    used = ~is_beyond
    used[corners] = True
    renumbered = np.cumsum(used) - 1
    onto_plane = np.eye(4)
    onto_plane[axis, axis] = 0.0
    onto_plane = np.linalg.inv(to_plane) @ onto_plane @ to_plane
    affine_of = made.affine_of + len(made.affines) * is_beyond
    own_is_there = (made.own >= 0) & used[made.own]
    return Mirroring(
        made.sources[used],
        np.concatenate([made.affines, onto_plane @ made.affines]),
        affine_of[used],
        np.where(own_is_there, renumbered[made.own], -1),
        (renumbered[corners], np.cumsum(sizes) - sizes),
    )
