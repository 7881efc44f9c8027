"""Fit place, size and identity of the template together to a target, closest points and all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..mesh import vertex_normals
from ..template import Template
from .alignment import Similarity
from .closest_points import FacingSurface, farthest_points
from .rigid import similarity_columns, similarity_step

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

NUM_FITTED_POINTS = 2600
# How much each region says about who it is: hair, clothes and neck hide the head's own shape.
SCALP_WEIGHT, EAR_WEIGHT, NECK_WEIGHT = 0.25, 0.3, 0.2
# Lips, lids and nose are small and matter most: what they weigh more than a cheek.
RIM_GAIN, NOSE_GAIN = 4.0, 2.5
RIM_REGIONS = (
    "upper_lip",
    "lower_lip",
    "upper_lid_left",
    "lower_lid_left",
    "upper_lid_right",
    "lower_lid_right",
)
# The fit believes the points as if this many independent ones had this standard deviation; the
# prior on the coefficients, N(0, 1), has the rest of the say (Tikhonov).
NUM_INDEPENDENT_POINTS = 300.0
POINT_DEVIATION_MM = 1.0
# A landmark by hand counts as much as this many of those points.
LANDMARK_POINTS = 6.0
# Share of the full distance that counts besides the distance along the normal.
SLIDE_WEIGHT = 0.08
MAX_COEFFICIENT = 3.5


@dataclass(frozen=True)
class Stage:
    """One stretch of the fit: steps, identity modes in use, reach of the Tukey weight (mm)."""

    num_steps: int
    num_modes: int
    first_reach_mm: float
    last_reach_mm: float


QUICK_STAGES = (Stage(4, 0, 18.0, 12.0), Stage(7, 12, 12.0, 6.0))
FULL_STAGES = (Stage(3, 0, 14.0, 12.0), Stage(7, 15, 12.0, 7.0), Stage(12, 50, 7.0, 4.0))


@dataclass(frozen=True, eq=False)
class LandmarkGoals:
    """Landmarks by hand: which of the 68 (K,) and where they must come to lie (K, 3)."""

    numbers: IntArray
    positions: FloatArray


@dataclass(frozen=True, eq=False)
class IdentityFit:
    """similarity: template mm → the surface's frame; coefficients (N,); vertices: (V, 3) of the
    identity in template mm, before the similarity."""

    similarity: Similarity
    coefficients: FloatArray
    vertices: FloatArray

    @property
    def placed(self) -> FloatArray:
        """(V, 3) in the surface's frame."""
        return self.similarity.apply(self.vertices)


@dataclass(frozen=True, eq=False)
class FittedPoints:
    """The template vertices that take part: rows (P,), weights (P,), basis (N, P, 3)."""

    rows: IntArray
    weights: FloatArray
    basis: FloatArray


def choose_points(template: Template, num_points: int = NUM_FITTED_POINTS) -> FittedPoints:
    """Spread points over the outer skin and weigh them by what their region tells."""
    weights = outer_weights(template)
    outer = np.flatnonzero(weights > 0)
    spread = farthest_points(np.asarray(template.vertices, np.float64)[outer], num_points)[0]
    rows = outer[np.sort(spread)]
    basis = np.asarray(template.identity_basis[:, rows], np.float64)
    return FittedPoints(rows, weights[rows], basis)


def outer_weights(template: Template) -> FloatArray:
    """(V,): 1 on the face, more on lips, lids and nose, less under hair and clothes, 0 inside."""
    regions = template.regions
    weights = np.full(template.num_vertices, 0.5)
    weights[regions["scalp"] > 0.5] = SCALP_WEIGHT
    weights[(regions["ear_left"] > 0.5) | (regions["ear_right"] > 0.5)] = EAR_WEIGHT
    weights[regions["neck"] > 0.5] = NECK_WEIGHT
    weights[regions["face"] > 0.5] = 1.0
    weights *= 1.0 + (RIM_GAIN - 1.0) * rims(template)
    weights[regions["nose"] > 0.5] *= NOSE_GAIN
    inside = regions["mouth_bag"] + regions["eye_socket_left"] + regions["eye_socket_right"]
    weights[inside > 0.5] = 0.0
    return weights


def rims(template: Template) -> FloatArray:
    """(V,) in [0, 1]: lips and lids."""
    return np.clip(np.sum([template.regions[name] for name in RIM_REGIONS], axis=0), 0.0, 1.0)


