"""Where target vertices lie on the template, above all at lips that touch."""

import numpy as np
import pytest

from facegen_core.mesh import Mesh
from facegen_core.registration import align
from facegen_core.registration.closest_points import closest_barycentrics
from facegen_core.registration.correspondence import CONFIDENT, _confidences
from facegen_core.registration.matching import Matches, TriangleSearch
from tests.core.face_fixtures import (
    SLIT_HEIGHT,
    exact_fit,
    face_patch,
    face_template,
    inner_shapes,
    joined,
)


@pytest.fixture(scope="module")
def template():
    return face_template()


@pytest.fixture(scope="module")
def shifted(template):
    """A finer face whose closed lips lie 1.2 mm above the fitted template's."""
    vertices, triangles, codes = face_patch(2.0)
    mesh, _ = joined((vertices + [0.0, 1.2, 0.0], triangles), *inner_shapes().values())
    return align(template, mesh, exact_fit(template)), triangles, codes


def sides_by_triangles(vertices, triangles, codes):
    """+1 and -1 for lip vertices of the face by the triangles they belong to, 0 elsewhere."""
    is_face = (codes[triangles] == 0).all(axis=1)
    centres = vertices[triangles].mean(axis=1)
    sides = np.zeros(len(codes))
    for triangle, centre in zip(triangles[is_face], centres[is_face], strict=True):
        if abs(centre[0]) < 14 and abs(centre[1] - SLIT_HEIGHT) < 6:
            sides[triangle] = np.sign(centre[1] - SLIT_HEIGHT)
    return sides


def test_the_upper_lip_never_follows_the_lower_one(template, shifted):
    alignment, triangles, codes = shifted
    num_skin = len(codes)
    own_sides = sides_by_triangles(face_patch(2.0)[0], triangles, codes)
    correspondence = alignment.correspondence
    regions = template.regions["upper_lip"] - template.regions["lower_lip"]
    corners = template.triangles[correspondence.triangle_indices[:num_skin]]
    matched = (regions[corners] * correspondence.barycentrics[:num_skin]).sum(axis=1)
    at_lips = (own_sides != 0) & (correspondence.confidences[:num_skin] > CONFIDENT)
    assert at_lips.sum() > 50
    # Without the rule the shift alone sends a row of lower lip vertices to the upper lip.
    assert (np.sign(matched[at_lips]) == own_sides[at_lips]).all()


def test_the_template_corresponds_to_itself(template):
    alignment = align(template, template.whole_head(), exact_fit(template))
    correspondence = alignment.correspondence
    corners = template.triangles[correspondence.triangle_indices[: template.num_vertices]]
    weights = correspondence.barycentrics[: template.num_vertices]
    points = np.einsum("vk,vkx->vx", weights, template.vertices[corners])
    np.testing.assert_allclose(points, template.vertices, atol=1e-4)
    assert (correspondence.confidences[: template.num_vertices] == 1.0).all()


def test_vertices_past_the_edge_of_the_template_have_no_correspondence(template):
    vertices, triangles, _ = face_patch(3.0)
    down = np.where(vertices[:, 1] == vertices[:, 1].min(), 40.0, 0.0)
    longer = vertices - np.stack([0 * down, down, 0 * down], axis=1)
    mesh, _ = joined((longer, triangles), *inner_shapes().values())
    alignment = align(template, mesh, exact_fit(template))
    assert not alignment.correspondence.confidences[: len(vertices)][down > 0].any()


def test_eyes_and_teeth_have_no_correspondence_with_the_skin(template, shifted):
    alignment, _, codes = shifted
    assert not alignment.correspondence.confidences[len(codes) :].any()
    assert (alignment.correspondence.triangle_indices[len(codes) :] == -1).all()


def test_closest_points_agree_with_trying_every_triangle():
    rng = np.random.default_rng(4)
    vertices, triangles, _ = face_patch(6.0)
    points = vertices[rng.integers(0, len(vertices), 60)] + rng.normal(0, 2.0, (60, 3))
    found = TriangleSearch(Mesh.from_triangles(vertices, triangles)).closest(
        points, np.zeros((60, 3))
    )
    corners = vertices[triangles]
    naive = [
        np.linalg.norm(
            (closest_barycentrics(corners, p[None])[:, None] @ corners)[:, 0] - p, axis=1
        )
        for p in points
    ]
    np.testing.assert_allclose(found.distances, np.min(naive, axis=1), atol=1e-9)


def test_where_two_sheets_touch_the_one_that_faces_alike_is_found():
    """Closed lips lie on one another to the last bit: rounding must not choose between them."""
    rng = np.random.default_rng(7)
    corners = np.array([[0.0, 0.0, 0.0], [9.0, 0.0, 0.0], [0.0, 9.0, 0.0]])
    mesh = Mesh.from_triangles(np.concatenate([corners, corners]), [[0, 1, 2], [3, 5, 4]])
    places = rng.dirichlet(np.ones(3), 40)
    up = np.broadcast_to([0.0, 0.0, 1.0], (40, 3))
    search = TriangleSearch(mesh)
    assert (search.closest(places @ corners, up).triangle_indices == 0).all()
    assert (search.closest(places @ corners, -up).triangle_indices == 1).all()


def test_a_lip_lying_on_the_other_lip_is_not_believed(template):
    """On the surface itself, but facing against it: another sheet's place."""
    surface = Matches(np.array([0, 0]), np.full((2, 3), 1 / 3), np.zeros(2), np.array([0.0, -1.0]))
    assert _confidences(template, template.vertices, surface).tolist() == [1.0, 0.0]
