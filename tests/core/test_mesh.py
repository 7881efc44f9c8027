import numpy as np
import pytest

from facegen_core.errors import InvalidMeshError
from facegen_core.mesh import Mesh, vertex_normals

CUBE = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
CUBE_QUADS = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]


def cube(offset=0.0) -> Mesh:
    return Mesh.from_polygons(CUBE + offset, CUBE_QUADS)


def test_polygons_are_cut_into_fans_that_cover_the_same_area():
    mesh = cube()
    assert mesh.triangles.shape == (12, 3)
    assert mesh.face_areas.sum() == pytest.approx(6.0)
    np.testing.assert_array_equal(np.bincount(mesh.triangle_polygons), [2] * 6)


def test_ngons_and_loose_edges_are_read_without_harm():
    flat = np.array([[0, 0, 0], [2, 0, 0], [3, 1, 0], [1, 2, 0], [-1, 1, 0], [9, 9, 9]], float)
    mesh = Mesh.from_polygons(flat, [(0, 1, 2, 3, 4), (4, 5)])
    assert len(mesh.triangles) == 3
    assert mesh.loose_parts[5] == mesh.loose_parts[0]


def test_normals_of_a_closed_mesh_point_outwards():
    mesh = cube()
    outward = mesh.vertices - 0.5
    assert (np.einsum("ij,ij->i", mesh.vertex_normals, outward) > 0).all()
    assert abs(mesh.face_normals.sum()) < 1e-12


def test_vertex_normals_of_many_frames_equal_those_frame_by_frame():
    mesh = cube()
    frames = mesh.vertices + np.random.default_rng(0).normal(0, 0.05, (3, 8, 3))
    expected = [vertex_normals(f, mesh.triangles) for f in frames]
    np.testing.assert_allclose(vertex_normals(frames, mesh.triangles), expected)


def test_loose_parts_are_numbered_by_their_lowest_vertex():
    both = np.concatenate([CUBE, CUBE + 5])
    quads = [tuple(i + 8 for i in q) for q in CUBE_QUADS] + CUBE_QUADS
    parts = Mesh.from_polygons(both, quads).loose_parts
    np.testing.assert_array_equal(parts, [0] * 8 + [1] * 8)


@pytest.mark.parametrize(
    ("vertices", "polygons", "words"),
    [
        (np.zeros((0, 3)), [], "empty"),
        (CUBE, [], "empty"),
        (np.where(np.arange(24).reshape(8, 3) == 7, np.nan, CUBE), CUBE_QUADS, "vertex 2"),
        (np.where(np.arange(24).reshape(8, 3) == 7, np.inf, CUBE), CUBE_QUADS, "not finite"),
        (CUBE, [(0, 1, 99)], "99"),
        (CUBE, [(0, 1, -1)], "points to"),
        (CUBE[:, :2], CUBE_QUADS, r"\(M, 3\)"),
    ],
)
def test_a_mesh_that_cannot_be_used_is_refused_in_a_sentence(vertices, polygons, words):
    with pytest.raises(InvalidMeshError, match=words):
        Mesh.from_polygons(vertices, polygons)
