"""Teeth, tongue and eyeballs in one connected surface with the skin; mouths modelled shut."""

import dataclasses

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from facegen_core.mesh import Mesh
from facegen_core.motion import FaceMotion
from facegen_core.pipeline import correct_parts
from facegen_core.registration import align
from facegen_core.registration.alignment import KIND_MOTIONS
from facegen_core.registration.anatomy.labelling import Patch, concave_turns, crease_pieces
from facegen_core.registration.surface import Surface
from facegen_core.retarget import retarget
from facegen_core.template import PART_MOTIONS
from tests.core.face_fixtures import (
    SLIT_HEIGHT,
    bulge,
    exact_fit,
    face_patch,
    face_template,
    grid_triangles,
    inner_shapes,
    joined,
    kinds_of,
    lower_lip,
)
from tests.core.fit_fixtures import full_template
from tests.core.welding import welded_together

JAW_OPEN = np.array([0.2, 0.0, 0.0, 0.0, -2.0, 1.0])


@pytest.fixture(scope="module")
def template():
    return full_template()


@pytest.fixture(scope="module")
def head(template):
    """The sample head in one piece, (M,) true kinds; its teeth are smaller and sit lower."""
    vertices, triangles = [np.asarray(template.vertices, np.float64)], [template.triangles]
    kinds = ["skin"] * template.num_vertices
    for part in template.inner_parts:
        points = np.asarray(part.vertices, np.float64)
        if "eye" not in part.name:
            points = points.mean(axis=0) + 0.95 * (points - points.mean(axis=0)) - [0.0, 1.5, 0.5]
        triangles.append(part.triangles + len(kinds))
        vertices.append(points)
        kinds += [part.name] * len(points)
    mesh = Mesh.from_triangles(np.concatenate(vertices), np.concatenate(triangles))
    return welded_together(mesh), np.array(kinds)


@pytest.fixture(scope="module")
def alignment(template, head):
    return align(template, head[0], exact_fit(template))


@pytest.fixture(scope="module")
def opening(template):
    """A jaw that opens, with the skin of the lower lip and the lower bag."""
    skin = np.zeros((1, template.num_vertices, 3), np.float32)
    skin[0, :, 1] = -12.0 * lower_lip(template)
    return FaceMotion(skin, JAW_OPEN[None].astype(np.float32))


@pytest.mark.parametrize("name", PART_MOTIONS)
def test_what_is_welded_into_the_skin_is_recognised(alignment, head, name):
    truth, found = head[1] == name, kinds_of(alignment) == name
    both = np.count_nonzero(truth & found)
    assert both > 0.95 * np.count_nonzero(found)
    assert both > 0.9 * np.count_nonzero(truth)


def test_every_vertex_belongs_to_exactly_one_part(alignment):
    indices = np.concatenate([part.vertex_indices for part in alignment.parts])
    assert len(indices) == alignment.target.num_vertices == len(np.unique(indices))
    assert len({part.key for part in alignment.parts}) == len(alignment.parts)
    assert {p.kind for p in alignment.parts if p.is_welded} == set(PART_MOTIONS)
    assert all(0.0 < p.confidence <= 1.0 for p in alignment.parts)


def test_welded_teeth_are_rigid_and_what_holds_them_bends(alignment, opening):
    mesh = alignment.target
    moved = mesh.vertices + retarget(opening, alignment)[0]
    for part in alignment.parts:
        rest, now = mesh.vertices[part.vertex_indices], moved[part.vertex_indices]
        if part.kind in ("lower_teeth", "tongue"):
            assert np.abs(pdist(now) - pdist(rest)).max() < 0.05  # mm
            assert np.linalg.norm(now - rest, axis=1).min() > 5.0
        elif part.motion == "still":
            np.testing.assert_array_equal(now, rest)


def test_a_mouth_without_teeth_has_no_teeth(template):
    parts = align(template, template.mesh, exact_fit(template)).parts
    assert [part.kind for part in parts] == ["skin"]


def test_the_artist_can_call_a_piece_skin_and_back(alignment):
    teeth = next(p for p in alignment.parts if p.kind == "lower_teeth")
    skin = next(p for p in alignment.parts if p.kind == "skin")
    corrected = correct_parts(alignment, {teeth.key: "skin"})
    by_key = {p.key: p for p in corrected.parts}
    assert [p.key for p in corrected.parts] == [p.key for p in alignment.parts]
    assert (by_key[teeth.key].kind, by_key[teeth.key].confidence) == ("skin", 1.0)
    np.testing.assert_array_equal(by_key[teeth.key].vertex_indices, teeth.vertex_indices)
    again = correct_parts(corrected, {})
    assert [p.kind for p in again.parts] == [p.kind for p in alignment.parts]
    without_skin = correct_parts(alignment, {skin.key: "body"})
    assert not np.any(without_skin.correspondence.confidences)


