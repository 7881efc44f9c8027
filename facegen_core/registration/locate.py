"""Where the face is: places to look at, a rough identity fit at each, and the best of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import RegistrationFailedError
from ..mesh import vertex_normals
from ..progress import Progress, subprogress
from ..template import Template
from .alignment import Similarity
from .closest_points import FacingSurface
from .find_head import face_model, find_heads, outer_face
from .identity_fit import QUICK_STAGES, FittedPoints, IdentityFit, LandmarkGoals, fit_identity
from .rigid import fit_similarity
from .target import SearchTarget

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Surroundings of the template that are looked at once the head is found, mm.
MARGIN_MM = 40.0
# Distance between samples and weight of the normals in the closest-point search, mm.
QUICK_SPACING_MM, QUICK_NORMAL_WEIGHT_MM = 5.0, 15.0
# A face point within this distance of the surface is explained as far as the normals agree.
EXPLAINED_MM = 6.0
# A first, rough fit that explains this much needs no rival.
SURELY_EXPLAINED = 0.75
NO_FACE = (
    "No face was found in this mesh: check that it shows a whole head, or place the 13 landmarks "
    "by hand."
)


@dataclass(frozen=True, eq=False)
class Guess:
    """A similarity target → roughly template mm, the fit in that frame, and its score."""

    similarity: Similarity
    fit: IdentityFit
    score: float


def find_face(
    template: Template, points: FittedPoints, target: SearchTarget, progress: Progress
) -> Guess:
    """Look where faces could be, fit an identity to the best few, keep what explains a face."""
    looking = subprogress(progress, 0.0, 0.6)
    candidates = find_heads(face_model(template), target, progress=looking)
    guesses = []
    for k in range(len(candidates.scales)):
        progress(0.6 + 0.4 * k / len(candidates.scales), "Looking closer")
        placed = Similarity(
            candidates.scales[k], candidates.rotations[k], candidates.translations[k]
        ).inverse()
        guesses.append(guess_at(template, points, target, placed))
        if guesses[-1].score > SURELY_EXPLAINED:
            break
    return max(guesses, key=lambda guess: guess.score)


def place_by_landmarks(
    template: Template,
    points: FittedPoints,
    target: SearchTarget,
    landmarks: dict[int, FloatArray],
) -> Guess:
    goals = _goals_in(landmarks, target.similarity)
    placed = fit_similarity(goals.positions, template.landmark_positions[goals.numbers])
    return guess_at(template, points, target, placed, landmarks)


def guess_at(
    template: Template,
    points: FittedPoints,
    target: SearchTarget,
    placed: Similarity,
    landmarks: dict[int, FloatArray] | None = None,
) -> Guess:
    """Fit a rough identity where the head was `placed` (target's own frame → mm)."""
    vertices, kept = surroundings(template, target, placed)
    surface = FacingSurface(
        vertices, target.triangles[kept], QUICK_SPACING_MM, QUICK_NORMAL_WEIGHT_MM
    )
    goals = landmark_goals(landmarks, placed.after(target.similarity))
    fit = fit_identity(template, points, surface, QUICK_STAGES, landmarks=goals)
    return Guess(placed, fit, explained(template, fit, surface))


def landmark_goals(
    landmarks: dict[int, FloatArray] | None, similarity: Similarity
) -> LandmarkGoals | None:
    """What the landmarks by hand ask for once brought to mm by `similarity`."""
    return None if landmarks is None else _goals_in(landmarks, similarity)


def _goals_in(landmarks: dict[int, FloatArray], similarity: Similarity) -> LandmarkGoals:
    numbers = np.array(sorted(landmarks))
    positions = np.array([landmarks[int(number)] for number in numbers], np.float64)
    return LandmarkGoals(numbers, similarity.apply(positions))


def surroundings(
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


def explained(template: Template, fit: IdentityFit, surface: FacingSurface) -> float:
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
