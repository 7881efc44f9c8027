"""How far each vertex of the target lies from the fitted template: the heat map of the overlay."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import surface_of
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
    rows = np.intersect1d(vertices_moving(alignment.parts, "skin"), target.polygon_vertices)
    result = np.full(target.num_vertices, np.nan)
    if len(rows) == 0:
        return result
    template_surface = FacingSurface(
        fit.neutral, alignment.template.triangles, SPACING_MM, MEASURING_NORMAL_WEIGHT_MM
    )
    surface = surface_of(alignment)  # outwards, however the artist's polygons are wound
    normals = surface.normals[surface.welded_indices[rows]]
    found = template_surface.closest(fit.similarity.apply(target.vertices[rows]), normals)
    is_beyond = found.is_border | (found.distances > MAX_DISTANCE_MM)
    result[rows] = np.where(is_beyond, np.nan, found.distances)
    return result
