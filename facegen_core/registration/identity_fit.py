"""Fit place, size and identity of the template together to a target, closest points and all."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..mesh import vertex_normals
from ..template import Template
from .alignment import Similarity
from .closest_points import FacingSurface
from .fitted_points import FittedPoints
from .proportions import smooth_modes
from .rigid import similarity_columns, similarity_step

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# The fit believes the points as if this many independent ones had a standard deviation as large
# as what is left between template and target (the median, robustly), within these bounds, mm. The
# prior on the coefficients, N(0, 1), has the rest of the say (Tikhonov): people like those of the
# basis are found to a tenth of a millimetre, strangers are not bent into them.
NUM_INDEPENDENT_POINTS = 300.0
DEVIATIONS_MM = (0.1, 1.0)
# The stretches must neither grow nor turn the head as a whole: the similarity does, and keeps
# millimetres those of a head of real size. Rows of sums of stretches that are held at 0.
SIMILARITIES = np.zeros((4, 9))
SIMILARITIES[0, [0, 4, 8]] = 1.0
SIMILARITIES[[1, 2, 3], [1, 2, 5]], SIMILARITIES[[1, 2, 3], [3, 6, 7]] = 1.0, -1.0
SIMILARITY_HOLD = 1e4
# A landmark by hand counts as much as this many points of one millimetre's deviation.
LANDMARK_POINTS = 6.0
# Share of the full distance that counts besides the distance along the normal: friction, which
# holds a face that is far from its surface and slows the last tenths of a millimetre sideways.
FIRST_SLIDE, LAST_SLIDE = 0.05, 0.01
MAX_COEFFICIENT = 3.5


@dataclass(frozen=True)
class Stage:
    """One stretch of the fit: steps, identity modes in use, reach of the Tukey weight (mm), how
    many of the smooth fields of `proportions` take part, and the friction."""

    num_steps: int
    num_modes: int
    first_reach_mm: float
    last_reach_mm: float
    num_smooth: int = 0
    slide: float = FIRST_SLIDE


QUICK_STAGES = (Stage(4, 0, 18.0, 12.0), Stage(7, 12, 12.0, 6.0))
FULL_STAGES = (
    Stage(3, 0, 14.0, 12.0),
    Stage(7, 15, 12.0, 7.0),
    Stage(14, 100, 7.0, 4.0, slide=LAST_SLIDE),
)
# For heads that no identity explains: proportions first, then swellings, then both with identity.
# Landmarks that were seen on the head guide the first, the surface alone decides the second.
PROPORTION_STAGES = (
    Stage(10, 0, 40.0, 25.0, 3),
    Stage(10, 10, 25.0, 14.0, 3),
    Stage(8, 15, 18.0, 10.0, 24),
)
STYLISED_STAGES = (Stage(12, 100, 12.0, 3.0, 75),)
# From a known fit: only what the artist's pins change.
REFIT_STAGES = (Stage(6, 100, 6.0, 4.0, slide=LAST_SLIDE),)


@dataclass(frozen=True, eq=False)
class LandmarkGoals:
    """Landmarks: which of the 68 (K,), where they must come to lie (K, 3), and how much each
    counts (K,), 1 for one by hand."""

    numbers: IntArray
    positions: FloatArray
    weights: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class IdentityFit:
    """similarity: template mm → the surface's frame; coefficients (N,) of the identity and (3 K,)
    of the smooth fields; vertices: (V, 3) of both in template mm, before the similarity;
    deviation_mm: the robust distance that is left."""

    similarity: Similarity
    coefficients: FloatArray
    vertices: FloatArray
    smooth_coefficients: FloatArray = field(default_factory=lambda: np.zeros(0))
    deviation_mm: float = np.inf

    @property
    def placed(self) -> FloatArray:
        """(V, 3) in the surface's frame."""
        return self.similarity.apply(self.vertices)


