import functools

import numpy as np
import pytest

from facegen_core.mesh import Mesh
from facegen_core.motion import FaceMotion
from facegen_core.registration import refit, register
from facegen_core.registration.half_head import find_symmetry_cut
from facegen_core.retarget import retarget

from .fit_fixtures import ball, coarse_template, person, turned


def halved(vertices, triangles):
    """The triangles on one side of x = 0, their seam (N,) drawn onto it."""
    vertices = vertices.copy()
    is_kept = vertices[triangles, 0].sum(axis=1) > 0
    seam = np.intersect1d(triangles[is_kept], triangles[~is_kept])
    vertices[seam, 0] = 0.0
    used, kept = np.unique(triangles[is_kept], return_inverse=True)
    return Mesh.from_triangles(vertices[used], kept.reshape(-1, 3)), np.isin(used, seam)


@functools.cache
def half_alignment():
    """Half a person, lying somewhere in metres, and its alignment."""
    template = coarse_template()
    half, _ = halved(person(3, template), template.triangles)
    half = half.with_vertices(turned(half.vertices, 4, 1e-3, (1.0, -2.0, 0.5)))
    return register(template, half)


def without_cap():
    """A flat opening that is small beside the whole, as of a neck."""
    mesh = ball()
    return Mesh.from_triangles(
        mesh.vertices, mesh.triangles[mesh.vertices[mesh.triangles, 1].max(axis=1) > -0.9]
    )


def test_the_cut_of_a_half_is_found_and_the_whole_made_of_it():
    whole = ball(radii=(1.0, 1.3, 1.1))
    half, is_seam = halved(whole.vertices, whole.triangles)
    half = half.with_vertices(turned(half.vertices, 3, 0.01, (4.0, 5.0, 6.0)))
    cut = find_symmetry_cut(half)
    assert np.isin(np.flatnonzero(is_seam), cut.vertex_indices).all()
    assert cut.heights(half.vertices).max() < 1e-3 * np.ptp(half.vertices, axis=0).max()
    completed = cut.completed(half)
    assert completed.num_vertices == 2 * half.num_vertices - len(cut.vertex_indices)
    outward = completed.vertices - completed.vertices.mean(axis=0)
    assert (np.sum(completed.vertex_normals * outward, axis=1) > 0).all()


@pytest.mark.parametrize("make", [ball, without_cap])
def test_what_is_whole_has_no_cut(make):
    assert find_symmetry_cut(make()) is None


def test_a_whole_head_has_no_cut():
    assert find_symmetry_cut(Mesh.from_triangles(person(1), coarse_template().triangles)) is None


def test_half_a_head_is_matched_and_its_seam_does_not_open():
    template, alignment = coarse_template(), half_alignment()
    cut = alignment.fit.cut
    vertices = alignment.target.vertices
    expected = template.landmarks.positions(person(3, template), template.triangles)
    expected = turned(expected, 4, 1e-3, (1.0, -2.0, 0.5))
    found = alignment.fit.similarity.apply_inverse(alignment.fit.landmarks)
    is_there = cut.heights(expected) < -2e-3
    errors_mm = 1e3 * np.linalg.norm(found - expected, axis=1)[is_there]
    assert is_there.sum() > 20
    assert errors_mm.mean() < 3.0
    assert any("half" in warning for warning in alignment.fit.warnings)
    skin = np.tile(np.float32([3.0, -4.0, 1.0]), (2, template.num_vertices, 1))
    skin[0] = 0.0
    moved = retarget(FaceMotion(skin, np.zeros((2, 6), np.float32)), alignment)
    assert not moved[0].any()
    assert np.linalg.norm(moved[1], axis=1).max() > 4e-3
    assert np.abs(cut.heights(vertices + moved[1])[cut.vertex_indices]).max() < 1e-6


def test_landmarks_put_right_on_half_a_head_keep_its_cut():
    alignment = half_alignment()
    again = refit(alignment, {})
    assert again.fit.cut is alignment.fit.cut
    assert again.fit.residual.mean_mm < 1.0


def test_the_cut_stays_in_its_plane_and_teeth_in_their_row():
    cut = half_alignment().fit.cut
    moved = np.random.default_rng(2).normal(size=(2, half_alignment().target.num_vertices, 3))
    tooth, skin = cut.vertex_indices[:2], cut.vertex_indices[2:]
    kept = moved.copy()
    cut.keep_in_place(kept, rigid=tooth)
    np.testing.assert_allclose(kept[:, skin] @ cut.normal, 0.0, atol=1e-12)
    np.testing.assert_array_equal(kept[:, tooth], moved[:, tooth])
