"""How far each vertex of the target lies from the fitted template: the heat map of the overlay."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .alignment import Alignment, vertices_moving
from .closest_points import FacingSurface
from .fit_report import MEASURING_NORMAL_WEIGHT_MM

FloatArray = NDArray[np.floating]

SPACING_MM = 4.0
# Beyond this the template has nothing to say about a vertex: shoulders, a bun, a long neck.
MAX_DISTANCE_MM = 25.0


def residual_map(alignment: Alignment) -> FloatArray:
    """(M,) mm from each vertex of the target to the bent template, on a head of real size.

    NaN off the skin: other parts, what lies beyond the template's edge, vertices without faces.
    """
    target, fit = alignment.target, alignment.fit
    is_skin = np.zeros(target.num_vertices, bool)
    is_skin[vertices_moving(alignment.parts, "skin")] = True
    used = np.zeros(target.num_vertices, bool)
    used[target.polygon_vertices] = True
    rows = np.flatnonzero(is_skin & used)
    result = np.full(target.num_vertices, np.nan)
    if len(rows) == 0:
        return result
    surface = FacingSurface(
        fit.neutral, alignment.template.triangles, SPACING_MM, MEASURING_NORMAL_WEIGHT_MM
    )
    normals = target.vertex_normals[rows] @ fit.similarity.rotation.T
    if np.median(_cosines(alignment, rows, normals)) < 0:
        normals = -normals  # the artist's normals point inwards
    found = surface.closest(fit.similarity.apply(target.vertices[rows]), normals)
    is_beyond = found.is_border | (found.distances > MAX_DISTANCE_MM)
    result[rows] = np.where(is_beyond, np.nan, found.distances)
    return result


def _cosines(alignment: Alignment, rows: NDArray[np.integer], normals: FloatArray) -> FloatArray:
    """(R,) between the normals of target vertices and those of the template where they match."""
    template, matched = alignment.template, alignment.correspondence
    triangles = matched.triangle_indices[rows]
    is_matched = triangles >= 0
    if not is_matched.any():
        return np.ones(1)
    corners = alignment.fit.neutral[template.triangles[triangles[is_matched]]]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return np.sum(faces * normals[is_matched], axis=1)