def fit_identity(
    template: Template,
    points: FittedPoints,
    surface: FacingSurface,
    stages: tuple[Stage, ...],
    start: Similarity | None = None,
    landmarks: LandmarkGoals | None = None,
    before: IdentityFit | None = None,
) -> IdentityFit:
    """Gauss–Newton over seven similarity parameters, identity and smooth coefficients.

    Point to plane with Tukey weights of shrinking reach; `start` is template mm → surface frame;
    `before` is an earlier fit to go on from, in place of the mean face at `start`.
    """
    state = _State.at_start(template, start, before)
    for stage in stages:
        columns = _Columns.of(template, points, stage)
        for step in range(stage.num_steps):
            share = (step + 1) / stage.num_steps
            reach = stage.first_reach_mm * (stage.last_reach_mm / stage.first_reach_mm) ** share
            system, goal, deviation = _point_equations(
                template, state, points, columns, surface, reach, stage.slide
            )
            if landmarks is not None:
                _add_landmarks(system, goal, template, state, columns, landmarks)
            state = _advance(template, state, columns, system, goal, deviation)
    return IdentityFit(
        state.similarity, state.coefficients, state.shape, state.smooth, state.deviation
    )


@dataclass(frozen=True, eq=False)
class _State:
    """Where the fit stands: similarity, coefficients (N,), smooth (3 K,), shape (V, 3) in mm."""

    similarity: Similarity
    coefficients: FloatArray
    smooth: FloatArray
    shape: FloatArray
    deviation: float

    @classmethod
    def at_start(
        cls, template: Template, start: Similarity | None, before: IdentityFit | None
    ) -> _State:
        if before is not None:
            similarity = before.similarity if start is None else start
            coefficients, smooth = before.coefficients, before.smooth_coefficients
        else:
            similarity = Similarity.identity() if start is None else start
            coefficients, smooth = np.zeros(len(template.identity_basis)), np.zeros(0)
        return cls(similarity, coefficients, smooth, _shape(template, coefficients, smooth), 1.0)


@dataclass(frozen=True, eq=False)
class _Columns:
    """What a stage may change: the first identity modes (N', P, 3), then smooth ones."""

    num_modes: int
    num_smooth: int
    centre_rows: IntArray
    basis: FloatArray

    @classmethod
    def of(cls, template: Template, points: FittedPoints, stage: Stage) -> _Columns:
        num_modes = min(stage.num_modes, len(points.basis))
        basis = points.basis[:num_modes]
        if stage.num_smooth:
            smooth = smooth_modes(template).basis(points.rows, stage.num_smooth)
            basis = np.concatenate([basis, smooth])
        return cls(num_modes, 3 * stage.num_smooth, points.rows, basis)


def _shape(template: Template, coefficients: FloatArray, smooth: FloatArray) -> FloatArray:
    shape = template.with_identity(coefficients)
    return shape + smooth_modes(template).displacements(smooth) if len(smooth) else shape


def _point_equations(
    template: Template,
    state: _State,
    points: FittedPoints,
    columns: _Columns,
    surface: FacingSurface,
    reach: float,
    friction: float,
) -> tuple[FloatArray, FloatArray, float]:
    """Normal equations of the closest points, and how far those lie, robustly, in mm."""
    placed = state.similarity.apply(state.shape)
    normals = vertex_normals(placed, template.triangles)[points.rows]
    here = placed[points.rows]
    found = surface.closest(here, normals)
    facing = np.clip(np.sum(found.normals * normals, axis=1), 0.0, 1.0)
    weights = points.weights * facing * np.clip(1.0 - (found.distances / reach) ** 2, 0, 1) ** 2
    weights[found.is_border] = 0.0
    offsets = found.positions - here
    heights = np.sum(found.normals * offsets, axis=1)
    deviation = float(np.clip(_spread(heights, weights), *DEVIATIONS_MM))
    weights *= NUM_INDEPENDENT_POINTS / (deviation**2 * max(points.weights.sum(), 1e-9))
    derivatives = _derivatives(here - here.mean(axis=0), state.similarity, columns.basis)
    planes = np.einsum("pi,pik->pk", found.normals, derivatives)
    system = (planes * weights[:, None]).T @ planes
    goal = planes.T @ (weights * heights)
    slide = np.repeat(friction * weights, 3)
    flat = derivatives.reshape(-1, derivatives.shape[-1])
    system += (flat * slide[:, None]).T @ flat
    goal += flat.T @ (slide * offsets.ravel())
    return system, goal, deviation


