import numpy as np
import pytest

from facegen_core.landmarks import MANUAL_LANDMARKS
from facegen_core.mesh import Mesh
from facegen_core.registration.closest_points import FacingSurface
from facegen_core.registration.find_head import outer_face
from facegen_core.registration.fit_template import fit_template
from facegen_core.registration.inner_fit import carry_inner_parts
from facegen_core.registration.nonrigid import bend, bending_rules

from .fit_fixtures import coarse_template, full_template, person, turned

LIPS = ("upper_lip", "lower_lip")


def by_hand(template, head, place=lambda points: points):
    """The 13 landmarks of a head, as an artist would place them."""
    positions = place(template.landmarks.positions(head, template.triangles))
    return {number: positions[number] for number in MANUAL_LANDMARKS}


def test_bending_a_head_onto_itself_moves_nothing():
    template = coarse_template()
    head = person(2)
    bent = bend(template, head, FacingSurface(head, template.triangles, 2.0, 20.0))
    np.testing.assert_allclose(bent, head, atol=1e-6)


def test_a_smooth_change_of_the_face_is_followed():
    template, start = coarse_template(), np.asarray(coarse_template().vertices, np.float64)
    swell = np.exp(-(((start[:, 1] + 20.0) / 30.0) ** 2))
    goal = start + swell[:, None] * [0.0, 0.0, 4.0]
    bent = bend(template, start, FacingSurface(goal, template.triangles, 2.0, 20.0))
    face = outer_face(template)
    surface = FacingSurface(goal, template.triangles, 1.0, 0.01)
    gaps = surface.closest(bent[face], np.zeros_like(bent[face])).distances
    assert np.mean(gaps) < 0.3


def test_each_lip_lands_on_its_own_lip():
    template, head = full_template(), person(8, full_template())
    start = np.asarray(template.vertices, np.float64)
    shift = (head - start)[template.regions["nose"] > 0.5].mean(axis=0)
    bent = bend(template, start + shift, FacingSurface(head, template.triangles, 2.0, 20.0))
    landed = FacingSurface(head, template.triangles, 2.0, 20.0)
    for own, other in (LIPS, LIPS[::-1]):
        rows = np.flatnonzero((template.regions[own] > 0.9) & (template.regions["mouth_bag"] < 0.1))
        found = landed.closest(bent[rows], template.mesh.vertex_normals[rows])
        corners = template.triangles[found.triangle_indices]
        on_other = np.sum(template.regions[other][corners] * found.barycentrics, axis=1)
        assert (on_other > 0.5).mean() < 0.02


def test_corners_of_the_mouth_go_with_those_of_a_wider_one():
    template = full_template()
    start = np.asarray(template.vertices, np.float64)
    corners = template.landmarks.positions(start, template.triangles)[[60, 64]]
    wider = start.copy()
    for corner, side in zip(corners, (-1.0, 1.0), strict=True):
        nearness = np.exp(-0.5 * (np.linalg.norm(start - corner, axis=1) / 9.0) ** 2)
        wider[:, 0] += 4.0 * side * nearness
    bent = bend(template, start, FacingSurface(wider, template.triangles, 2.0, 20.0))
    found = template.landmarks.positions(bent, template.triangles)[[60, 64]]
    # Asked from the template alone, the corners stop at 1.3 mm.
    assert np.all((found - corners)[:, 0] * [-1.0, 1.0] > 1.6)


def test_eyeballs_stay_round_when_carried_along():
    template = coarse_template()
    coefficients = np.random.default_rng(0).normal(size=30)
    skin = template.with_identity(coefficients)
    skin = skin + np.sin(skin / 20.0)
    carried = carry_inner_parts(template, coefficients, skin)
    assert set(carried) == {part.name for part in template.inner_parts}
    for name in ("eyeball_left", "eyeball_right"):
        before = template.inner_part(name).vertices
        reach = [np.linalg.norm(p - p.mean(axis=0), axis=1) for p in (before, carried[name])]
        np.testing.assert_allclose(reach[1] / reach[0], (reach[1] / reach[0])[0], rtol=1e-4)


def test_nothing_inside_moves_when_the_skin_does_not():
    template = coarse_template()
    carried = carry_inner_parts(template, np.zeros(10), np.asarray(template.vertices, np.float64))
    for part in template.inner_parts:
        np.testing.assert_allclose(carried[part.name], part.vertices, atol=1e-3)


def test_the_template_fitted_to_itself_is_the_identity():
    template = coarse_template()
    fit = fit_template(template, template.whole_head())
    assert fit.similarity.scale == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(fit.similarity.rotation, np.eye(3), atol=1e-5)
    np.testing.assert_allclose(fit.neutral, template.vertices, atol=1e-2)
    assert fit.residual.mean_mm < 1e-2
    assert fit.residual.verdict == "good"
    assert fit.warnings == ()


def test_moving_turning_and_scaling_the_head_changes_nothing():
    template, head = coarse_template(), person(9)
    landmarks = by_hand(template, head)
    plain = fit_template(template, Mesh.from_triangles(head, template.triangles), landmarks)

    def place(points):
        return turned(points, 4, 0.01, (8.0, -3.0, 1.0))

    moved = fit_template(
        template,
        Mesh.from_triangles(place(head), template.triangles),
        by_hand(template, head, place),
    )
    head_size = np.ptp(head, axis=0).max()
    np.testing.assert_allclose(moved.neutral, plain.neutral, atol=1e-4 * head_size)
    assert moved.similarity.scale * 0.01 == pytest.approx(plain.similarity.scale, rel=1e-6)
    np.testing.assert_allclose(
        moved.similarity.apply(place(head)), plain.similarity.apply(head), atol=1e-4 * head_size
    )


def test_landmarks_by_hand_put_the_fit_within_a_millimetre():
    template, head = coarse_template(), person(10)
    fit = fit_template(
        template, Mesh.from_triangles(head, template.triangles), by_hand(template, head)
    )
    truth = fit.similarity.apply(template.landmarks.positions(head, template.triangles))
    errors = np.linalg.norm(fit.landmarks - truth, axis=1)
    assert np.median(errors) < 1.0
    assert fit.residual.mean_mm < 0.5


def test_the_same_head_gives_the_same_fit():
    template, head = coarse_template(), person(11)
    target, landmarks = Mesh.from_triangles(head, template.triangles), by_hand(template, head)
    first, second = (fit_template(template, target, landmarks) for _ in range(2))
    np.testing.assert_array_equal(first.neutral, second.neutral)


def test_a_face_that_the_identity_explains_is_not_drawn_sideways():
    template = coarse_template()
    plain, explained = bending_rules(template), bending_rules(template, deviation_mm=0.1)
    assert (plain.sideways > 0.09).all()
    np.testing.assert_allclose(explained.sideways, plain.sideways / 9.0, rtol=1e-5)
    np.testing.assert_array_equal(explained.weights, plain.weights)
