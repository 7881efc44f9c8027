"""Motion told in shapes that follow each face."""

import numpy as np
import pytest

from tests.sphere_template import sphere_template
from training.expression_model.face_bases import FaceBases, FaceBasis, on_the_mean_face


@pytest.fixture(scope="module")
def template():
    return sphere_template()


@pytest.fixture(scope="module")
def shapes(template):
    """Three smooth bumps."""
    rng = np.random.default_rng(0)
    centres = template.vertices[rng.integers(0, template.num_vertices, 3)]
    near = np.exp(-(((template.vertices - centres[:, None]) / 40.0) ** 2).sum(axis=2))
    return (near[..., None] * rng.normal(size=(3, 1, 3))).astype(np.float32)


def wide(template):
    return template.vertices * np.array([1.3, 1.0, 0.9], np.float32)


def test_coefficients_survive_lifting_and_projecting(shapes, template):
    basis = FaceBasis(template.vertices, shapes)
    coefficients = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    np.testing.assert_allclose(basis.project(basis.lift(coefficients)), coefficients, atol=1e-3)


def test_everybody_has_the_same_shapes_where_they_do_not_follow(shapes, template):
    bases = FaceBases(template, shapes, follows=False)
    assert bases.of(wide(template)).shapes is shapes
    assert bases.remembered("S001", wide(template)) is shapes


def test_shapes_that_follow_differ_from_face_to_face(shapes, template):
    bases = FaceBases(template, shapes, follows=True)
    np.testing.assert_allclose(bases.of(template.vertices).shapes, shapes, atol=1e-5)
    other = bases.of(wide(template)).shapes
    assert np.abs(other - shapes).max() > 0.05 * np.abs(shapes).max()
    kept = bases.remembered("S001", wide(template))
    np.testing.assert_allclose(kept, other, atol=1e-2)  # kept as float16
    assert np.array_equal(bases.remembered("S001", template.vertices), kept)


def test_motion_carried_to_the_mean_face_has_the_coefficients_it_had(shapes, template):
    """What a face plays with its own shapes is, on the mean face, played with the mean's."""
    coefficients = np.random.default_rng(2).normal(size=(4, 3)).astype(np.float32)
    own = FaceBases(template, shapes, follows=True).of(wide(template))
    carried = on_the_mean_face(template, wide(template), own.lift(coefficients))
    found = FaceBasis(template.vertices, shapes).project(carried)
    np.testing.assert_allclose(found, coefficients, atol=0.05)
