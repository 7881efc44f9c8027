"""The whole fit in one page: find the head, fit who it is, bend the rest, carry the inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import RegistrationFailedError
from ..landmarks import check_manual_landmarks
from ..mesh import Mesh, vertex_normals
from ..progress import Progress, no_progress, subprogress
from ..template import Template
from ..topology import sheets_of
from .alignment import Fit, Similarity
from .closest_points import FacingSurface
from .find_head import outer_face
from .fit_report import (
    landmark_confidences,
    landmark_distances,
    misfit_mm,
    residual_of,
    warnings_of,
)
from .fitted_points import FittedPoints, choose_points
from .half_head import HALF_HEAD, SymmetryCut, find_symmetry_cut
from .identity_fit import (
    FULL_STAGES,
    PROPORTION_STAGES,
    REFIT_STAGES,
    STYLISED_STAGES,
    IdentityFit,
    LandmarkGoals,
    fit_identity,
)
from .inner_fit import carry_inner_parts
from .landmark_confidence import fitted_confidences
from .locate import (
    EXPLAINED_MM,
    NO_FACE,
    QUICK_NORMAL_WEIGHT_MM,
    QUICK_SPACING_MM,
    Guess,
    explained,
    find_face,
    is_face,
    landmark_goals,
    may_be_face,
    place_by_landmarks,
    surroundings,
)
from .nonrigid import bend
from .pins import check_pins
from .target import SearchTarget, prepare_target

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Distance between samples and weight of the normals in the closest-point search, mm.
FINE_SPACING_MM, FINE_NORMAL_WEIGHT_MM = 2.0, 20.0
# Loose parts that explain less than this share of the face are eyes, lashes, hair or clothes.
SKIN_PART_SHARE = 0.1
# Nineteen twentieths of people's faces fit to 0.1 to 0.8 mm; from here on other proportions are
# tried as well.
STYLISED_MISFIT_MM = 0.9
# A sure landmark that was seen pulls this much of one placed by hand while proportions are found.
SEEN_LANDMARK_PULL = 0.3
# Landmarks given by hand that no identity comes nearer to than this need other proportions.
STYLISED_GOAL_MM = 2.0
# These landmarks lie in the middle of a face, and the cut of a half head no farther from them, mm.
MIDDLE_LANDMARKS, NEAR_CUT_MM = (27, 28, 29, 30, 33, 51, 57, 8), 10.0
# A refit starts close: the stiffest rounds of bending would find nothing to do.
REFIT_FIRST_ROUND = 1


def fit_template(
    template: Template,
    target: Mesh,
    landmarks: Mapping[int, FloatArray] | None = None,
    progress: Progress = no_progress,
    pins: Mapping[int, FloatArray] | None = None,
) -> Fit:
    """Find the template's head in a target of any unit, turn and topology, and bend it onto it.

    landmarks: by hand, {number 0–67: (3,) in the target's coordinates}, at least 13, or None; they
    replace the search. pins: any number of the same, which pull the head that the search found.
    Where no face is found in a mesh that ends in one plane, it may be half a head: it is looked at
    again together with its mirror image. Raises InvalidMeshError for a mesh without size,
    LandmarkError for unusable landmarks, and RegistrationFailedError where no face is found.
    """
    try:
        return _fit_whole(template, target, landmarks, progress, pins)
    except RegistrationFailedError as refusal:
        cut = find_symmetry_cut(target) if landmarks is None else None
        if cut is None:
            raise
        try:
            fit = _fit_whole(template, cut.completed(target), None, progress, pins)
        except RegistrationFailedError:  # which would speak of a mesh that nobody gave
            raise refusal from None
        if not _halves(cut, fit):
            raise
        return replace(fit, cut=cut, warnings=(*fit.warnings, HALF_HEAD))


def _halves(cut: SymmetryCut, fit: Fit) -> bool:
    """Whether the cut goes through the middle of the face: it is no bust with its reflection."""
    to_target = fit.similarity.inverse()
    middle = to_target.apply(fit.landmarks[list(MIDDLE_LANDMARKS)])
    sideways = to_target.apply_vectors(np.array([1.0, 0.0, 0.0])) / to_target.scale
    return cut.halves(middle, sideways, NEAR_CUT_MM * to_target.scale)


def _fit_whole(
    template: Template,
    target: Mesh,
    landmarks: Mapping[int, FloatArray] | None,
    progress: Progress,
    pins: Mapping[int, FloatArray] | None,
) -> Fit:
    """`fit_template` for a mesh that is taken as it is."""
    progress(0.0, "Reading the head")
    prepared = prepare_target(target)
    points = choose_points(template)
    by_hand = {**(landmarks or {}), **(pins or {})}
    if landmarks is None:
        guess = find_face(template, points, prepared, subprogress(progress, 0.05, 0.5))
    else:
        check_manual_landmarks(dict(landmarks))
        guess = place_by_landmarks(template, points, prepared, dict(landmarks))
    if pins:
        check_pins(pins, template, guess.fit.similarity.inverse().after(_to_guess(guess, prepared)))
    if landmarks is None and not may_be_face(guess.detection):
        raise RegistrationFailedError(NO_FACE)  # at once, however well a face could be fitted
    progress(0.5, "Fitting the identity")
    surface = _skin(template, prepared, guess)
    goals = landmark_goals(dict(by_hand) or None, _to_guess(guess, prepared))
    identity = _identity(template, points, surface, guess, goals)
    share = explained(template, identity, surface)
    if landmarks is None and not is_face(share, guess.detection):
        raise RegistrationFailedError(NO_FACE)
    return _bent_fit(template, prepared, guess, identity, surface.triangles, by_hand, progress)


def refit_template(
    template: Template,
    target: Mesh,
    fit: Fit,
    pins: Mapping[int, FloatArray],
    progress: Progress = no_progress,
) -> Fit:
    """The fit again from a known one, pulled by pins; nothing is searched for.

    pins: {number 0–67: (3,) in the target's coordinates}, all that hold; none at all is allowed.
    Raises LandmarkError for unusable pins.
    """
    progress(0.0, "Reading the head")
    check_pins(pins, template, fit.similarity)
    prepared = prepare_target(target if fit.cut is None else fit.cut.completed(target))
    points = choose_points(template)
    known = IdentityFit(
        Similarity.identity(),
        fit.identity_coefficients,
        fit.neutral,
        fit.smooth_coefficients,
    )
    guess = Guess(fit.similarity.after(prepared.similarity.inverse()), known, 1.0)
    surface = _skin(template, prepared, guess)
    goals = landmark_goals(dict(pins) or None, fit.similarity)
    progress(0.3, "Fitting the identity")
    identity = fit_identity(template, points, surface, REFIT_STAGES, landmarks=goals, before=known)
    if goals is not None and _farthest_goal(template, identity, goals) > STYLISED_GOAL_MM:
        identity = fit_identity(
            template, points, surface, STYLISED_STAGES, landmarks=goals, before=identity
        )
    bent = _bent_fit(
        template, prepared, guess, identity, surface.triangles, pins, progress, REFIT_FIRST_ROUND
    )
    if fit.cut is None:
        return bent
    return replace(bent, cut=fit.cut, warnings=(*bent.warnings, HALF_HEAD))


def _to_guess(guess: Guess, target: SearchTarget) -> Similarity:
    """Target coordinates → the frame the guess fits in."""
    return guess.similarity.after(target.similarity)


def _identity(
    template: Template,
    points: FittedPoints,
    surface: FacingSurface,
    guess: Guess,
    goals: LandmarkGoals | None,
) -> IdentityFit:
    """Who it is; with other proportions too where no identity comes close to the face."""
    start = guess.fit.similarity
    plain = fit_identity(template, points, surface, FULL_STAGES, start, goals)
    misfit = misfit_mm(template, points, plain, surface)
    is_off = goals is not None and _farthest_goal(template, plain, goals) > STYLISED_GOAL_MM
    if misfit < STYLISED_MISFIT_MM and not is_off:
        return plain
    guides = _seen_landmarks(guess, goals)
    rough = fit_identity(template, points, surface, PROPORTION_STAGES, start, guides)
    stylised = fit_identity(
        template, points, surface, STYLISED_STAGES, landmarks=goals, before=rough
    )
    better = misfit_mm(template, points, stylised, surface) < misfit
    return stylised if better or is_off else plain


def _seen_landmarks(guess: Guess, goals: LandmarkGoals | None) -> LandmarkGoals | None:
    """The landmarks by hand, and those that were seen on the head as far as they are sure."""
    seen = guess.detection
    if seen is None:
        return goals
    positions = seen.in_frame(guess.similarity)
    weights = SEEN_LANDMARK_PULL * seen.confidences
    if goals is not None:
        positions[goals.numbers], weights[goals.numbers] = goals.positions, 1.0
    return LandmarkGoals(np.arange(len(positions)), positions, weights)


def _farthest_goal(template: Template, fit: IdentityFit, goals: LandmarkGoals) -> float:
    placed = template.landmarks.positions(fit.placed, template.triangles)[goals.numbers]
    return float(np.linalg.norm(placed - goals.positions, axis=1).max())


def _skin(template: Template, target: SearchTarget, guess: Guess) -> FacingSurface:
    """The parts that are the face's skin, in the guess's frame; what is welded to it is none."""
    vertices, kept = surroundings(template, target, guess.similarity)
    triangles = target.triangles[kept]
    surface = FacingSurface(vertices, triangles, QUICK_SPACING_MM, QUICK_NORMAL_WEIGHT_MM)
    face = outer_face(template)
    placed = guess.fit.placed
    normals = vertex_normals(placed, template.triangles)
    found = surface.closest(placed[face], normals[face])
    is_near = found.distances < EXPLAINED_MM
    parts = sheets_of(triangles)
    votes = np.bincount(parts[found.triangle_indices[is_near]], minlength=int(parts.max()) + 1)
    is_skin = votes >= SKIN_PART_SHARE * max(votes.max(), 1)
    kept_parts = is_skin[parts]
    if kept_parts.all():
        return surface
    return FacingSurface(vertices, triangles[kept_parts], QUICK_SPACING_MM, QUICK_NORMAL_WEIGHT_MM)


def _bent_fit(
    template: Template,
    target: SearchTarget,
    guess: Guess,
    identity: IdentityFit,
    triangles: IntArray,
    by_hand: Mapping[int, FloatArray],
    progress: Progress,
    first_round: int = 0,
) -> Fit:
    own_to_template = identity.similarity.inverse().after(guess.similarity)
    similarity = own_to_template.after(target.similarity)
    surface = FacingSurface(
        own_to_template.apply(target.vertices), triangles, FINE_SPACING_MM, FINE_NORMAL_WEIGHT_MM
    )
    goals = landmark_goals(dict(by_hand) or None, similarity)
    bending = subprogress(progress, 0.6, 0.95)
    inner = carry_inner_parts(template, identity.coefficients, identity.vertices)
    neutral = bend(
        template,
        identity.vertices,
        surface,
        goals,
        bending,
        first_round,
        identity.deviation_mm,
        inner,
    )
    progress(0.95, "Carrying eyes and teeth along")
    residual, distances = residual_of(template, neutral, surface)
    landmarks = template.landmarks.positions(neutral, template.triangles)
    if guess.detection is None:
        confidences = landmark_confidences(template, identity.vertices, neutral, surface)
    else:
        off = landmark_distances(template, neutral, surface)
        confidences = fitted_confidences(guess.detection, own_to_template, landmarks, off)
    confidences[sorted(by_hand)] = 1.0
    progress(1.0, "Fitted")
    return Fit(
        similarity=similarity,
        identity_coefficients=identity.coefficients,
        neutral=neutral,
        inner=carry_inner_parts(template, identity.coefficients, neutral),
        landmarks=landmarks,
        residual=residual,
        landmark_confidences=confidences,
        warnings=warnings_of(template, residual, distances),
        smooth_coefficients=identity.smooth_coefficients,
    )
