"""Hierarchies and spirals of whatever a researcher brings: components, holes, strips, refusals."""

import numpy as np
import pytest

from facegen_core.errors import InvalidMeshError
from facegen_core.hierarchy import build_hierarchy, check_manifold
from facegen_core.topology import boundary_edges, vertex_components
from tests.sphere_template import open_sphere
from tests.training.recorded_faces import eyeball


def joined(*meshes):
    """Several (vertices, triangles) as one mesh."""
    vertices, triangles, base = [], [], 0
    for points, faces in meshes:
        vertices.append(points)
        triangles.append(np.asarray(faces) + base)
        base += len(points)
    return np.concatenate(vertices), np.concatenate(triangles)


def strip(length: int, place) -> tuple[np.ndarray, np.ndarray]:
    """A row of quads, as lashes and hair cards are."""
    x = np.arange(length + 1.0)
    points = np.stack(
        [np.repeat(x, 2), np.tile([0.0, 1.0], length + 1), np.zeros(2 * length + 2)], 1
    )
    corners = 2 * np.arange(length)[:, None]
    faces = np.concatenate([corners + [0, 2, 1], corners + [1, 2, 3]])
    return points + place, faces


def tube(num_rings: int, num_sectors: int, place) -> tuple[np.ndarray, np.ndarray]:
    """A cylinder open at both ends: two boundaries."""
    around = 2 * np.pi * np.arange(num_sectors) / num_sectors
    ring = np.stack([10 * np.cos(around), 0 * around, 10 * np.sin(around)], axis=1)
    points = np.concatenate([ring + [0, 3.0 * r, 0] for r in range(num_rings)])
    faces = []
    for r in range(num_rings - 1):
        for s in range(num_sectors):
            a, b = r * num_sectors + s, r * num_sectors + (s + 1) % num_sectors
            faces += [[a, a + num_sectors, b], [b, a + num_sectors, b + num_sectors]]
    return points + place, np.array(faces)


def with_holes(vertices, triangles, *removed):
    """Without the faces around some vertices, and without those vertices."""
    keep = ~np.isin(triangles, removed).any(axis=1)
    used = np.unique(triangles[keep])
    return vertices[used], np.searchsorted(used, triangles[keep])


def check_levels(hierarchy, num_components: int) -> None:
    """What must be true of every level of any mesh."""
    for k, level in enumerate(hierarchy.levels):
        V = len(level.vertices)  # noqa: N806
        components = vertex_components(level.triangles, V)
        assert len(np.unique(components)) == num_components
        assert np.bincount(components).min() >= 3
        check_manifold(level.triangles, V)
        assert np.array_equal(level.spirals[:, 0], np.arange(V))
        padded = np.where(level.spirals >= 0, level.spirals, level.spirals[:, :1])
        assert np.all(components[padded] == components[:, None])  # no spiral leaves its component
        if k + 1 < len(hierarchy.levels):
            up = hierarchy.up_matrix(k)
            assert up.data.min() >= 0
            np.testing.assert_allclose(up @ np.ones(up.shape[1]), 1.0, atol=2e-7)
            coarse = hierarchy.levels[k + 1]
            coarse_components = vertex_components(coarse.triangles, len(coarse.vertices))
            rows, columns = up.nonzero()
            pairs = np.unique(np.stack([components[rows], coarse_components[columns]]), axis=1)
            assert pairs.shape[1] == num_components  # every component follows one, its own


def test_a_head_with_two_eyeballs_keeps_them_down_to_coma_s_coarsest_level():
    """The structure of FLAME's 5,023 vertices; public decimators lose the eyeballs at 20."""
    head = open_sphere(131, 30)
    eye, faces = eyeball()
    vertices, triangles = joined(head, (eye + [-30, 0, 60], faces), (eye + [30, 0, 60], faces))
    assert len(vertices) == 3931 + 2 * 546
    nose = int(head[0][:, 2].argmax())
    hierarchy = build_hierarchy(vertices, triangles, 5, 4, 9, nose)
    assert hierarchy.sizes == (5023, 1256, 314, 79, 20)
    check_levels(hierarchy, 3)
    lifted = vertices
    for k in reversed(range(4)):
        lifted = hierarchy.up_matrix(k) @ (
            hierarchy.levels[4].vertices if k == 3 else lifted
        )  # from 20 vertices to all
    for start in (3931, 4477):  # what 4 vertices keep of an eyeball is in its place
        middle = lifted[start : start + 546].mean(axis=0) - vertices[start : start + 546].mean(
            axis=0
        )
        assert np.linalg.norm(middle) < 8.0


