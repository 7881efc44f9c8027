"""The whole fit in one page: find the head, fit who it is, bend the rest, carry the inside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import RegistrationFailedError
from ..landmarks import check_manual_landmarks
from ..mesh import Mesh, vertex_normals
from ..progress import Progress, no_progress, subprogress
from ..template import Template
from .alignment import Fit, Residual
from .closest_points import FacingSurface
from .find_head import outer_face
from .identity_fit import FULL_STAGES, IdentityFit, choose_points, fit_identity
from .inner_fit import carry_inner_parts
from .locate import (
    EXPLAINED_MM,
    NO_FACE,
    QUICK_NORMAL_WEIGHT_MM,
    QUICK_SPACING_MM,
    Guess,
    explained,
    find_face,
    landmark_goals,
    place_by_landmarks,
    surroundings,
)
from .nonrigid import bend
from .target import SearchTarget, prepare_target

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Distance between samples and weight of the normals in the closest-point search, mm.
FINE_SPACING_MM, FINE_NORMAL_WEIGHT_MM = 2.0, 20.0
# Measuring asks for the nearest surface, the normal only tells the front from the back.
MEASURING_NORMAL_WEIGHT_MM = 2.0
# Loose parts that explain less than this share of the face are eyes, lashes, hair or clothes.
SKIN_PART_SHARE = 0.1
# Below this explained share there is no face. Measured: eggs, cubes, hands, backs of heads and
# bodies without heads reach 0.52; a body's head of 1,500 triangles 0.62, of full detail 0.84.
MIN_EXPLAINED = 0.6


def fit_template(
    template: Template,
    target: Mesh,
    landmarks: dict[int, FloatArray] | None = None,
    progress: Progress = no_progress,
) -> Fit:
    """Find the template's head in a target of any unit, turn and topology, and bend it onto it.

    landmarks: by hand, {number 0–67: (3,) in the target's coordinates}, at least 13, or None.
    Raises InvalidMeshError for a mesh without size, LandmarkError for unusable landmarks, and
    RegistrationFailedError where no face is found.
    """
    progress(0.0, "Reading the head")
    prepared = prepare_target(target)
    points = choose_points(template)
    if landmarks is None:
        guess = find_face(template, points, prepared, subprogress(progress, 0.05, 0.5))
    else:
        check_manual_landmarks(landmarks)
        guess = place_by_landmarks(template, points, prepared, landmarks)
    progress(0.5, "Fitting the identity")
    goals = landmark_goals(landmarks, guess.similarity.after(prepared.similarity))
    vertices, triangles = _skin(template, prepared, guess)
    surface = FacingSurface(vertices, triangles, QUICK_SPACING_MM, QUICK_NORMAL_WEIGHT_MM)
    identity = fit_identity(template, points, surface, FULL_STAGES, guess.fit.similarity, goals)
    if landmarks is None and explained(template, identity, surface) < MIN_EXPLAINED:
        raise RegistrationFailedError(NO_FACE)
    return _bent_fit(template, prepared, guess, identity, triangles, landmarks, progress)


def _skin(template: Template, target: SearchTarget, guess: Guess) -> tuple[FloatArray, IntArray]:
    """Vertices in the guess's frame and triangles of the loose parts that are the face's skin."""
    vertices, kept = surroundings(template, target, guess.similarity)
    triangles = target.triangles[kept]
    surface = FacingSurface(vertices, triangles, QUICK_SPACING_MM, QUICK_NORMAL_WEIGHT_MM)
    face = outer_face(template)
    placed = guess.fit.placed
    normals = vertex_normals(placed, template.triangles)
    found = surface.closest(placed[face], normals[face])
    is_near = found.distances < EXPLAINED_MM
    parts = target.parts[kept]
    votes = np.bincount(parts[found.triangle_indices[is_near]], minlength=int(parts.max()) + 1)
    is_skin = votes >= SKIN_PART_SHARE * max(votes.max(), 1)
    return vertices, triangles[is_skin[parts]]


def _bent_fit(
    template: Template,
    target: SearchTarget,
    guess: Guess,
    identity: IdentityFit,
    triangles: IntArray,
    landmarks: dict[int, FloatArray] | None,
    progress: Progress,
) -> Fit:
    own_to_template = identity.similarity.inverse().after(guess.similarity)
    similarity = own_to_template.after(target.similarity)
    surface = FacingSurface(
        own_to_template.apply(target.vertices), triangles, FINE_SPACING_MM, FINE_NORMAL_WEIGHT_MM
    )
    goals = landmark_goals(landmarks, similarity)
    neutral = bend(template, identity.vertices, surface, goals, subprogress(progress, 0.6, 0.95))
    progress(0.95, "Carrying eyes and teeth along")
    residual = _residual(template, neutral, surface.vertices, triangles)
    progress(1.0, "Fitted")
    return Fit(
        similarity=similarity,
        identity_coefficients=identity.coefficients,
        neutral=neutral,
        inner=carry_inner_parts(template, identity.coefficients, neutral),
        landmarks=template.landmarks.positions(neutral, template.triangles),
        residual=residual,
        warnings=_warnings(residual),
    )


def _residual(
    template: Template, neutral: FloatArray, vertices: FloatArray, triangles: IntArray
) -> Residual:
    """Distances of the face from the nearest skin that does not face away."""
    surface = FacingSurface(vertices, triangles, FINE_SPACING_MM, MEASURING_NORMAL_WEIGHT_MM)
    face = outer_face(template)
    normals = vertex_normals(neutral, template.triangles)[face]
    return Residual.from_distances(surface.closest(neutral[face], normals).distances)


def _warnings(residual: Residual) -> tuple[str, ...]:
    if residual.verdict == "good":
        return ()
    return (
        f"The face fits to {residual.mean_mm:.1f} mm on average: look at the overlay, and place "
        "landmarks by hand if lips or lids are off.",
    )