def fit_identity(
    template: Template,
    points: FittedPoints,
    surface: FacingSurface,
    stages: tuple[Stage, ...],
    start: Similarity | None = None,
    landmarks: LandmarkGoals | None = None,
) -> IdentityFit:
    """Gauss–Newton over seven similarity parameters and the identity coefficients.

    Point to plane with Tukey weights of shrinking reach; `start` is template mm → surface frame.
    """
    similarity = Similarity.identity() if start is None else start
    coefficients = np.zeros(len(template.identity_basis))
    for stage in stages:
        num_modes = min(stage.num_modes, len(coefficients))
        for step in range(stage.num_steps):
            share = (step + 1) / stage.num_steps
            reach = stage.first_reach_mm * (stage.last_reach_mm / stage.first_reach_mm) ** share
            shape = template.with_identity(coefficients)
            centre = shape[points.rows].mean(axis=0)
            system, goal = _point_equations(
                template, shape, similarity, points, surface, num_modes, reach
            )
            if landmarks is not None:
                _add_landmarks(system, goal, template, shape, similarity, centre, landmarks)
            similarity, coefficients = _advance(similarity, coefficients, system, goal, centre)
    return IdentityFit(similarity, coefficients, template.with_identity(coefficients))


def _point_equations(
    template: Template,
    shape: FloatArray,
    similarity: Similarity,
    points: FittedPoints,
    surface: FacingSurface,
    num_modes: int,
    reach: float,
) -> tuple[FloatArray, FloatArray]:
    placed = similarity.apply(shape)
    normals = vertex_normals(placed, template.triangles)[points.rows]
    here = placed[points.rows]
    found = surface.closest(here, normals)
    facing = np.clip(np.sum(found.normals * normals, axis=1), 0.0, 1.0)
    weights = points.weights * facing * np.clip(1.0 - (found.distances / reach) ** 2, 0, 1) ** 2
    weights[found.is_border] = 0.0
    weights *= NUM_INDEPENDENT_POINTS / (POINT_DEVIATION_MM**2 * max(points.weights.sum(), 1e-9))
    basis = similarity.apply_vectors(points.basis[:num_modes])
    columns = _columns(here - similarity.apply(shape[points.rows].mean(axis=0)), basis)
    offsets = found.positions - here
    planes = np.einsum("pi,pik->pk", found.normals, columns)
    heights = np.sum(found.normals * offsets, axis=1)
    system = (planes * weights[:, None]).T @ planes
    goal = planes.T @ (weights * heights)
    slide = np.repeat(SLIDE_WEIGHT * weights, 3)
    flat = columns.reshape(-1, columns.shape[-1])
    system += (flat * slide[:, None]).T @ flat
    goal += flat.T @ (slide * offsets.ravel())
    return system, goal


def _columns(local: FloatArray, basis: FloatArray) -> FloatArray:
    """(P, 3, 7 + N) derivatives of the points by similarity and coefficients."""
    return np.concatenate([similarity_columns(local), basis.transpose(1, 2, 0)], axis=-1)


def _add_landmarks(
    system: FloatArray,
    goal: FloatArray,
    template: Template,
    shape: FloatArray,
    similarity: Similarity,
    centre: FloatArray,
    landmarks: LandmarkGoals,
) -> None:
    """Add the pull of the landmarks to `system` and `goal` in place."""
    chosen = template.landmarks.triangle_indices[landmarks.numbers]
    weights = template.landmarks.barycentrics[landmarks.numbers]
    corners = template.triangles[chosen]
    here = similarity.apply(np.einsum("lc,lcx->lx", weights, shape[corners]))
    num_modes = len(goal) - 7
    basis = np.einsum("lc,nlcx->nlx", weights, template.identity_basis[:num_modes][:, corners])
    columns = _columns(here - similarity.apply(centre), similarity.apply_vectors(basis))
    flat = columns.reshape(-1, columns.shape[-1])
    strength = LANDMARK_POINTS / POINT_DEVIATION_MM**2
    system += strength * flat.T @ flat
    goal += strength * flat.T @ (landmarks.positions - here).ravel()


def _advance(
    similarity: Similarity,
    coefficients: FloatArray,
    system: FloatArray,
    goal: FloatArray,
    centre: FloatArray,
) -> tuple[Similarity, FloatArray]:
    num_modes = len(goal) - 7
    rows = 7 + np.arange(num_modes)
    system[rows, rows] += 1.0
    goal[rows] -= coefficients[:num_modes]
    corner = np.arange(7)
    system[corner, corner] += 1e-9 * np.trace(system[:7, :7]) + 1e-12
    increments = np.linalg.solve(system, goal)
    growth, turns, shifts = similarity_step(increments[None, :7])
    anchor = similarity.apply(centre)
    turn, grow = turns[0], float(growth[0])
    moved = Similarity(grow, turn, anchor + shifts[0] - grow * turn @ anchor)
    updated = coefficients.copy()
    updated[:num_modes] = np.clip(
        updated[:num_modes] + increments[7:], -MAX_COEFFICIENT, MAX_COEFFICIENT
    )
    return moved.after(similarity), updated