def test_holes_strips_and_tubes_are_carried_through_all_levels():
    vertices, triangles = open_sphere(30, 40)
    head = with_holes(vertices, triangles, 200, 500, 501, 830)
    mesh = joined(head, strip(12, [90, 0, 0]), tube(6, 14, [0, 0, 150]), strip(1, [0, 120, 0]))
    hierarchy = build_hierarchy(*mesh, num_levels=5, factor=3, reference_vertex=17)
    check_levels(hierarchy, 4)
    assert hierarchy.sizes[-1] < 60


def test_more_components_than_the_coarsest_level_would_have_vertices_all_stay():
    cards = [strip(4, [20.0 * k, 0, 0]) for k in range(30)]
    hierarchy = build_hierarchy(*joined(*cards), num_levels=4, factor=4)
    check_levels(hierarchy, 30)
    assert hierarchy.sizes[-1] == 90  # a triangle each


def test_two_fans_that_touch_in_one_vertex_are_one_component():
    fan = np.array(
        [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0.3], [-1, 0, 0], [-1, -1, 0.2], [0, -1, 0]]
    )
    triangles = np.array([[0, 1, 2], [0, 2, 3], [0, 4, 5], [0, 5, 6]])
    hierarchy = build_hierarchy(fan, triangles, num_levels=2, factor=2)
    check_levels(hierarchy, 1)


def test_random_pieces_of_surface_survive_every_level():
    """Patches torn out of a sphere at random: islands, necks and holes of every kind."""
    rng = np.random.default_rng(5)
    vertices, triangles = open_sphere(24, 32)
    for _ in range(12):
        centres = triangles[rng.integers(0, len(triangles), 25)]
        kept = np.isin(triangles, centres).any(axis=1) | (rng.random(len(triangles)) < 0.3)
        used = np.unique(triangles[kept])
        piece = np.searchsorted(used, triangles[kept])
        count = len(np.unique(vertex_components(piece, len(used))))
        check_levels(build_hierarchy(vertices[used], piece, num_levels=4, factor=4), count)


def test_openings_keep_their_number():
    vertices, triangles = open_sphere(30, 40)
    head = with_holes(vertices, triangles, 200, 501, 830)  # three holes and the neck
    hierarchy = build_hierarchy(*head, num_levels=4, factor=4)
    for level in hierarchy.levels:
        border = boundary_edges(level.triangles)
        loops = vertex_components(np.c_[border, border[:, 1]], len(level.vertices))
        assert len(np.unique(loops[np.unique(border)])) == 4


SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0.5, 0.5, 1.0]])


@pytest.mark.parametrize(
    ("triangles", "sentence"),
    [
        ([[0, 1, 2], [0, 2, 3]], r"No face uses vertex 4 \(1 in all\)"),
        ([[0, 1, 2], [0, 2, 3], [0, 4, 4]], r"A face uses a vertex twice \(at vertex 0; 1 such"),
        ([[0, 1, 2], [2, 3, 0], [0, 2, 4]], r"share the edge of vertices 0, 2 \(1 such edges"),
        ([[0, 1, 2], [0, 2, 3], [0, 1, 4]], r"edge of vertices 0, 1 wind in opposite directions"),
    ],
)
def test_what_has_no_spirals_is_refused_by_the_names_of_its_vertices(triangles, sentence):
    with pytest.raises(InvalidMeshError, match=sentence):
        build_hierarchy(SQUARE, np.array(triangles))
