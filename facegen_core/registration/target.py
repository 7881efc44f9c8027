"""The artist's mesh made ready for the search: welded, facing outwards, in a frame of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from ..errors import InvalidMeshError, RegistrationFailedError
from ..mesh import Mesh, vertex_normals
from ..numeric import counted
from ..topology import boundary_edges
from ..winding import flipped, without_doubles
from .alignment import Similarity

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Vertices nearer than this share of the largest extent are one: seams split by UVs or normals.
WELD_SHARE = 1e-6
# A face needs eyes, nose and mouth: fewer triangles cannot show them.
MIN_TRIANGLES = 200
# Parts with fewer of all triangles than this are details or helpers, not a face.
MAIN_PART_SHARE = 0.02
# Thinner than this share of its length, a mesh is a sheet.
MIN_THICKNESS_SHARE = 0.02


@dataclass(frozen=True, eq=False)
class SearchTarget:
    """A target in its own frame: largest extent 1, middle at 0, axes of its spread.

    The frame follows the mesh when it is moved, turned or scaled, and so does everything found in
    it.

    vertices: (W, 3) welded; triangles: (F, 3) without degenerate ones, wound outwards.
    parts: (F,) int32 connected part of each triangle.
    similarity: target coordinates → this frame.
    """

    vertices: FloatArray
    triangles: IntArray
    parts: IntArray
    similarity: Similarity

    @cached_property
    def normals(self) -> FloatArray:
        """(W, 3) smooth unit normals."""
        return vertex_normals(self.vertices, self.triangles)

    def main_triangles(self) -> IntArray:
        """(F',) triangles of the parts big enough to be a face, without strips, cubes and lashes.

        All triangles when nothing is big, as in a head cut into pieces.
        """
        counts = np.bincount(self.parts)
        big = counts[self.parts] >= max(MIN_TRIANGLES, MAIN_PART_SHARE * len(self.triangles))
        if big.sum() < 0.5 * len(big):
            return np.arange(len(self.triangles))
        return np.flatnonzero(big)


def prepare_target(target: Mesh) -> SearchTarget:
    """Weld, orient and normalise the target; double faces count once.

    Raises InvalidMeshError when it has no size, RegistrationFailedError when it is too small or
    too flat to hold a face.
    """
    used = np.unique(target.triangles)
    if len(target.triangles) < MIN_TRIANGLES or not len(used):
        raise RegistrationFailedError(
            f"The mesh has only {counted(len(target.triangles), 'triangle')}, too few to show a "
            "face: select the head, or a finer version of it."
        )
    extent = float(np.ptp(target.vertices[used], axis=0).max())
    if not extent > 0 or not np.isfinite(1.0 / extent):
        raise InvalidMeshError("All vertices of the mesh lie in one point: give it a size first.")
    similarity = _own_frame(target, extent)
    vertices, triangles = _welded(similarity.apply(target.vertices), target.triangles)
    triangles = triangles[without_doubles(triangles)]
    is_flipped = flipped(triangles)
    triangles = np.where(is_flipped[:, None], triangles[:, ::-1], triangles)
    parts = _triangle_parts(triangles, len(vertices))
    return SearchTarget(vertices, _outward(vertices, triangles, parts), parts, similarity)


def _own_frame(target: Mesh, extent: float) -> Similarity:
    """Principal axes of the surface, their signs from the skew of its spread along them."""
    corners = target.vertices[target.triangles] / extent
    middles = corners.mean(axis=1)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(cross, axis=1)
    if not areas.sum() > 0:
        raise InvalidMeshError("All faces of the mesh have zero area: give it a size first.")
    areas /= areas.sum()
    centre = areas @ middles
    offsets = middles - centre
    spread, axes = np.linalg.eigh((offsets * areas[:, None]).T @ offsets)
    if spread[0] < (MIN_THICKNESS_SHARE**2) * spread[2]:
        raise RegistrationFailedError(
            "The mesh is flat, so it shows no face: select the head, or place 13 landmarks by hand."
        )
    along = offsets @ axes
    skew = areas @ along**3 / spread**1.5
    axes = axes * np.where(skew < 0, -1.0, 1.0)
    if np.linalg.det(axes) < 0:  # the axis that is most even decides last: a head's left and right
        axes[:, np.abs(skew).argmin()] *= -1.0
    scale = 1.0 / (np.ptp(along, axis=0).max() * extent)
    rotation = axes.T
    return Similarity(scale, rotation, -scale * rotation @ (centre * extent))


def _welded(vertices: FloatArray, triangles: IntArray) -> tuple[FloatArray, IntArray]:
    """Doubles made one: open edge with open edge, as along seams, inner with inner, as in copies.

    What only stands on the skin with an open edge, lashes and tear shells, stays apart from it.
    Their roots are a rounding error off the skin or not, and joined to it they would be skin, too,
    wound this way or that as those few vertices have it.
    """
    pairs = cKDTree(vertices).query_pairs(WELD_SHARE, output_type="ndarray")
    is_open = np.zeros(len(vertices), bool)
    is_open[boundary_edges(triangles)] = True
    pairs = pairs[is_open[pairs[:, 0]] == is_open[pairs[:, 1]]]
    size = (len(vertices), len(vertices))
    graph = sparse.coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), size)
    _, labels = connected_components(graph, directed=False)
    _, firsts = np.unique(labels, return_index=True)
    triangles = labels[triangles]
    a, b, c = triangles.T
    return vertices[firsts], triangles[(a != b) & (b != c) & (c != a)]


def _triangle_parts(triangles: IntArray, num_vertices: int) -> IntArray:
    rows = np.concatenate([triangles[:, 0], triangles[:, 1]])
    columns = np.concatenate([triangles[:, 1], triangles[:, 2]])
    graph = sparse.coo_matrix((np.ones(len(rows)), (rows, columns)), (num_vertices, num_vertices))
    _, labels = connected_components(graph, directed=False)
    return np.unique(labels[triangles[:, 0]], return_inverse=True)[1].astype(np.int32)


def _outward(vertices: FloatArray, triangles: IntArray, parts: IntArray) -> IntArray:
    """Turn round the parts that enclose a negative volume: wound inside out by the artist."""
    num_parts = int(parts.max()) + 1
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    counts = np.bincount(parts, minlength=num_parts)[:, None]
    middles = np.stack(
        [np.bincount(parts, ((a + b + c) / 3.0)[:, k], num_parts) for k in range(3)], axis=1
    )
    middle = (middles / counts)[parts]
    volumes = np.einsum("fi,fi->f", a - middle, np.cross(b - middle, c - middle))
    inside_out = np.bincount(parts, volumes, num_parts) < 0
    return np.where(inside_out[parts][:, None], triangles[:, ::-1], triangles)
