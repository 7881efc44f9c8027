import numpy as np

from facegen_core.registration.alignment import Similarity
from facegen_core.registration.closest_points import FacingSurface
from facegen_core.registration.find_head import outer_face
from facegen_core.registration.identity_fit import (
    FULL_STAGES,
    LandmarkGoals,
    choose_points,
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