def _spread(heights: FloatArray, weights: FloatArray) -> float:
    """The standard deviation of the heights as their weighted median tells it."""
    order = np.argsort(np.abs(heights))
    running = np.cumsum(weights[order])
    if not running[-1] > 0:
        return np.inf
    return 1.4826 * abs(float(heights[order[np.searchsorted(running, 0.5 * running[-1])]]))


def _derivatives(local: FloatArray, similarity: Similarity, basis: FloatArray) -> FloatArray:
    """(P, 3, 7 + N) derivatives of the points by similarity and coefficients."""
    moved = similarity.apply_vectors(basis).transpose(1, 2, 0)
    return np.concatenate([similarity_columns(local), moved], axis=-1)


def _add_landmarks(
    system: FloatArray,
    goal: FloatArray,
    template: Template,
    state: _State,
    columns: _Columns,
    landmarks: LandmarkGoals,
) -> None:
    """Add the pull of the landmarks to `system` and `goal` in place."""
    similarity = state.similarity
    chosen = template.landmarks.triangle_indices[landmarks.numbers]
    shares = template.landmarks.barycentrics[landmarks.numbers]
    corners = template.triangles[chosen]
    here = similarity.apply(np.einsum("lc,lcx->lx", shares, state.shape[corners]))
    basis = template.identity_basis[: columns.num_modes][:, corners]
    if columns.num_smooth:
        smooth = smooth_modes(template).basis(corners.ravel(), columns.num_smooth // 3)
        basis = np.concatenate([basis, smooth.reshape(-1, *corners.shape, 3)])
    basis = np.einsum("lc,nlcx->nlx", shares, basis)
    centre = similarity.apply(state.shape[columns.centre_rows]).mean(axis=0)
    flat = _derivatives(here - centre, similarity, basis).reshape(-1, len(goal))
    weights = np.ones(len(corners)) if landmarks.weights is None else landmarks.weights
    strength = np.repeat(LANDMARK_POINTS * weights / state.deviation**2, 3)
    system += (flat * strength[:, None]).T @ flat
    goal += flat.T @ (strength * (landmarks.positions - here).ravel())


def _advance(
    template: Template,
    state: _State,
    columns: _Columns,
    system: FloatArray,
    goal: FloatArray,
    deviation: float,
) -> _State:
    """One Gauss–Newton step; what takes no part in this stage stays as it is."""
    coefficients, smooth = state.coefficients.copy(), np.zeros(columns.num_smooth)
    smooth[: len(state.smooth)] = state.smooth[: columns.num_smooth]
    free = np.concatenate([coefficients[: columns.num_modes], smooth])
    rows = 7 + np.arange(len(free))
    system[rows, rows] += 1.0
    goal[rows] -= free
    if columns.num_smooth:
        start = 7 + columns.num_modes
        stretches = slice(start, start + SIMILARITIES.shape[1])
        hold = SIMILARITY_HOLD * SIMILARITIES.T @ SIMILARITIES
        system[stretches, stretches] += hold
        goal[stretches] -= hold @ smooth[: len(hold)]
    corner = np.arange(7)
    system[corner, corner] += 1e-9 * np.trace(system[:7, :7]) + 1e-12
    if columns.num_smooth:
        # Size is proportion, too: were both free, the head would shrink and its scale grow without
        # end, because coefficients buy more millimetres at a larger scale.
        system[6, 6] += 1e6 * np.trace(system[:7, :7])
    increments = np.linalg.solve(system, goal)
    free = np.clip(free + increments[7:], -MAX_COEFFICIENT, MAX_COEFFICIENT)
    coefficients[: columns.num_modes] = free[: columns.num_modes]
    smooth = free[columns.num_modes :] if columns.num_smooth else state.smooth
    growth, turns, shifts = similarity_step(increments[None, :7])
    anchor = state.similarity.apply(state.shape[columns.centre_rows]).mean(axis=0)
    turn, grow = turns[0], float(growth[0])
    moved = Similarity(grow, turn, anchor + shifts[0] - grow * turn @ anchor)
    shape = _shape(template, coefficients, smooth)
    return _State(moved.after(state.similarity), coefficients, smooth, shape, deviation)
