import numpy as np

from facegen_core.mesh import Mesh
from facegen_core.registration.alignment import Alignment, Correspondence, Part, Similarity
from facegen_core.registration.residual_map import residual_map

from .face_fixtures import exact_fit, face_template


def aligned(vertices, triangles, motion="skin", similarity=None):
    """An alignment of which only target, fit and parts matter."""
    template = face_template()
    target = Mesh.from_triangles(vertices, triangles)
    count = target.num_vertices
    nothing = Correspondence(np.full(count, -1), np.zeros((count, 3)), np.zeros(count))
    part = Part(0, "skin", motion, np.arange(count, dtype=np.int32))
    return Alignment(template, target, exact_fit(template, similarity), nothing, (part,))


def test_the_map_is_zero_on_the_template_itself_in_any_unit():
    template = face_template()
    similarity = Similarity(100.0, np.eye(3), np.zeros(3))
    own = similarity.apply_inverse(template.vertices)
    distances = residual_map(aligned(own, template.triangles, similarity=similarity))
    assert np.nanmax(distances) < 1e-4
    assert np.isnan(distances).mean() < 0.2  # on the open edge nothing can be said


def test_a_lifted_patch_shows_by_how_much():
    template = face_template()
    vertices = np.asarray(template.vertices, np.float64).copy()
    patch = np.linalg.norm(vertices - [30.0, 0.0, 64.0], axis=1) < 12.0
    vertices[patch] += [0.0, 0.0, 3.0]
    distances = residual_map(aligned(vertices, template.triangles))
    assert 1.5 < np.nanmedian(distances[patch]) < 3.1
    assert np.nanmedian(distances[~patch]) < 1e-4


def test_triangles_wound_the_wrong_way_do_not_show():
    template = face_template()
    is_turned = np.random.default_rng(0).random(len(template.triangles)) < 0.3
    triangles = np.where(is_turned[:, None], template.triangles[:, ::-1], template.triangles)
    assert np.nanmax(residual_map(aligned(template.vertices, triangles))) < 1e-4


def test_nothing_is_said_off_the_skin():
    template = face_template()
    still = aligned(template.vertices, template.triangles, motion="still")
    assert np.isnan(residual_map(still)).all()
