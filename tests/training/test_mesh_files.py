import numpy as np
import pytest

from facegen_core.errors import DatasetError
from tests.sphere_template import open_sphere
from tests.training.recorded_faces import PLY_FORMS, write_obj, write_ply
from training.datasets.mesh_files import EdgeCheck, check_same_topology, read_mesh_file


def shuffled_sphere():
    """A sphere whose vertices are in no order, one vertex without faces, two in one place."""
    vertices, triangles = open_sphere()
    order = np.random.default_rng(1).permutation(len(vertices))
    vertices, triangles = vertices[order], np.argsort(order)[triangles]
    vertices = np.vstack([vertices, [[1.0, 2.0, 3.0]]])
    vertices[5] = vertices[9]
    return vertices, triangles


@pytest.mark.parametrize("form", PLY_FORMS)
def test_ply_keeps_every_vertex_where_it_was(tmp_path, form):
    vertices, triangles = shuffled_sphere()
    write_ply(tmp_path / "a.ply", vertices, triangles, form)
    mesh = read_mesh_file(tmp_path / "a.ply")
    np.testing.assert_allclose(mesh.vertices, vertices, rtol=1e-6, atol=1e-6)
    assert np.array_equal(mesh.triangles, triangles)


@pytest.mark.parametrize("texture", [False, True])
def test_obj_keeps_every_vertex_where_it_was(tmp_path, texture):
    vertices, triangles = shuffled_sphere()
    write_obj(tmp_path / "a.obj", vertices, triangles, texture)
    mesh = read_mesh_file(tmp_path / "a.obj")
    np.testing.assert_allclose(mesh.vertices, vertices, atol=1e-6)
    assert np.array_equal(mesh.triangles, triangles)


def test_quads_are_cut_and_keep_their_corners(tmp_path):
    corners = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [2, 0, 0.0]])
    write_obj(tmp_path / "a.obj", corners, [[0, 1, 2, 3], [1, 4, 2]])
    triangles = read_mesh_file(tmp_path / "a.obj").triangles
    assert len(triangles) == 3
    assert {tuple(sorted(t)) for t in triangles.tolist()} == {(0, 1, 2), (0, 2, 3), (1, 2, 4)}


def test_obj_indices_may_count_from_the_end(tmp_path):
    path = tmp_path / "a.obj"
    path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\n")
    assert read_mesh_file(path).triangles.tolist() == [[0, 1, 2]]


def test_cut_off_files_are_refused_by_name(tmp_path):
    vertices, triangles = shuffled_sphere()
    for form in PLY_FORMS:
        path = tmp_path / f"{form}.ply"
        write_ply(path, vertices, triangles, form)
        path.write_bytes(path.read_bytes()[:900])
        with pytest.raises(DatasetError, match=f"{form}.ply"):
            read_mesh_file(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "cannot be read as a mesh"),
        (b"not a mesh at all", "cannot be read as a mesh"),
        (b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\n"
         b"property float z\nend_header\n0 0 0\n", "holds no mesh"),
    ],
)  # fmt: skip
def test_what_is_no_ply_is_refused(tmp_path, content, sentence):
    path = tmp_path / "a.ply"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=sentence):
        read_mesh_file(path)


def test_an_empty_obj_is_refused(tmp_path):
    (tmp_path / "a.obj").write_text("# nothing\n")
    with pytest.raises(DatasetError, match=r"a\.obj holds no mesh"):
        read_mesh_file(tmp_path / "a.obj")


def test_a_face_beyond_the_vertices_is_refused(tmp_path):
    (tmp_path / "a.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n")
    with pytest.raises(DatasetError, match=r"a\.obj"):
        read_mesh_file(tmp_path / "a.obj")


def test_numbers_that_are_not_finite_are_refused_with_the_vertex(tmp_path):
    vertices, triangles = shuffled_sphere()
    vertices[17] = np.nan
    write_ply(tmp_path / "a.ply", vertices, triangles, "binary_little_endian")
    with pytest.raises(DatasetError, match="vertex 17"):
        read_mesh_file(tmp_path / "a.ply")


def test_another_vertex_count_and_other_faces_are_refused(tmp_path):
    vertices, triangles = open_sphere()
    write_ply(tmp_path / "first.ply", vertices, triangles)
    first = read_mesh_file(tmp_path / "first.ply")
    write_ply(tmp_path / "more.ply", np.vstack([vertices, [[0, 0, 0.0]]]), triangles)
    with pytest.raises(DatasetError, match=r"more\.ply has 262 vertices, but .*first\.ply has 261"):
        check_same_topology(read_mesh_file(tmp_path / "more.ply"), first)
    write_ply(tmp_path / "other.ply", vertices, np.roll(triangles, 1, axis=0))
    with pytest.raises(DatasetError, match=r"other\.ply has other faces"):
        check_same_topology(read_mesh_file(tmp_path / "other.ply"), first)


def test_another_vertex_order_is_found_by_its_edges(tmp_path):
    vertices, triangles = open_sphere(30, 40)
    check = EdgeCheck(vertices, triangles)
    check.check(tmp_path / "same.ply", 1.5 * vertices)
    order = np.arange(len(vertices))
    order[:60] = np.roll(order[:60], 20)  # one part of the mesh alone
    with pytest.raises(DatasetError, match=r"frame_7\.ply.*another order"):
        check.check(tmp_path / "frame_7.ply", vertices[order])
