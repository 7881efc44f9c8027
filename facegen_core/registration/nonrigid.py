"""Bend the fitted template skin onto the target: stiff first, then softer, lips and lids too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..mesh import vertex_normals
from ..progress import Progress, no_progress
from ..template import Template
from ..topology import cotangent_laplacian, factorised
from .closest_points import FacingSurface
from .fitted_points import rims
from .identity_fit import LandmarkGoals
from .rim_pull import RimPull

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Bending length of each round, mm: details shorter than this are smoothed over. Shrinking by
# two fifths every round lets large shapes settle before small ones (Amberg et al. 2007, optimal
# step non-rigid ICP, decreasing stiffness).
BENDING_LENGTHS_MM = (36.0, 21.0, 12.0, 7.5, 4.5, 3.0)
# Lips and lids are rounder than a cheek: they are bent as finely as this, in rounds of their own.
RIM_LENGTHS_MM = (2.0, 2.0)
# From this round on they are pulled by the target's (see `rim_pull`): before, they may lie apart.
FIRST_RIM_ROUND = 2
# Reach of the Tukey weight in the first and last round, mm.
FACE_REACH_MM = (12.0, 4.0)
REST_REACH_MM = (30.0, 12.0)  # skulls and necks differ more, and hold nothing to be mistaken for
# Normals farther apart than this (cosine) belong to another side of something.
MIN_FACING = 0.5
# Share of the sideways way to the closest point that is taken; the rest slides. Sideways the
# identity knows better than the closest point does. Lips and lids turn sharply, so normals tell
# some of their place: in between.
SIDEWAYS_SHARE = 0.1
RIM_SIDEWAYS_SHARE = 0.3
# An identity that leaves less than this, mm, knows the way sideways better still, as the variances
# are: a voxel remesh has no folds at lips and lids, and closest points slide over what is left.
SIDEWAYS_DEVIATION_MM = 0.3
LANDMARK_WEIGHT_MM2 = 500.0  # a landmark by hand weighs as much as this area of skin


@dataclass(frozen=True, eq=False)
class BendingRules:
    """What each template vertex listens to.

    weights: (V,) pull of the target, 0 inside mouth and eye sockets; sideways: (V,) share of the
    sideways way to the closest point that is taken; is_face: (V,) bool; at_rims: (V,) in [0, 1].
    """

    weights: FloatArray
    sideways: FloatArray
    is_face: NDArray[np.bool_]
    at_rims: FloatArray


def bending_rules(template: Template, deviation_mm: float = np.inf) -> BendingRules:
    """The face follows its target closely; the rest softly; the inside only by smoothness.

    deviation_mm: what the identity left between face and target.
    """
    known = min((deviation_mm / SIDEWAYS_DEVIATION_MM) ** 2, 1.0)
    regions = template.regions
    inside = regions["mouth_bag"] + regions["eye_socket_left"] + regions["eye_socket_right"]
    weights = np.full(template.num_vertices, 0.6)
    weights[(regions["ear_left"] > 0.5) | (regions["ear_right"] > 0.5)] = 0.3
    weights[regions["face"] > 0.5] = 1.0
    at_rims = rims(template)
    return BendingRules(
        weights * np.clip(1.0 - 2.0 * inside, 0.0, 1.0),
        known * (SIDEWAYS_SHARE + (RIM_SIDEWAYS_SHARE - SIDEWAYS_SHARE) * at_rims),
        np.asarray(regions["face"]) > 0.5,
        at_rims,
    )


def bend(
    template: Template,
    start: FloatArray,
    surface: FacingSurface,
    landmarks: LandmarkGoals | None = None,
    progress: Progress = no_progress,
    first_round: int = 0,
    deviation_mm: float = np.inf,
    inner: Mapping[str, FloatArray] | None = None,
) -> FloatArray:
    """(V, 3) skin bent from `start` (V, 3) onto the surface, all in template mm.

    first_round: rounds to leave out, where `start` is close already. deviation_mm: how far `start`
    lies from the surface, robustly. inner: {inner part: (P, 3) mm} where eyeballs, teeth and tongue
    are, None where the target is known to have none.

    Each round finds facing closest points and solves (W + L A⁻¹ ℓ⁴ L) D = W (goals - start) for
    the displacement D, with L the cotangent Laplacian, A the areas and ℓ the bending length.
    """
    start = np.asarray(start, np.float64)
    rules = bending_rules(template, deviation_mm)
    laplacian, areas = _laplacian_and_areas(start, template.triangles)
    rim_pull = RimPull.of(template, start, surface, inner)
    vertices = start
    rounds = [(length, length) for length in BENDING_LENGTHS_MM]
    rounds += [(BENDING_LENGTHS_MM[-1], length) for length in RIM_LENGTHS_MM]
    for number, (length, rim_length) in list(enumerate(rounds))[first_round:]:
        progress(number / len(rounds), "Bending the template onto the head")
        share = min(number / (len(BENDING_LENGTHS_MM) - 1), 1.0)
        goals, weights = _goals(template, vertices, surface, rules, share)
        weights = weights * areas
        lengths = length + rules.at_rims * (rim_length - length)
        system = sparse.diags(weights) + laplacian.T @ sparse.diags(lengths**4 / areas) @ laplacian
        right = weights[:, None] * (goals - start)
        if number >= FIRST_RIM_ROUND:
            pull, wish = rim_pull.terms(start, vertices)
            system, right = system + pull, right + wish
        if landmarks is not None:
            pull, wish = _landmark_terms(template, start, landmarks)
            system, right = system + pull, right + wish
        system = system + 1e-7 * sparse.diags(areas)
        vertices = start + factorised(system).solve(right)
    return vertices


def _laplacian_and_areas(
    vertices: FloatArray, triangles: IntArray
) -> tuple[sparse.csr_matrix, FloatArray]:
    """(V, V) cotangent Laplacian, and (V,) vertex areas in mm²."""
    laplacian = cotangent_laplacian(vertices, triangles)
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    faces = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    shares = np.bincount(triangles.ravel(), np.repeat(faces / 3.0, 3), len(vertices))
    areas: FloatArray = np.maximum(shares, 1e-3 * shares.mean())
    return laplacian, areas


def _goals(
    template: Template,
    vertices: FloatArray,
    surface: FacingSurface,
    rules: BendingRules,
    share: float,
) -> tuple[FloatArray, FloatArray]:
    """(V, 3) where each vertex wants to be and (V,) how much."""
    normals = vertex_normals(vertices, template.triangles)
    goals, weights = vertices.copy(), np.zeros(len(vertices))
    rows = np.flatnonzero(rules.weights > 0)
    found = surface.closest(vertices[rows], normals[rows])
    offsets = found.positions - vertices[rows]
    along = np.sum(offsets * found.normals, axis=1)[:, None] * found.normals
    goals[rows] += along + rules.sideways[rows, None] * (offsets - along)
    reach = np.where(
        rules.is_face[rows],
        *(r[0] * (r[1] / r[0]) ** share for r in (FACE_REACH_MM, REST_REACH_MM)),
    )
    facing = np.sum(found.normals * normals[rows], axis=1)
    kept = np.clip(1.0 - (found.distances / reach) ** 2, 0.0, 1.0) ** 2
    kept *= np.clip((facing - MIN_FACING) / (1.0 - MIN_FACING), 0.0, 1.0)
    kept[found.is_border] = 0.0
    weights[rows] = rules.weights[rows] * kept
    return goals, weights


def _landmark_terms(
    template: Template, start: FloatArray, landmarks: LandmarkGoals
) -> tuple[sparse.csc_matrix, FloatArray]:
    corners = template.triangles[template.landmarks.triangle_indices[landmarks.numbers]]
    shares = template.landmarks.barycentrics[landmarks.numbers]
    rows = np.repeat(np.arange(len(corners)), 3)
    shape = (len(corners), len(start))
    pick = sparse.csr_matrix((shares.ravel(), (rows, corners.ravel())), shape)
    pull = LANDMARK_WEIGHT_MM2 * pick.T
    return (pull @ pick).tocsc(), pull @ (landmarks.positions - pick @ start)
