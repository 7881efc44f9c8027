"""The whole fit in one page: find the head, fit who it is, bend the rest, carry the inside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import RegistrationFailedError
from ..landmarks import check_manual_landmarks
from ..mesh import Mesh, vertex_normals
from ..progress import Progress, no_progress, subprogress
from ..template import Template
from .alignment import Fit, Residual, Similarity
from .closest_points import FacingSurface
from .find_head import face_model, find_heads, outer_face
from .identity_fit import (
    FULL_STAGES,
    QUICK_STAGES,
    FittedPoints,
    IdentityFit,
    LandmarkGoals,
    choose_points,
    fit_identity,
)
from .inner_fit import carry_inner_parts
from .nonrigid import bend
from .rigid import fit_similarity
from .target import SearchTarget, prepare_target

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Surroundings of the template that are looked at once the head is found, mm.
MARGIN_MM = 40.0
# Distance between samples and weight of the normals in the closest-point search, mm.
QUICK_SPACING_MM, QUICK_NORMAL_WEIGHT_MM = 5.0, 15.0
FINE_SPACING_MM, FINE_NORMAL_WEIGHT_MM = 2.0, 20.0
# Measuring asks for the nearest surface, the normal only tells the front from the back.
MEASURING_NORMAL_WEIGHT_MM = 2.0
# A face point within this distance of the surface is explained as far as the normals agree.
EXPLAINED_MM = 6.0
# Loose parts that explain less than this share of the face are eyes, lashes, hair or clothes.
SKIN_PART_SHARE = 0.1
# Below this explained share there is no face. Measured: eggs, cubes, hands, backs of heads and
# bodies without heads reach 0.52; a body's head of 1,500 triangles 0.62, of full detail 0.84.
MIN_EXPLAINED = 0.6
# A first, rough fit that explains this much needs no rival.
SURELY_EXPLAINED = 0.75
NO_FACE = (
    "No face was found in this mesh: check that it shows a whole head, or place the 13 landmarks "
    "by hand."
)


@dataclass(frozen=True, eq=False)
class _Guess:
    """A similarity target → roughly template mm, the fit in that frame, and its score."""

    similarity: Similarity
    fit: IdentityFit
    score: float


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
        guess = _find(template, points, prepared, subprogress(progress, 0.05, 0.5))
    else:
        check_manual_landmarks(landmarks)
        guess = _place_by_landmarks(template, points, prepared, landmarks)
    progress(0.5, "Fitting the identity")
    goals = _landmark_goals(landmarks, guess.similarity.after(prepared.similarity))
    vertices, triangles = _skin(template, prepared, guess)
    surface = FacingSurface(vertices, triangles, QUICK_SPACING_MM, QUICK_NORMAL_WEIGHT_MM)
    identity = fit_identity(template, points, surface, FULL_STAGES, guess.fit.similarity, goals)
    if landmarks is None and _explained(template, identity, surface) < MIN_EXPLAINED:
        raise RegistrationFailedError(NO_FACE)
    return _bent_fit(template, prepared, guess, identity, triangles, landmarks, progress)


def _find(
    template: Template, points: FittedPoints, target: SearchTarget, progress: Progress
) -> _Guess:
    """Look where faces could be, fit an identity to the best few, keep what explains a face."""
    looking = subprogress(progress, 0.0, 0.6)
    candidates = find_heads(face_model(template), target, progress=looking)
    guesses = []
    for k in range(len(candidates.scales)):
        progress(0.6 + 0.4 * k / len(candidates.scales), "Looking closer")
        placed = Similarity(
            candidates.scales[k], candidates.rotations[k], candidates.translations[k]
        ).inverse()
        guesses.append(_guess(template, points, target, placed))
        if guesses[-1].score > SURELY_EXPLAINED:
            break
    return max(guesses, key=lambda guess: guess.score)


def _place_by_landmarks(
    template: Template,
    points: FittedPoints,
    target: SearchTarget,
    landmarks: dict[int, FloatArray],
) -> _Guess:
    goals = _goals_in(landmarks, target.similarity)
    placed = fit_similarity(goals.positions, template.landmark_positions[goals.numbers])
    return _guess(template, points, target, placed, landmarks)


def _guess(
    template: Template,
    points: FittedPoints,
    target: SearchTarget,
    placed: Similarity,
    landmarks: dict[int, FloatArray] | None = None,
) -> _Guess:
    """Fit a rough identity where the head was `placed` (target's own frame → mm)."""
    vertices, kept = _surroundings(template, target, placed)
    surface = FacingSurface(
        vertices, target.triangles[kept], QUICK_SPACING_MM, QUICK_NORMAL_WEIGHT_MM
    )
    goals = _landmark_goals(landmarks, placed.after(target.similarity))
    fit = fit_identity(template, points, surface, QUICK_STAGES, landmarks=goals)
    return _Guess(placed, fit, _explained(template, fit, surface))


def _landmark_goals(
    landmarks: dict[int, FloatArray] | None, similarity: Similarity
) -> LandmarkGoals | None:
    """What the landmarks by hand ask for once brought to mm by `similarity`."""
    return None if landmarks is None else _goals_in(landmarks, similarity)


def _goals_in(landmarks: dict[int, FloatArray], similarity: Similarity) -> LandmarkGoals:
    numbers = np.array(sorted(landmarks))
    positions = np.array([landmarks[int(number)] for number in numbers], np.float64)
    return LandmarkGoals(numbers, similarity.apply(positions))


def _surroundings(
    template: Template, target: SearchTarget, placed: Similarity
) -> tuple[FloatArray, IntArray]:
    """(W, 3) target vertices in mm and the triangles around the template's head."""
    vertices = placed.apply(target.vertices)
    low = template.vertices.min(axis=0) - MARGIN_MM
    high = template.vertices.max(axis=0) + MARGIN_MM
    corners = vertices[target.triangles]
    near = (corners.max(axis=1) > low).all(axis=1) & (corners.min(axis=1) < high).all(axis=1)
    if not near.any():
        raise RegistrationFailedError(NO_FACE)
    return vertices, np.flatnonzero(near)


def _skin(template: Template, target: SearchTarget, guess: _Guess) -> tuple[FloatArray, IntArray]:
    """Vertices in the guess's frame and triangles of the loose parts that are the face's skin."""
    vertices, kept = _surroundings(template, target, guess.similarity)
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


def _explained(template: Template, fit: IdentityFit, surface: FacingSurface) -> float:
    """How much of the face lies on the surface and faces as it does, at most 1; bumps count most.

    A ball explains cheeks and foreheads; only a face explains the sides of a nose.
    """
    face = outer_face(template)
    placed = fit.placed
    normals = vertex_normals(placed, template.triangles)[face]
    found = surface.closest(placed[face], normals)
    agreement = np.sum(found.normals * normals, axis=1) * (found.distances < EXPLAINED_MM)
    ahead = normals.mean(axis=0)
    bumps = 1.05 - np.clip(normals @ (ahead / max(float(np.linalg.norm(ahead)), 1e-9)), 0.0, 1.0)
    return float(bumps @ agreement / bumps.sum())


def _bent_fit(
    template: Template,
    target: SearchTarget,
    guess: _Guess,
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
    goals = _landmark_goals(landmarks, similarity)
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
