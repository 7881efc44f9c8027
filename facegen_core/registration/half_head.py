"""Half a head, cut in its plane of symmetry: made whole for finding and fitting.

Artists model one half and let a modifier mirror it; where the modifier was not there, half a face
is all that comes. Such a mesh ends in one plane: a long open border lies in it and all the rest on
one side. The template is found in the mesh together with its mirror image; only the half that is
there follows, and what lies on the cut stays in the plane, or the face would open in the middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from ..mesh import Mesh
from ..topology import boundary_edges

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Vertices within this share of the mesh's extent of a plane lie in it.
_IN_PLANE_SHARE = 1e-3
# As much of all vertices may lie beyond the cut: a tongue or a tooth that was not cut.
_BEYOND_SHARE = 0.1
# A cut through a head's middle shows its outline: its open border spans at least this share of the
# mesh, both ways along the plane.
_MIN_SPAN_SHARE = 0.6
# So many of the flattest sides of the border's hull are tried, flat to this cosine.
_NUM_SIDES, _FLAT_COSINE = 3, 1.0 - 1e-5
# A face that is halved has its own plane of symmetry this near: cosine.
_SAME_PLANE_COSINE = 0.96
HALF_HEAD = (
    "Only half of the head is here: its other half was taken to be the mirror image, and the cut "
    "stays in its plane."
)


@dataclass(frozen=True, eq=False)
class SymmetryCut:
    """The plane a half head ends in, in the target's coordinates.

    point: (3,) in the plane. normal: (3,) unit, away from the half that is there.
    vertex_indices: (C,) vertices of the open border in the plane.
    """

    point: FloatArray
    normal: FloatArray
    vertex_indices: IntArray

    def heights(self, points: FloatArray) -> FloatArray:
        """(...) signed distances of (..., 3) points from the plane."""
        return np.asarray((points - self.point) @ self.normal)

    def halves(self, middle: FloatArray, sideways: FloatArray, reach: float) -> bool:
        """Whether (K, 3) points in the middle of a face lie in the plane, up to this reach on
        average, and the (3,) unit way from its right to its left crosses it."""
        is_across = abs(float(sideways @ self.normal)) > _SAME_PLANE_COSINE
        return is_across and abs(float(self.heights(middle).mean())) < reach

    def completed(self, half: Mesh) -> Mesh:
        """The half and its mirror image, sharing the vertices of the cut, M of the half first."""
        vertices, count = half.vertices, half.num_vertices
        is_copied = np.ones(count, bool)
        is_copied[self.vertex_indices] = False
        image = np.where(is_copied, count - 1 + np.cumsum(is_copied), np.arange(count))
        reflected = vertices - 2.0 * self.heights(vertices)[:, None] * self.normal
        # A polygon read backwards faces outwards in the mirror.
        starts, corners = half.polygon_starts, half.polygon_vertices
        polygon_of = np.repeat(np.arange(half.num_polygons), np.diff(starts))
        backwards = starts[polygon_of] + starts[polygon_of + 1] - 1 - np.arange(len(corners))
        return Mesh(
            np.concatenate([vertices, reflected[is_copied]]),
            np.concatenate([corners, image[corners[backwards]]]),
            np.concatenate([starts, starts[1:] + len(corners)]),
        )

    def keep_in_place(self, displacements: FloatArray, rigid: IntArray) -> None:
        """Let the cut stay in its plane: (T, M, 3) displacements of the half, changed in place.

        rigid: (N,) vertices of teeth, which stay as they are whatever the plane does.
        """
        kept = np.setdiff1d(self.vertex_indices, rigid)
        moved = displacements[:, kept]
        moved -= (moved @ self.normal)[..., None] * self.normal
        displacements[:, kept] = moved


def find_symmetry_cut(mesh: Mesh) -> SymmetryCut | None:
    """The plane that a mesh may have been halved in; None where it ends in no such plane.

    A bust cut flat at its base ends in one as well: what is cut in two is for the face to tell.
    """
    border = np.unique(boundary_edges(mesh.triangles))
    used = mesh.vertices[np.unique(mesh.triangles)]
    extent = float(np.ptp(used, axis=0).max())
    if len(border) < 3 or not extent > 0:
        return None
    tolerance = _IN_PLANE_SHARE * extent
    for point, normal in _sides(mesh.vertices[border], extent):
        near = border[np.abs((mesh.vertices[border] - point) @ normal) < tolerance]
        cut = _through(mesh.vertices, near, normal)
        heights = cut.heights(used)
        if np.count_nonzero(heights > tolerance) > _BEYOND_SHARE * len(used):
            continue
        if np.abs(cut.heights(mesh.vertices[near])).max() > 2.0 * tolerance:
            continue
        if _spans(mesh.vertices[near], used, cut.normal):
            return cut
    return None


def _sides(points: FloatArray, extent: float) -> list[tuple[FloatArray, FloatArray]]:
    """A point and the outward normal of the largest flat sides of the hull of (N, 3) points."""
    centre = points.mean(axis=0)
    scaled = (points - centre) / extent
    _, spread, axes = np.linalg.svd(scaled, full_matrices=False)
    if spread[-1] < _IN_PLANE_SHARE * spread[0]:  # all of the border lies in one plane
        return [(centre, axes[-1]), (centre, -axes[-1])]
    try:
        hull = ConvexHull(scaled)
    except QhullError:
        return []
    a, b, c = (scaled[hull.simplices[:, k]] for k in range(3))
    areas = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    normals, offsets = hull.equations[:, :3], hull.equations[:, 3]
    sides: list[tuple[float, FloatArray, FloatArray]] = []
    is_left = np.ones(len(areas), bool)
    for row in np.argsort(-areas, kind="stable"):
        if not is_left[row]:
            continue
        alike = is_left & (normals @ normals[row] > _FLAT_COSINE)
        alike &= np.abs(offsets - offsets[row]) < _IN_PLANE_SHARE
        is_left[alike] = False
        sides.append((float(areas[alike].sum()), centre + extent * a[row], normals[row]))
        if len(sides) == 4 * _NUM_SIDES:
            break
    sides.sort(key=lambda side: -side[0])
    return [(point, normal) for _, point, normal in sides[:_NUM_SIDES]]


def _through(vertices: FloatArray, near: IntArray, normal: FloatArray) -> SymmetryCut:
    """The plane through the middle of some vertices, nearest to all of them."""
    point = vertices[near].mean(axis=0)
    axes = np.linalg.svd(vertices[near] - point, full_matrices=False)[2]
    best = axes[-1] * np.sign(axes[-1] @ normal) if len(near) >= 3 else normal
    return SymmetryCut(point, best if np.abs(best).sum() > 0 else normal, near)


def _spans(border: FloatArray, mesh: FloatArray, normal: FloatArray) -> bool:
    """Whether a (N, 3) border is nearly as large along the plane as all of a mesh, (M, 3)."""
    first = np.eye(3)[np.abs(normal).argmin()]
    first = first - (first @ normal) * normal
    along = np.stack([first / np.linalg.norm(first), np.cross(normal, first)], axis=1)
    along = along / np.linalg.norm(along, axis=0)
    share = np.ptp(border @ along, axis=0) / np.maximum(np.ptp(mesh @ along, axis=0), 1e-300)
    return bool(share.min() > _MIN_SPAN_SHARE)
