import dataclasses
import functools
import importlib

import numpy as np
import pytest

from facegen_core.errors import RegistrationFailedError
from facegen_core.mesh import Mesh
from facegen_core.progress import no_progress
from facegen_core.registration import fit_template
from facegen_core.registration.alignment import Similarity
from facegen_core.registration.fitted_points import choose_points
from facegen_core.registration.landmark_confidence import fitted_confidences
from facegen_core.registration.landmark_detector import Detection, LandmarkDetector
from facegen_core.registration.locate import detected_faces, find_face, is_face
from facegen_core.registration.target import prepare_target

from .fit_fixtures import ball, coarse_template, full_template, person, turned


@functools.cache
def taught_template():
    """The default template with its detector, or skip."""
    template = full_template()
    if template.landmark_detector is None:
        pytest.skip("the default bundle carries no landmark detector")
    return template


def seen(vertices, triangles):
    """What the detector finds best in a mesh taken for one head, and the target."""
    target = prepare_target(Mesh.from_triangles(vertices, triangles))
    detector = LandmarkDetector(taught_template(), target)
    return detected_faces(detector, detector.look_around()), target


def errors_mm(detection, target, marks):
    """(68,) distances of what was detected from (68, 3) marks in the target's coordinates."""
    return np.linalg.norm(
        detection.positions - detection.similarity.apply(target.similarity.apply(marks)), axis=1
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_landmarks_are_found_in_any_turn_and_unit(seed):
    template = taught_template()
    head = person(seed, template)
    marks = template.landmarks.positions(head, template.triangles)
    moved, moved_marks = (turned(x, seed, 0.01, (3.0, -40.0, 7.0)) for x in (head, marks))
    detections, target = seen(moved, template.triangles)
    errors = errors_mm(detections[0], target, moved_marks)
    assert detections[0].score > 0.9
    assert errors.mean() < 4.0
    assert errors.max() < 15.0


def test_what_is_missing_and_covered_is_less_sure_and_farther_off():
    """Over heads whose chins or brows are cut away, confidence falls where errors rise."""
    template = taught_template()
    errors, confidences = [], []
    for seed in range(4):
        head = person(seed, template)
        marks = template.landmarks.positions(head, template.triangles)
        middles = head[template.triangles].mean(axis=1)
        gone = middles[:, 1] < marks[33, 1] if seed % 2 else middles[:, 1] > marks[27, 1]
        target = prepare_target(Mesh.from_triangles(head, template.triangles[~gone]))
        detection = LandmarkDetector(template, target).detect(target.similarity.inverse())
        errors.append(errors_mm(detection, target, marks))
        confidences.append(detection.confidences)
    errors, confidences = np.concatenate(errors), np.concatenate(confidences)
    ranks = [np.argsort(np.argsort(x)) for x in (errors, confidences)]
    assert np.corrcoef(*ranks)[0, 1] < -0.3
    sure = confidences > np.median(confidences)
    assert errors[sure].mean() < 0.75 * errors[~sure].mean()


@pytest.mark.parametrize("radii", [(1.0, 1.0, 1.0), (0.8, 1.2, 1.0)])
def test_eggs_and_balls_are_not_taken_for_faces(radii):
    mesh = ball(radii=radii)
    for detection in seen(mesh.vertices, mesh.triangles)[0]:
        assert not is_face(0.55, detection)


def test_what_the_detector_calls_no_face_is_refused_before_an_identity_is_fitted(monkeypatch):
    mesh = ball()
    monkeypatch.delattr(importlib.import_module(fit_template.__module__), "_identity")
    with pytest.raises(RegistrationFailedError):
        fit_template(full_template(), mesh)


def test_the_same_mesh_elsewhere_gives_the_same_landmarks():
    template, head = taught_template(), person(5, taught_template())
    first = seen(head, template.triangles)[0][0]
    again, target = seen(turned(head, 4, 25.4, (9.0, 9.0, -3.0)), template.triangles)
    np.testing.assert_allclose(first.positions, again[0].positions, atol=0.05)
    assert target.similarity.scale < 1.0


def test_a_head_that_is_surely_seen_needs_no_search_by_shape(monkeypatch):
    template, head = taught_template(), person(6, taught_template())
    target = prepare_target(Mesh.from_triangles(head, template.triangles))

    def no_search(*_args, **_keywords):
        raise AssertionError("searched by shape")

    monkeypatch.setattr("facegen_core.registration.locate.find_heads", no_search)
    guess = find_face(template, choose_points(template), target, no_progress)
    assert guess.detection is not None
    assert guess.score > 0.8


def test_without_a_detector_faces_are_found_by_shape():
    template = dataclasses.replace(coarse_template(), landmark_detector=None)
    target = prepare_target(Mesh.from_triangles(person(1), template.triangles))
    guess = find_face(template, choose_points(template), target, no_progress)
    assert guess.detection is None
    assert guess.score > 0.6


def test_a_fit_is_sure_where_seen_and_fitted_agree_on_skin():
    fitted = np.random.default_rng(0).normal(0.0, 50.0, (68, 3))
    positions = fitted.copy()
    positions[10] += [30.0, 0.0, 0.0]
    distances = np.zeros(68)
    distances[20] = 12.0
    detection = Detection(Similarity.identity(), positions, np.ones(68), 1.0, np.ones(68))
    confidences = fitted_confidences(detection, Similarity.identity(), fitted, distances)
    assert ((confidences >= 0) & (confidences <= 1)).all()
    assert set(np.argsort(confidences)[:2]) == {10, 20}
    assert confidences[[10, 20]].max() < 0.4 < 0.9 < np.delete(confidences, [10, 20]).min()
    alone = fitted_confidences(None, Similarity.identity(), fitted, distances)
    assert alone.argmin() == 20
    assert alone[10] == alone[0]
