"""Expression shapes combined as rotations and stretches."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from facegen_core import deformation_transfer
from facegen_core.deformation_transfer import FaceEquations, SourceShapes
from facegen_core.motion import pose_points
from tests.sphere_template import open_sphere
from training.ict4d.shape_combination import Combination, JawArc, TurnsAndStretches

PIVOT = np.array([0.0, 0.0, -10.0])
OPENING = np.array([0.7, 0, 0, 0, 0, 0])
NO_POSE = np.zeros(6)


def _smooth(x):
    t = np.clip(x, 0, 1)
    return t * t * (3 - 2 * t)


@pytest.fixture
def source():
    """An opening jaw (the lower front turns rigidly), a bump, and a bend of the top."""
    vertices, triangles = open_sphere(25, 40)
    follows = _smooth((-vertices[:, 1] - 5) / 25) * _smooth((vertices[:, 2] + 40) / 30)
    opened = pose_points(vertices, PIVOT, OPENING[None])[0] - vertices
    bump = np.exp(-(np.linalg.norm(vertices - [0, 60, 60], axis=1) ** 2) / 25**2)
    bend = Rotation.from_rotvec([0, 0, 0.5]).apply(vertices) - vertices
    shapes = [
        follows[:, None] * opened,
        np.where(bump > 0.02, bump, 0)[:, None] * [0, 5.0, 5.0],
        _smooth((vertices[:, 1] - 10) / 30)[:, None] * bend,
    ]
    return SourceShapes(vertices, triangles, np.array(shapes))


def _combination(source, neutral=None):
    neutral = source.neutral if neutral is None else neutral
    poses = np.array([OPENING, NO_POSE, NO_POSE])
    follows = JawArc.skin_follows(source, poses, PIVOT)
    return Combination(
        TurnsAndStretches.of(source),
        source.supports,
        FaceEquations.of(source, neutral),
        JawArc(poses, PIVOT, PIVOT, follows),
        neutral,
    )


def _displacements(source, combination, activations):
    shapes = source.displacements
    linear = np.tensordot(activations, shapes, axes=1)
    return linear + combination.beyond_linear(np.atleast_2d(activations))


def test_a_shape_alone_at_full_activation_is_itself(source):
    beyond = _combination(source).beyond_linear(np.eye(3))
    assert np.abs(beyond).max() < 1e-5


def test_rest_is_exactly_rest(source):
    beyond = _combination(source).beyond_linear(np.array([[0, 0, 0], [0.5, 0, 0], [0, 0, 0]]))
    assert not beyond[[0, 2]].any()
    assert beyond[1].any()


@pytest.mark.parametrize("activation", [0.25, 0.5, 0.8, 1.2])
def test_a_jaw_opens_along_its_arc(source, activation):
    combination = _combination(source)
    moved = source.neutral + _displacements(source, combination, np.array([activation, 0, 0]))[0]
    jaw = combination.jaw.follows > 0.999
    assert jaw.sum() > 20
    arc = pose_points(source.neutral, PIVOT, activation * OPENING[None])[0]
    linear = source.neutral + activation * source.displacements[0]
    off, off_linear = (np.linalg.norm(x - arc, axis=1)[jaw].mean() for x in (moved, linear))
    assert off < 0.3 * off_linear
    radii = [np.linalg.norm((x - PIVOT)[jaw][:, 1:], axis=1) for x in (moved, source.neutral)]
    assert np.abs(radii[0] / radii[1] - 1).mean() < 0.015


def test_half_a_bend_keeps_the_size_of_what_turns(source):
    """Added displacements shrink a turning part by 1 - cos(half the angle); rotations do not."""
    combination = _combination(source)
    top = source.neutral[:, 1] > 45
    moved = source.neutral + _displacements(source, combination, np.array([0, 0, 0.5]))[0]
    linear = source.neutral + 0.5 * source.displacements[2]
    spread, spread_linear, spread_rest = (
        np.linalg.norm(x[top] - x[top].mean(axis=0)) for x in (moved, linear, source.neutral)
    )
    assert abs(spread / spread_rest - 1) < 0.35 * abs(spread_linear / spread_rest - 1)


def test_shapes_that_do_not_meet_do_not_mix(source):
    combination = _combination(source)
    both = combination.beyond_linear(np.array([[0.5, 0.5, 0]]))[0]
    alone = [combination.beyond_linear(np.array([a]))[0] for a in ([0.5, 0, 0], [0, 0.5, 0])]
    np.testing.assert_allclose(both, alone[0] + alone[1], atol=0.05)


def test_what_no_shape_moves_stays_exactly_still(source):
    still = (np.linalg.norm(source.displacements[:2], axis=2) == 0).all(axis=0)
    beyond = _combination(source).beyond_linear(np.array([[0.6, 0.4, 0.0]]))[0]
    assert still.any()
    assert not beyond[still].any()


def test_the_correction_is_smooth_in_the_activations(source):
    combination = _combination(source)
    steps = np.linspace(0, 1, 41)[:, None] * [1.0, 0.6, 0.8]
    beyond = combination.beyond_linear(steps)
    bends = np.abs(np.diff(beyond, 2, axis=0)).max(axis=(1, 2))
    assert bends[3:].max() < 0.05 * np.abs(beyond).max()


def test_the_solution_is_the_least_squares_one(source, monkeypatch):
    """Against a dense solve of the same equations, without the pull that is a convention."""
    monkeypatch.setattr(deformation_transfer, "SCREENING_LENGTH_MM", 1e5)
    combination = _combination(source)
    activations = np.array([0.3, 0.7, 0.5])
    fast = combination.beyond_linear(activations[None])[0]
    wanted = combination.parts.beyond_linear(activations[None])[0]  # (to, from, F)
    slow = _dense(source, wanted)
    everywhere = (source.supports == 1).all(axis=0)
    assert everywhere.sum() > 0 or (source.supports[2] == 1).any()
    full = source.supports.max(axis=0) == 1
    np.testing.assert_allclose(fast[full], slow[full], atol=5e-3)


def test_the_parts_are_rotation_times_stretch(source):
    """exp(turn) (I + stretch) gives every S_k back."""
    parts = TurnsAndStretches.of(source)
    for k in range(3):
        rotation = Rotation.from_rotvec(parts.turns[k].T).as_matrix()
        stretch = parts.stretches[k].T.reshape(-1, 3, 3) + np.eye(3)
        linear = parts.linear[k].T.reshape(-1, 3, 3) + np.eye(3)
        np.testing.assert_allclose(rotation @ stretch, linear, atol=2e-4)


def test_the_jaws_track_is_told_about_the_templates_pivot():
    own, template = np.array([0.0, 3.0, -14.0]), PIVOT
    arc = JawArc(np.array([OPENING]), own, template, np.zeros(1))
    points = np.random.default_rng(0).normal(scale=40, size=(5, 3))
    poses = arc.track(np.array([[0.0], [0.4], [1.0]]))
    about_own = pose_points(points, own, np.array([[0.0], [0.4], [1.0]]) * OPENING)
    np.testing.assert_allclose(pose_points(points, template, poses), about_own, atol=1e-4)
    assert not poses[0].any()
    np.testing.assert_allclose(poses[1, :3], 0.4 * OPENING[:3], atol=1e-6)


def _dense(source, wanted):
    """(V, 3) displacement whose gradients are nearest to (to, from, F), with lstsq."""
    free = np.flatnonzero(~source.is_still)
    rows, targets = [], []
    for f, triangle in enumerate(source.triangles):
        corners = source.neutral[triangle]
        normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
        area = np.linalg.norm(normal) / 2
        normal /= 2 * area
        edges = [corners[(k + 2) % 3] - corners[(k + 1) % 3] for k in range(3)]
        hats = np.array([np.cross(normal, e) for e in edges]) / (2 * area)  # (corner, xyz)
        row = np.zeros((3, len(source.neutral)))
        row[:, triangle] = hats.T
        in_plane = np.eye(3) - np.outer(normal, normal)
        rows.append(np.sqrt(area) * row)
        targets.append(np.sqrt(area) * in_plane @ wanted[:, :, f].T)
    solution = np.zeros_like(source.neutral)
    matrix = np.concatenate(rows)[:, free]
    solution[free] = np.linalg.lstsq(matrix, np.concatenate(targets), rcond=None)[0]
    return solution