@pytest.mark.parametrize("kind", KIND_MOTIONS)
def test_a_part_may_be_called_anything_and_moves_as_that(kind):
    template = face_template(6.0)
    mesh, _ = joined(face_patch(6.0)[:2], *inner_shapes().values())
    alignment = align(template, mesh, exact_fit(template))
    tongue = next(p for p in alignment.parts if p.kind == "tongue")
    corrected = correct_parts(alignment, {tongue.key: kind})
    part = next(p for p in corrected.parts if p.key == tongue.key)
    assert part.kind == kind
    assert part.motion == ("carried" if kind == "skin" else KIND_MOTIONS[kind])
    push = FaceMotion(np.ones((1, template.num_vertices, 3), np.float32), JAW_OPEN[None])
    moved = retarget(push, corrected)[0]
    assert np.isfinite(moved).all()
    assert moved[part.vertex_indices].any() == (part.motion != "still")


def sealed_face():
    """The face without a slit: a closed sheet."""
    xs = np.arange(-60.0, 60.1, 2.0)
    ys = np.arange(-72.0, 72.1, 2.0)
    gx, gy = np.meshgrid(xs, ys)
    vertices = np.stack([gx, gy, bulge(gx, gy)], axis=-1).reshape(-1, 3)
    grid = np.arange(len(vertices)).reshape(gx.shape)
    return Mesh.from_triangles(vertices, grid_triangles(grid))


def test_lips_in_one_sheet_move_as_one():
    template = face_template()
    skin = np.zeros((1, template.num_vertices, 3), np.float32)
    is_chin = template.vertices[:, 1] < SLIT_HEIGHT - 8.0
    skin[0, :, 1] = -12.0 * np.maximum(lower_lip(template), is_chin)
    mesh = sealed_face()
    alignment = align(template, mesh, exact_fit(template))
    moved = retarget(FaceMotion(skin, JAW_OPEN[None].astype(np.float32)), alignment)[0]
    start, end = mesh.triangles[:, [0, 1]].T
    growth = np.linalg.norm(moved[start] - moved[end], axis=1)
    middle = np.abs(mesh.vertices[start, 0]) < 12.0
    assert growth[middle].max() < 2.0  # mm, of edges 2 mm long; torn lips are 12 mm apart
    at_chin = np.abs(mesh.vertices - [0.0, -52.0, bulge(0.0, -52.0)]).max(axis=1) < 3.0
    assert moved[at_chin, 1].max() < -9.0
    at_nose = np.abs(mesh.vertices - [0.0, 2.0, bulge(0.0, 2.0)]).max(axis=1) < 3.0
    assert np.abs(moved[at_nose]).max() < 1.0


def test_open_lips_are_not_sealed():
    template = face_template()
    mesh, _ = joined(face_patch(2.0)[:2])
    confidences = align(template, mesh, exact_fit(template)).correspondence.confidences
    rim = np.abs(mesh.vertices - [0.0, SLIT_HEIGHT, bulge(0.0, SLIT_HEIGHT)]).max(axis=1) < 3.0
    assert (confidences[rim] > 0).any()


def valley(angle):
    """A strip of two planes that meet along the y axis, (6, 3) vertices, facing up."""
    xs, ys = np.meshgrid([-1.0, -0.5, 0.0, 0.5, 1.0], np.linspace(0, 1, 3))
    vertices = np.stack([xs, ys, np.tan(angle) * np.abs(xs)], axis=-1).reshape(-1, 3)
    triangles = grid_triangles(np.arange(15).reshape(3, 5))
    surface = Surface(vertices, triangles, np.arange(15), np.zeros(15, int))
    return Patch.cut(surface, np.arange(15))


def test_a_valley_is_a_crease_and_a_ridge_is_none():
    for sign in (1.0, -1.0):
        patch = valley(sign * 0.9)
        edges = patch.as_surface().edges
        turns = concave_turns(patch, edges)
        assert (turns.max() > 30.0) == (sign > 0)


def test_creases_part_pieces():
    patch = valley(0.0)
    leaning = np.where(patch.points[:, :1] < 0.1, [0.8, 0.0, 0.6], [-0.8, 0.0, 0.6])
    pieces = crease_pieces(dataclasses.replace(patch, normals=leaning))
    assert [len(set(pieces[patch.points[:, 0] < 0.1])), len(set(pieces))] == [1, 2]
    convex = dataclasses.replace(patch, normals=leaning * [-1.0, 0.0, 1.0])
    assert len(set(crease_pieces(convex))) == 1


def test_the_same_head_gives_the_same_parts(template, head, alignment):
    again = align(template, head[0], dataclasses.replace(exact_fit(template)))
    assert [(p.key, p.kind) for p in again.parts] == [(p.key, p.kind) for p in alignment.parts]
