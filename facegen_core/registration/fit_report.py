"""How well a fit is, in numbers and in words: residual, confidence of landmarks, warnings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial import cKDTree

from ..mesh import phong_bulges, vertex_normals
from ..template import Template
from .alignment import Residual
from .closest_points import FacingSurface, SurfacePoints, unit
from .find_head import outer_face
from .fitted_points import FittedPoints
from .identity_fit import IdentityFit

FloatArray = NDArray[np.floating]

# Measuring asks for the nearest surface, the normal only tells the front from the back.
MEASURING_NORMAL_WEIGHT_MM = 2.0
# A landmark is judged by the skin around it.
LANDMARK_RADIUS_MM = 8.0
# Half the confidence is gone at this distance from the surface, at this way that the skin had to
# be bent from a plausible face, and at this cosine between the normals.
HALF_DISTANCE_MM, HALF_BEND_MM, HALF_COSINE = 1.5, 6.0, 0.7
# When fits are compared: no point is farther than this, and normals as far apart are another side.
FAR_MM, MISFIT_COSINE = 8.0, 0.5
# Flat triangles are off a round face themselves, by about this share of the bulge that the normals
# at their corners ask for: heads of 500 vertices that were right would otherwise pass for stylised.
FLATNESS_SHARE = 1.0 / 3.0
# Regions in words.
REGION_WORDS = {
    "the lips": ("upper_lip", "lower_lip"),
    "the left eye": ("upper_lid_left", "lower_lid_left"),
    "the right eye": ("upper_lid_right", "lower_lid_right"),
    "the nose": ("nose",),
}
# A region is named when its mean distance is beyond this and well beyond that of the face, mm.
BAD_REGION_MM, BAD_REGION_RATIO = 1.0, 1.5
# Where more than this share of a region finds no surface within the distance, it is missing.
MISSING_MM, MISSING_SHARE = 5.0, 0.5
# Nearest to an open edge and farther than this from it lies what the target does not have.
BORDER_MM = 1.0


def misfit_mm(
    template: Template, points: FittedPoints, fit: IdentityFit, surface: FacingSurface
) -> float:
    """How far the worst twentieth of the face lies at least from the surface, along its normals.

    What faces otherwise counts as far away, what lies beyond an open edge not at all. Less what the
    flat triangles of a coarse surface leave open.
    """
    normals = vertex_normals(fit.placed, template.triangles)[points.rows]
    here = fit.placed[points.rows]
    found = surface.closest(here, normals)
    facing = np.sum(found.normals * normals, axis=1) > MISFIT_COSINE
    heights = np.abs(np.sum((found.positions - here) * found.normals, axis=1))
    heights = np.where(facing, np.minimum(heights, FAR_MM), FAR_MM)
    kept = (points.weights >= 1.0) & ~found.is_border
    if not kept.any():
        return FAR_MM
    flatness = FLATNESS_SHARE * float(np.median(_bulges(surface, found)[kept]))
    return max(float(np.percentile(heights[kept], 95)) - flatness, 0.0)


def _bulges(surface: FacingSurface, found: SurfacePoints) -> FloatArray:
    """(N,) mm, `phong_bulges` where points were found."""
    corners = surface.triangles[found.triangle_indices]
    starts = 3 * np.arange(len(corners) + 1)
    shape = len(corners), len(surface.vertices)
    points = sparse.csr_matrix((found.barycentrics.ravel(), corners.ravel(), starts), shape)
    return phong_bulges(points, surface.vertices, surface.normals)


def residual_of(
    template: Template, neutral: FloatArray, surface: FacingSurface
) -> tuple[Residual, FloatArray]:
    """The verdict over the face, and (V,) mm to the nearest skin that does not face away.

    Distances are NaN off the outer face, and infinite beyond an open edge of the target, where
    there is nothing to fit: ears that were left out, a mask, a hole. The verdict is about what is
    there, and poor where that is less than half of the face.
    neutral: (V, 3) the bent template in the surface's frame.
    """
    face = outer_face(template)
    normals = vertex_normals(neutral, template.triangles)[face]
    found = surface.weighing_normals(MEASURING_NORMAL_WEIGHT_MM).closest(neutral[face], normals)
    is_missing = found.is_border & (found.distances > BORDER_MM)
    distances = np.full(template.num_vertices, np.nan)
    distances[face] = np.where(is_missing, np.inf, found.distances)
    if is_missing.mean() > MISSING_SHARE:
        return Residual.from_distances(found.distances), distances
    return Residual.from_distances(found.distances[~is_missing]), distances


def landmark_confidences(
    template: Template, identity: FloatArray, neutral: FloatArray, surface: FacingSurface
) -> FloatArray:
    """(68,) in [0, 1]: high where the skin around a landmark lies on the surface, faces as it does,
    and did not have to be bent far from a plausible face.

    identity, neutral: (V, 3) the template before and after bending, in the surface's frame.
    """
    outer = np.flatnonzero(outer_face(template))
    normals = vertex_normals(neutral, template.triangles)[outer]
    found = surface.closest(neutral[outer], normals)
    facing = np.clip(np.sum(found.normals * normals, axis=1), 0.0, 1.0)
    bends = np.linalg.norm(neutral[outer] - identity[outer], axis=1)
    positions = template.landmarks.positions(neutral, template.triangles)
    around = cKDTree(neutral[outer]).query_ball_point(positions, LANDMARK_RADIUS_MM)
    confidences = np.zeros(len(positions))
    for number, rows in enumerate(around):
        if rows:
            closeness = _falling(float(found.distances[rows].mean()), HALF_DISTANCE_MM)
            likeness = _falling(float(bends[rows].mean()), HALF_BEND_MM)
            agreement = np.clip(float(facing[rows].mean()) / (2.0 * HALF_COSINE), 0.0, 0.5) * 2.0
            confidences[number] = closeness * likeness * agreement
    return confidences


def landmark_distances(
    template: Template, neutral: FloatArray, surface: FacingSurface
) -> FloatArray:
    """(68,) mm from each landmark of the bent template to the surface that faces as it does."""
    corners = template.triangles[template.landmarks.triangle_indices]
    normals = vertex_normals(neutral, template.triangles)[corners].mean(axis=1)
    positions = template.landmarks.positions(neutral, template.triangles)
    return surface.closest(positions, unit(normals)).distances


def warnings_of(template: Template, residual: Residual, distances: FloatArray) -> tuple[str, ...]:
    """Sentences for the artist; none where all is well. distances: (V,) as `residual_of` gives."""
    sentences = []
    if residual.verdict != "good":
        sentences.append(
            f"The face fits to {residual.mean_mm:.1f} mm on average: look at the overlay, and drag "
            "the landmarks that are off."
        )
    means = {}
    for words, names in REGION_WORDS.items():
        inside = np.max([template.regions[name] for name in names], axis=0) > 0.5
        here = distances[inside & ~np.isnan(distances)]
        is_there = here < MISSING_MM
        if is_there.mean() < 1.0 - MISSING_SHARE:
            sentences.append(
                f"Hardly any skin was found where {words} should be: check the mesh for missing "
                "or hidden faces there, or drag the landmarks onto their places."
            )
        else:
            means[words] = float(here[is_there].mean())
    worst = max(means, key=lambda words: means[words], default=None)
    if worst is not None and means[worst] > max(BAD_REGION_MM, BAD_REGION_RATIO * residual.mean_mm):
        sentences.append(
            f"The fit is worst at {worst}, {means[worst]:.1f} mm off on average: drag the "
            "landmarks there onto their places."
        )
    return tuple(sentences)


def _falling(value: float, half: float) -> float:
    """1 at 0, a half at `half`, towards 0 beyond (Geman–McClure)."""
    return 1.0 / (1.0 + (value / half) ** 2)
