"""Heads as they come: parts missing, holes, flipped, doubled, torn, coarse, noisy, stretched."""

import importlib

import numpy as np
import pytest

from facegen_core.mesh import Mesh
from facegen_core.registration.fit_template import fit_template
from facegen_core.registration.locate import guess_at
from facegen_core.topology import edges_of

from .fit_fixtures import coarse_template, person

HEAD = person(21)


@pytest.fixture(autouse=True)
def found_already(monkeypatch):
    """Finding is tested elsewhere and takes longest: here the head is known to lie as it does."""

    def find(template, points, target, progress):
        return guess_at(template, points, target, target.similarity.inverse())

    module = importlib.import_module("facegen_core.registration.fit_template")
    monkeypatch.setattr(module, "find_face", find)


def middles(template):
    return HEAD[template.triangles].mean(axis=1)


def without(chosen):
    return Mesh.from_triangles(HEAD, coarse_template().triangles[~chosen])


def near(template, number, radius):
    marks = template.landmarks.positions(HEAD, template.triangles)
    return np.linalg.norm(middles(template) - marks[number], axis=1) < radius


def no_ears(template):
    return without(np.abs(middles(template)[:, 0]) > 66.0)


def no_neck(template):
    chin = template.landmarks.positions(HEAD, template.triangles)[8]
    return without(middles(template)[:, 1] < chin[1] - 8.0)


def no_scalp(template):
    brow = template.landmarks.positions(HEAD, template.triangles)[19]
    return without(middles(template)[:, 1] > brow[1] + 30.0)


def no_inside(template):
    inside = sum(
        template.regions[name] for name in ("mouth_bag", "eye_socket_left", "eye_socket_right")
    )
    return without((inside[template.triangles] > 0.5).all(axis=1))


def holes(template):
    return without(near(template, 3, 15.0) | near(template, 24, 10.0))


def flipped_patches(template):
    triangles = template.triangles.copy()
    chosen = near(template, 30, 18.0) | near(template, 2, 25.0)
    triangles[chosen] = triangles[chosen, ::-1]
    return Mesh.from_triangles(HEAD, triangles)


def doubled_faces(template):
    half = template.triangles[: len(template.triangles) // 2, ::-1]
    return Mesh.from_triangles(HEAD, np.concatenate([template.triangles, half]))


def doubled_shell(template):
    both = np.concatenate([template.triangles, template.triangles[:, ::-1] + len(HEAD)])
    return Mesh.from_triangles(np.concatenate([HEAD, HEAD]), both)


def soup(template):
    corners = HEAD[template.triangles].reshape(-1, 3)
    return Mesh.from_triangles(corners, np.arange(len(corners)).reshape(-1, 3))


def fins(template):
    edges = edges_of(template.triangles)[::23]
    tips = HEAD[edges].mean(axis=1) + 0.5
    faces = np.column_stack([edges, len(HEAD) + np.arange(len(edges))])
    return Mesh.from_triangles(
        np.concatenate([HEAD, tips]), np.concatenate([template.triangles, faces])
    )


def noise(template):
    rough = HEAD + np.random.default_rng(3).normal(size=HEAD.shape) * 0.4
    return Mesh.from_triangles(rough, template.triangles)


CASES = (
    no_ears,
    no_neck,
    no_scalp,
    no_inside,
    holes,
    flipped_patches,
    doubled_faces,
    doubled_shell,
    soup,
    fins,
    noise,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_face_is_fitted_whatever_is_wrong_elsewhere(case):
    template = coarse_template()
    fit = fit_template(template, case(template))
    truth = fit.similarity.apply(template.landmarks.positions(HEAD, template.triangles))
    errors = np.linalg.norm(fit.landmarks - truth, axis=1)[17:]
    assert errors.mean() < 0.7
    assert errors.max() < 2.5
    assert fit.residual.verdict == "good"


def test_a_head_stretched_beyond_anybody_is_followed():
    template = coarse_template()
    stretch = np.array([0.8, 1.25, 1.1])
    fit = fit_template(template, Mesh.from_triangles(HEAD * stretch, template.triangles))
    positions = template.landmarks.positions(HEAD * stretch, template.triangles)
    errors = np.linalg.norm(fit.landmarks - fit.similarity.apply(positions), axis=1)[17:]
    assert np.median(errors) < 2.0
    assert len(fit.smooth_coefficients)


def test_an_ordinary_head_needs_no_other_proportions():
    template = coarse_template()
    fit = fit_template(template, Mesh.from_triangles(HEAD, template.triangles))
    assert len(fit.smooth_coefficients) == 0


def test_what_is_missing_is_said_and_lowers_the_confidence_there_only():
    template = coarse_template()
    fit = fit_template(template, without(near(template, 57, 26.0)))
    assert any("lips" in sentence for sentence in fit.warnings)
    assert fit.landmark_confidences[57] < 0.5
    assert fit.landmark_confidences[36:48].min() > 0.7
