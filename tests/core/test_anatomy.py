"""Which loose part is what, by shape and place alone."""

import numpy as np
import pytest

from facegen_core.mesh import Mesh
from facegen_core.registration import align
from facegen_core.registration.anatomy import fit_sphere
from facegen_core.registration.anatomy.inside_mouth import _teeth_by_row
from tests.core.face_fixtures import (
    EYES,
    ball,
    brow,
    exact_fit,
    face_patch,
    face_template,
    inner_shapes,
    joined,
)

CUBE = (
    np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float),
    np.array(
        [(0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1)]
        + [(2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3)]
    ),
)


@pytest.fixture(scope="module")
def template():
    return face_template()


@pytest.fixture(scope="module")
def parts(template):
    """{name: Part} of a face with everything in it."""
    marker = (CUBE[0] * 4 + EYES["left"], CUBE[1])
    body = (ball(np.zeros(3), 1.0)[0] * [200, 150, 90] - [0, 300, 0], ball(np.zeros(3), 1.0)[1])
    shapes = {"skin": face_patch(2.0)[:2], **inner_shapes()}
    shapes |= {"brow": brow(), "marker": marker, "body": body}
    mesh, ranges = joined(*shapes.values())
    found = align(template, mesh, exact_fit(template)).parts
    assert sum(len(part.vertex_indices) for part in found) == mesh.num_vertices
    return {
        name: next(part for part in found if part.vertex_indices[0] == chosen.start)
        for name, chosen in zip(shapes, ranges, strict=True)
    }


@pytest.mark.parametrize(
    ("name", "kind", "motion"),
    [
        ("skin", "skin", "skin"),
        ("eyeball_left", "eyeball_left", "still"),
        ("eyeball_right", "eyeball_right", "still"),
        ("upper_teeth", "upper_teeth", "still"),
        ("lower_teeth", "lower_teeth", "jaw"),
        ("tongue", "tongue", "jaw"),
        ("brow", "brows", "carried"),
        ("marker", "helper", "still"),
        ("body", "body", "still"),
    ],
)
def test_every_part_is_known_and_moves_as_it_should(parts, name, kind, motion):
    assert (parts[name].kind, parts[name].motion) == (kind, motion)


def test_teeth_are_told_apart_when_they_sit_lower_than_the_fit_expects(template):
    shapes = inner_shapes()
    lowered = {n: (v - [0, 4, 0], t) if "eye" not in n else (v, t) for n, (v, t) in shapes.items()}
    mesh, ranges = joined(face_patch(3.0)[:2], *lowered.values())
    found = align(template, mesh, exact_fit(template)).parts
    kinds = {part.vertex_indices[0]: part.kind for part in found}
    for name, chosen in zip(lowered, ranges[1:], strict=True):
        assert kinds[chosen.start] == name


def single_teeth(template):
    """{(jaw, k): (vertices, triangles)} boxes of eight vertices along both rows, 8 mm high."""
    along = np.array([1, 3, 5, 7, 9, 11])
    teeth = {}
    for jaw, side in (("upper_teeth", 1), ("lower_teeth", -1)):
        row = template.inner_part(jaw).vertices
        for k, place in enumerate(0.5 * (row[along] + row[along + 13])):
            box = (CUBE[0] - 0.5) * [4, 8, 3] + place + [0, side, 0]
            teeth[jaw, k] = box, CUBE[1]
    return teeth


def kinds_of(template, shapes):
    """The kind of each of some loose parts in a face."""
    mesh, ranges = joined(face_patch(3.0)[:2], *shapes.values())
    found = {p.vertex_indices[0]: p.kind for p in align(template, mesh, exact_fit(template)).parts}
    return {name: found[at.start] for name, at in zip(shapes, ranges[1:], strict=True)}


def test_single_teeth_of_a_light_mesh_are_teeth_and_cubes_among_them_markers(template):
    teeth = single_teeth(template)
    marker = CUBE[0] * 4 + teeth["lower_teeth", 0][0].mean(axis=0) + [0, 0, 3]
    kinds = kinds_of(template, {**teeth, ("helper", 0): (marker, CUBE[1])})
    assert kinds == {name: name[0] for name in kinds}


@pytest.mark.parametrize("jaw", ["upper_teeth", "lower_teeth"])
def test_a_tooth_too_long_for_the_fitted_ones_belongs_to_its_row(template, jaw):
    teeth = single_teeth(template)
    vertices, triangles = teeth[jaw, 3]
    # As long as both rows together: by the fitted ones it belongs to either.
    towards = -1 if jaw == "upper_teeth" else 1
    reach = (vertices - vertices.mean(axis=0)) * [0, 0.9, 0] + [0, 3.5 * towards, 0]
    teeth[jaw, 3] = vertices + reach, triangles
    kinds = kinds_of(template, teeth)
    assert kinds == {name: name[0] for name in kinds}


def test_a_shard_of_a_tooth_stands_within_its_row_if_not_as_high():
    x, y, z = np.meshgrid(np.arange(4.0), np.linspace(0.0, 1.0, 4), [0.0, 1.0], indexing="ij")
    grid = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    upper, lower = grid * [1, 10, 1] - [0, 10, 0], grid * [1, 6, 1] - [0, 15, 0]
    shard = grid * [0.2, 1.5, 1] - [-1, 10, 0]
    clouds = {1: upper, 2: lower, 3: shard}
    kinds = {1: ("upper_teeth", 1.0), 2: ("lower_teeth", 1.0), 3: ("mouth_interior", 0.6)}
    assert _teeth_by_row(kinds, clouds, {}) == {3: ("upper_teeth", 0.6)}


def test_a_face_split_along_a_seam_is_one_part(template):
    vertices, triangles, _ = face_patch(3.0)
    mesh, _ = joined((vertices, triangles), *inner_shapes().values())
    is_left = (vertices[triangles][:, :, 0].mean(axis=1) > 30.0).nonzero()[0]
    corners = mesh.triangles.copy()
    seam = np.unique(corners[is_left])
    double = np.zeros(mesh.num_vertices, int)
    double[seam] = np.arange(len(seam)) + mesh.num_vertices
    corners[is_left] = double[corners[is_left]]
    split = Mesh.from_triangles(np.concatenate([mesh.vertices, mesh.vertices[seam]]), corners)
    skins = [p for p in align(template, split, exact_fit(template)).parts if p.kind == "skin"]
    assert len(skins) == 1
    assert set(double[seam]) <= set(skins[0].vertex_indices)


def test_a_sphere_is_found_from_its_front_alone():
    vertices, _ = ball(np.array([3.0, -2.0, 7.0]), 12.0)
    front = vertices[vertices[:, 2] > 10.0]
    centre, radius, roughness = fit_sphere(front)
    np.testing.assert_allclose(centre, [3.0, -2.0, 7.0], atol=1e-6)
    assert radius == pytest.approx(12.0)
    assert roughness < 1e-6
