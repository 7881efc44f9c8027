"""Lips and lids asked from the other side: the target's rims pull the template to them.

Each point of the template looks for the closest one of the target. Where the target's slit is
longer, or its lid margin broader, no point of the template comes to look: the ends of the slit, two
sheets that all but touch, stay without a template (Amberg et al. 2007 share this with all one-way
ICP). So the target's own points near lips and lids look for the template as well, and pull.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from ..template import Template
from .closest_points import FacingSurface
from .fitted_points import rims

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Skin this near to the template's rims is asked, and pulls from no farther, mm.
_NEAR_MM, _REACH_MM = 10.0, 10.0
# How much more an area of the target's rims weighs than one of the template's skin.
_STRENGTH = 10.0
# Closest points are uncertain by as much along the surface and across it, mm: only what is more is
# asked for.
_ALONG_SLACK_MM, _ACROSS_SLACK_MM = 1.0, 0.2
# Normals farther apart than this (cosine) belong to another side of something.
_MIN_FACING = 0.5
_SPACING_MM, _NORMAL_WEIGHT_MM = 0.8, 10.0
# Points within this radius share the area of its circle among them.
_DENSITY_RADIUS_MM = 2.0


@dataclass(frozen=True, eq=False)
class RimPull:
    """N points of the target near the rims of a template of V vertices.

    at_rims: (V,) in [0, 1]. triangles: (F, 3) of the skin near them, then of the I points of
    eyeballs, teeth and tongue (I, 3) mm, numbered from V on: what the target has of those is not
    pulled at by lids and lips. positions, normals: (N, 3); areas: (N,) mm².
    """

    at_rims: FloatArray
    triangles: IntArray
    num_skin_triangles: int
    inner: FloatArray
    positions: FloatArray
    normals: FloatArray
    areas: FloatArray

    @classmethod
    def of(
        cls,
        template: Template,
        start: FloatArray,
        surface: FacingSurface,
        inner: Mapping[str, FloatArray] | None = None,
    ) -> RimPull:
        """start: (V, 3) mm, close to the target. inner: {inner part: (P, 3) mm}, none if None."""
        at_rims = rims(template)
        tree = cKDTree(start[at_rims > 0.0])
        own = _near(tree, start, template.triangles)
        blocks, points, base = [own], [np.zeros((0, 3))], template.num_vertices
        known = inner or {}
        for part in (part for part in template.inner_parts if part.name in known):
            blocks.append(_near(tree, known[part.name], part.triangles) + base)
            points.append(known[part.name])
            base += len(part.vertices)
        positions, normals = surface.samples
        is_asked = np.isfinite(tree.query(positions, distance_upper_bound=_NEAR_MM)[0])
        positions, normals = positions[is_asked], normals[is_asked]
        return cls(
            at_rims,
            np.concatenate(blocks),
            len(own),
            np.concatenate(points),
            positions,
            normals,
            _areas(positions),
        )

    def terms(
        self, start: FloatArray, vertices: FloatArray
    ) -> tuple[sparse.csc_matrix, FloatArray]:
        """What to add to the equations of the displacement from `start` (V, 3) mm, from where the
        template is now, `vertices` (V, 3)."""
        count = len(start)
        if len(self.positions) == 0:
            return sparse.csc_matrix((count, count)), np.zeros((count, 3))
        whole = np.concatenate([vertices, self.inner])
        found = FacingSurface(whole, self.triangles, _SPACING_MM, _NORMAL_WEIGHT_MM).closest(
            self.positions, self.normals
        )
        facing = np.sum(found.normals * self.normals, axis=1)
        weights: FloatArray = np.maximum(1.0 - (found.distances / _REACH_MM) ** 2, 0.0) ** 2.0
        weights *= np.clip((facing - _MIN_FACING) / (1.0 - _MIN_FACING), 0.0, 1.0)
        weights *= (found.triangle_indices < self.num_skin_triangles) & ~found.is_border
        kept = np.flatnonzero(weights > 0.0)
        corners = self.triangles[found.triangle_indices[kept]]
        shares = found.barycentrics[kept]
        weights = _STRENGTH * (weights * self.areas)[kept]
        weights *= np.clip(2.0 * np.sum(shares * self.at_rims[corners], axis=1), 0.0, 1.0)
        rows = np.repeat(np.arange(len(kept)), 3)
        pick = sparse.csr_matrix((shares.ravel(), (rows, corners.ravel())), (len(kept), count))
        here, normals = pick @ vertices, found.normals[kept]
        offsets = self.positions[kept] - here
        across = np.sum(offsets * normals, axis=1, keepdims=True) * normals
        wished = _beyond(across, _ACROSS_SLACK_MM) + _beyond(offsets - across, _ALONG_SLACK_MM)
        pull = pick.T @ sparse.diags(weights)
        return (pull @ pick).tocsc(), pull @ (here + wished - pick @ start)


def _near(tree: cKDTree, vertices: FloatArray, triangles: IntArray) -> IntArray:
    """(F', 3) triangles with a corner near the points of a tree."""
    is_near = np.isfinite(tree.query(vertices, distance_upper_bound=_NEAR_MM)[0])
    chosen: IntArray = triangles[is_near[triangles].any(axis=1)]
    return chosen


def _areas(positions: FloatArray) -> FloatArray:
    """(N,) mm² of surface that each point stands for, by how densely they lie."""
    if len(positions) == 0:
        return np.zeros(0)
    tree = cKDTree(positions)
    counts = tree.query_ball_point(positions, _DENSITY_RADIUS_MM, return_length=True)
    result: FloatArray = np.pi * _DENSITY_RADIUS_MM**2 / counts
    return result


def _beyond(vectors: FloatArray, slack: float) -> FloatArray:
    """(N, 3) vectors shortened by the slack, at most to nothing."""
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    shortened: FloatArray = vectors * np.maximum(1.0 - slack / lengths, 0.0)
    return shortened
