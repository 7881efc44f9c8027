import numpy as np

from facegen_core.registration.alignment import Similarity
from facegen_core.registration.closest_points import FacingSurface, unit
from facegen_core.registration.find_head import outer_face
from facegen_core.registration.fit_report import _bulges, misfit_mm
from facegen_core.registration.fitted_points import choose_points
from facegen_core.registration.identity_fit import (
    FULL_STAGES,
    IdentityFit,
    LandmarkGoals,
    fit_identity,
)

from .fit_fixtures import coarse_template, person, turned


def fit_to(vertices, **options):
    template = coarse_template()
    surface = FacingSurface(vertices, template.triangles, 5.0, 15.0)
    return fit_identity(template, choose_points(template), surface, FULL_STAGES, **options)


def test_the_template_fits_itself_with_no_identity_at_all():
    fit = fit_to(np.asarray(coarse_template().vertices, np.float64))
    assert np.abs(fit.coefficients).max() < 1e-6
    np.testing.assert_allclose(fit.placed, coarse_template().vertices, atol=1e-5)


def test_a_person_of_the_basis_is_found_from_a_rough_start():
    head = person(4)
    start = Similarity(1.04, np.eye(3), np.array([3.0, -4.0, 2.0]))
    fit = fit_to(head, start=start)
    errors = np.linalg.norm(fit.placed - head, axis=1)
    face = outer_face(coarse_template())
    assert np.median(errors[face]) < 0.6
    assert np.percentile(errors[face], 95) < 2.0


def test_nothing_inside_mouth_and_sockets_takes_part():
    template = coarse_template()
    rows = choose_points(template).rows
    for name in ("mouth_bag", "eye_socket_left", "eye_socket_right"):
        assert template.regions[name][rows].max() <= 0.5


def test_landmarks_by_hand_pull_a_far_start_into_place():
    template, head = coarse_template(), person(6)
    goals = template.landmarks.positions(head, template.triangles)
    start = Similarity(1.0, np.eye(3), np.array([0.0, 35.0, 0.0]))
    numbers = np.arange(68)
    fit = fit_to(head, start=start, landmarks=LandmarkGoals(numbers, goals))
    found = template.landmarks.positions(fit.placed, template.triangles)
    assert np.median(np.linalg.norm(found - goals, axis=1)) < 1.0


def test_a_turned_fit_is_the_fit_turned():
    template, head = coarse_template(), person(7)
    plain = fit_to(head)
    rotation = Similarity(1.0, turned(np.eye(3), 1).T, np.zeros(3))
    moved = fit_to(rotation.apply(head), start=rotation)
    np.testing.assert_allclose(moved.coefficients, plain.coefficients, atol=1e-6)
    np.testing.assert_allclose(moved.placed, rotation.apply(plain.placed), atol=1e-5)
    assert template.num_vertices == len(plain.vertices)


def test_a_person_of_the_basis_is_hardly_drawn_to_the_mean_where_the_neck_is_cut_off():
    template, head = coarse_template(), person(4)
    chin = template.landmarks.positions(head, template.triangles)[8, 1]
    triangles = template.triangles[(head[template.triangles, 1] > chin - 10.0).all(axis=1)]
    surface = FacingSurface(head, triangles, 2.0, 15.0)
    fit = fit_identity(template, choose_points(template), surface, FULL_STAGES)
    errors = np.linalg.norm(fit.placed - head, axis=1)
    assert np.median(errors[outer_face(template)]) < 0.02


def test_flat_triangles_are_allowed_for_when_fits_are_compared():
    template, points = coarse_template(), choose_points(coarse_template())
    head = np.asarray(template.vertices, np.float64)
    surface = FacingSurface(head, template.triangles, 5.0, 15.0)
    pushed = IdentityFit(Similarity.identity(), np.zeros(0), head + [0.0, 0.0, 1.0])
    offsets = misfit_mm(template, points, pushed, surface)
    centres = head[template.triangles].mean(axis=1)
    found = surface.closest(centres, unit(surface.normals[template.triangles].mean(axis=1)))
    at_corners = surface.closest(head[points.rows], surface.normals[points.rows])
    assert np.median(_bulges(surface, found)) > 0.05
    assert np.median(_bulges(surface, at_corners)) < 1e-6
    assert 0.3 < offsets < 1.0
