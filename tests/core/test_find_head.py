import numpy as np
import pytest

from facegen_core.errors import InvalidMeshError, RegistrationFailedError
from facegen_core.mesh import Mesh
from facegen_core.registration.find_head import face_model, find_heads
from facegen_core.registration.fit_template import fit_template
from facegen_core.registration.target import prepare_target

from .fit_fixtures import ball, coarse_template, full_template, person, turned


def body_with_head(head, triangles):
    """A head on a torso of seven times its height, and a sheet hung before the face's side."""
    torso = ball(radii=(220.0, 750.0, 130.0))
    below = torso.vertices + [0.0, head[:, 1].min() - 700.0, -20.0]
    count = len(head)
    return Mesh.from_triangles(
        np.concatenate([head, below]), np.concatenate([triangles, torso.triangles + count])
    )


def test_a_head_on_a_body_is_found_in_any_unit_and_turn():
    template, head = full_template(), person(3, full_template())
    body = body_with_head(head, template.triangles)
    target = prepare_target(body.with_vertices(turned(body.vertices, 5, 0.01, (3, -40, 7))))
    heads = find_heads(face_model(template), target)
    numbers = [30, 36, 45, 48, 54]
    here = template.landmark_positions[numbers]
    found = heads.scales[0] * here @ heads.rotations[0].T + heads.translations[0]
    positions = template.landmarks.positions(head, template.triangles)[numbers]
    expected = target.similarity.apply(turned(positions, 5, 0.01, (3, -40, 7)))
    errors_mm = np.linalg.norm(found - expected, axis=1) / heads.scales[0]
    assert errors_mm.max() < 12.0


def test_the_frame_of_a_target_follows_it():
    head, triangles = person(1), coarse_template().triangles
    first = prepare_target(Mesh.from_triangles(head, triangles))
    moved = prepare_target(Mesh.from_triangles(turned(head, 2, 100.0, (5, 5, 5)), triangles))
    np.testing.assert_allclose(first.vertices, moved.vertices, atol=1e-9)


def test_seams_are_welded_and_inside_out_parts_turned():
    head, triangles = person(1), coarse_template().triangles
    soup = Mesh.from_triangles(head[triangles[:, ::-1]].reshape(-1, 3), np.arange(triangles.size))
    target = prepare_target(soup)
    assert len(target.vertices) == len(np.unique(triangles))
    assert target.parts.max() == 0
    whole = prepare_target(Mesh.from_triangles(head, triangles))
    assert len(target.triangles) == len(whole.triangles)
    outward = np.sum(target.normals * target.vertices, axis=1)
    assert (outward > 0).mean() > 0.6


def test_lashes_a_rounding_error_off_the_skin_stay_apart_from_it():
    """Joined to the skin at their roots they turned it round their own way, or not, by chance."""
    head, triangles = person(1), coarse_template().triangles
    alone = prepare_target(Mesh.from_triangles(head, triangles))
    mesh = Mesh.from_triangles(head, triangles)
    roots, count = np.unique(triangles[:40]), len(head)
    hairs = np.concatenate([head[roots], head[roots] + 3.0 * mesh.vertex_normals[roots]])
    pairs = np.stack([np.arange(len(roots) - 1), np.arange(1, len(roots))], axis=1)
    strips = np.column_stack([pairs, pairs[:, :1] + len(roots)]) + count
    for noise in (0.0, 1e-7):
        shaken = np.random.default_rng(0).normal(0.0, noise * np.ptp(head), hairs.shape)
        vertices = np.concatenate([head, hairs + shaken])
        target = prepare_target(Mesh.from_triangles(vertices, np.concatenate([triangles, strips])))
        of_skin = target.parts == target.parts[0]
        assert of_skin.sum() == len(alone.triangles)
        np.testing.assert_array_equal(target.triangles[of_skin], alone.triangles)


def test_an_egg_is_not_a_face():
    with pytest.raises(RegistrationFailedError, match="landmarks"):
        fit_template(coarse_template(), ball(radii=(0.8, 1.2, 1.0)))


def test_a_sheet_is_refused_before_any_search():
    with pytest.raises(RegistrationFailedError, match="flat"):
        fit_template(coarse_template(), ball(radii=(1.0, 1.0, 0.0)))


def test_a_handful_of_triangles_is_refused():
    with pytest.raises(RegistrationFailedError, match="too few"):
        fit_template(coarse_template(), ball(num_rings=3))


def test_a_mesh_without_size_is_refused():
    with pytest.raises(InvalidMeshError, match="size"):
        fit_template(coarse_template(), ball(radii=(0.0, 0.0, 0.0)))
