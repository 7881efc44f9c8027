"""What every rule of anatomy looks at, and the few measures they share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ...template import Template
from ..alignment import Fit
from ..correspondence import inner_regions
from ..matching import Matches
from ..surface import Surface

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Closed shapes of at most this many vertices are markers for joints, not anatomy.
MARKER_VERTICES = 8


@dataclass(frozen=True, eq=False)
class Scene:
    """The target beside the fitted template; W welded vertices, positions in mm.

    matches: unrestricted matches of the W vertices on the fitted skin.
    lids: tree of the fitted lids.
    """

    template: Template
    fit: Fit
    surface: Surface
    matches: Matches
    lids: cKDTree

    @classmethod
    def of(cls, template: Template, fit: Fit, surface: Surface, matches: Matches) -> Scene:
        lids = np.max([template.regions[n] for n in template.regions if "lid_" in n], axis=0) > 0.5
        return cls(template, fit, surface, matches, cKDTree(fit.neutral[lids]))

    @cached_property
    def places(self) -> FloatArray:
        """(V, 4) of the template's skin: scalp, face and neck, inside, height in its own mm."""
        regions = self.template.regions
        outside = regions["face"] + regions["neck"]
        heights = np.asarray(self.template.vertices[:, 1], np.float64)
        columns = (regions["scalp"], outside, inner_regions(self.template), heights)
        return np.stack(columns, axis=1)


def members_of(numbers: IntArray) -> list[IntArray]:
    """Indices that carry number 0, 1, ... of (N,) numbers."""
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.cumsum(np.bincount(numbers))[:-1])


def is_marker(surface: Surface, indices: IntArray) -> bool:
    """Small closed shapes: joint cubes, locators."""
    if len(indices) > MARKER_VERTICES:
        return False
    is_own = np.zeros(surface.num_vertices, bool)
    is_own[indices] = True
    triangles = surface.triangles[is_own[surface.triangles[:, 0]]]
    num_edges = int(is_own[surface.edges[:, 0]].sum())
    return len(triangles) > 0 and 2 * num_edges == 3 * len(triangles)


def fit_sphere(points: FloatArray) -> tuple[FloatArray, float, float]:
    """Centre (3,), radius and RMS distance of (P, 3) points to the algebraically best sphere."""
    origin = points.mean(axis=0)
    local = points - origin
    system = np.hstack([2.0 * local, np.ones((len(points), 1))])
    solution = np.linalg.lstsq(system, (local * local).sum(axis=1), rcond=None)[0]
    centre = solution[:3]
    radius = float(np.sqrt(max(solution[3] + centre @ centre, 0.0)))
    roughness = np.linalg.norm(local - centre, axis=1) - radius
    return centre + origin, radius, float(np.sqrt(np.mean(roughness**2)))
