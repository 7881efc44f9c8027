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
    def is_marker(self) -> NDArray[np.bool_]:
        """(P,) which loose parts are small closed shapes: joint cubes, locators."""
        parts = self.surface.parts
        count = int(parts.max()) + 1
        num_triangles = np.bincount(parts[self.surface.triangles[:, 0]], minlength=count)
        num_edges = np.bincount(parts[self.surface.edges[:, 0]], minlength=count)
        is_small = np.bincount(parts, minlength=count) <= MARKER_VERTICES
        return is_small & (num_triangles > 0) & (2 * num_edges == 3 * num_triangles)

    @cached_property
    def eyes(self) -> dict[str, tuple[FloatArray, float]]:
        """{"left", "right": centre (3,) and radius of the fitted eyeball}, mm."""
        inner = self.fit.inner
        return {side: fit_sphere(inner[f"eyeball_{side}"])[:2] for side in ("left", "right")}

    @cached_property
    def ears(self) -> cKDTree:
        """Tree of the fitted ears."""
        regions = self.template.regions
        return cKDTree(self.fit.neutral[regions["ear_left"] + regions["ear_right"] > 0.5])

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
