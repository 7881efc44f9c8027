"""Building the template: subdivision, projection, remeshing, and what the shipped one must be."""

from pathlib import Path

import numpy as np
import pytest

from facegen_core.bundle import load_bundle
from facegen_core.mesh import Mesh, vertex_normals
from facegen_core.template import PART_MOTIONS, REGIONS
from facegen_core.topology import boundary_edges, edges_of, ordered_one_rings, vertex_components
from tests.sphere_template import RADIUS, open_sphere
from training.template_building.catmull_clark import catmull_clark, triangulated
from training.template_building.edge_flips import align_edges, smallest_angles
from training.template_building.remesh import remesh
from training.template_building.surface import Surface

BUNDLE = Path(__file__).parents[2] / "blender_addon" / "assets" / "default.facegen"

CUBE = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
CUBE_QUADS = np.array(
    [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]], np.int32
)


def test_subdividing_a_cube_gives_the_positions_worked_by_hand():
    matrix, quads = catmull_clark(CUBE_QUADS, 8)
    fine = matrix @ CUBE
    # Corner: (Q + 2R + (3 - 3) S) / 3 with Q = (1/3, …), R = (2/3, …); edge: (1 + 1 + ½ + ½) / 4.
    np.testing.assert_allclose(fine[:8], CUBE * 5 / 9)
    np.testing.assert_allclose(np.sort(np.abs(fine[8:20]), axis=1)[:, 1:], 0.75)
    np.testing.assert_allclose(np.sort(np.abs(fine[20:]), axis=1), [[0, 0, 1]] * 6)
    assert (fine.shape, quads.shape) == ((26, 3), (24, 4))
    assert len(boundary_edges(triangulated(quads))) == 0


def test_subdividing_an_open_sheet_with_triangles_keeps_its_border_in_place():
    sheet = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0], [1, 1, 0]], float)
    polygons = np.array([[0, 1, 4, 3], [1, 2, 4, -1]], np.int32)
    matrix, quads = catmull_clark(polygons, 5)
    fine = matrix @ sheet
    np.testing.assert_allclose(np.asarray(matrix.sum(axis=1)).ravel(), 1)
    np.testing.assert_allclose(fine[1], [1, 0, 0])  # (1, 6, 1) / 8 along a straight border
    assert len(quads) == 4 + 3
    assert len(vertex_components(triangulated(quads), len(fine))) == len(fine)


def _two_sheets():
    """Two parallel squares 0.4 mm apart that face each other, like lips."""
    axis = np.arange(12.0)
    x, y = np.meshgrid(axis, axis, indexing="ij")
    low = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1)
    corner = (np.arange(11)[:, None] * 12 + np.arange(11)).ravel()
    up = np.concatenate(
        [
            np.stack([corner, corner + 12, corner + 13], 1),
            np.stack([corner, corner + 13, corner + 1], 1),
        ]
    )
    down = up[:, ::-1] + len(low)
    return Surface(np.concatenate([low, low + [0, 0, 0.4]]), np.concatenate([up, down])), len(up)


def test_a_point_between_two_lips_goes_to_the_one_it_belongs_to():
    surface, num_low = _two_sheets()
    points = np.tile([5.3, 5.7, 0.39], (2, 1))  # nearer to the upper sheet
    triangles, barycentrics = surface.closest(points, np.array([[0, 0, 1.0], [0, 0, -1.0]]))
    assert triangles[0] < num_low <= triangles[1]
    feet = surface.carry_matrix(triangles, barycentrics) @ surface.vertices
    np.testing.assert_allclose(feet, [[5.3, 5.7, 0], [5.3, 5.7, 0.4]], atol=1e-9)


def _assert_one_oriented_manifold(triangles: np.ndarray, num_vertices: int) -> None:
    directed = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    assert len(np.unique(directed, axis=0)) == len(directed)
    assert (vertex_components(triangles, num_vertices) == 0).all()
    assert all(len(runs) == 1 for runs in ordered_one_rings(triangles, num_vertices))


def _num_holes(vertices: np.ndarray, triangles: np.ndarray) -> int:
    """Boundary loops of a sphere with holes: Euler characteristic 2 - holes."""
    return 2 - (len(vertices) - len(edges_of(triangles)) + len(triangles))


@pytest.fixture(scope="module")
def remeshed():
    """The open sphere with 12 mm edges, and 5 mm in front."""
    vertices, triangles = open_sphere(40, 60)
    surface = Surface(vertices, triangles)
    lengths = np.where(vertices[:, 2] > 0.6 * RADIUS, 5.0, 12.0)
    start_vertices, start_triangles = open_sphere()
    return surface, *remesh(surface, lengths, start_vertices, start_triangles)


def test_remeshing_keeps_one_oriented_manifold_with_its_one_opening(remeshed):
    _, vertices, triangles = remeshed
    _assert_one_oriented_manifold(triangles, len(vertices))
    assert _num_holes(vertices, triangles) == 1


def test_remeshed_edges_have_the_wanted_lengths_and_good_triangles(remeshed):
    _, vertices, triangles = remeshed
    edges = edges_of(triangles)
    lengths = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
    middle = vertices[edges].mean(axis=1)[:, 2] / RADIUS
    assert 4.0 < np.median(lengths[middle > 0.8]) < 6.0
    assert 9.0 < np.median(lengths[middle < 0.2]) < 14.0
    assert np.percentile(smallest_angles(vertices, triangles), 5) > 30


def test_remeshed_vertices_lie_on_the_surface_and_are_not_its_own(remeshed):
    surface, vertices, triangles = remeshed
    places = surface.closest(vertices, vertex_normals(vertices, triangles))
    off = np.linalg.norm(surface.carry_matrix(*places) @ surface.vertices - vertices, axis=1)
    rim = np.unique(boundary_edges(triangles))
    inside = np.setdiff1d(np.arange(len(vertices)), rim)
    assert off[inside].max() < 1e-9
    assert off.max() < 1.5
    copies = np.linalg.norm(vertices[inside, None] - surface.vertices, axis=2).min(axis=1) < 1e-6
    assert copies.mean() < 0.05


def test_edges_are_turned_along_a_crease():
    """A roof whose ridge the diagonals cross: afterwards no edge cuts through."""
    x, y = np.meshgrid(np.arange(7.0), np.arange(5.0), indexing="ij")
    roof = np.stack([x.ravel(), y.ravel(), -np.abs(x - y).ravel()], axis=1)  # ridge on x = y
    corner = (np.arange(6)[:, None] * 5 + np.arange(4)).ravel()
    along = [[corner, corner + 5, corner + 6], [corner, corner + 6, corner + 1]]
    across = [[corner, corner + 5, corner + 1], [corner + 1, corner + 5, corner + 6]]
    good, bad = (np.concatenate([np.stack(t, axis=1) for t in kind]) for kind in (along, across))
    turned = align_edges(Surface(roof, good), roof, bad)
    ridge = {(6 * k, 6 * k + 6) for k in range(4)}
    edges = set(map(tuple, edges_of(turned).tolist()))
    assert ridge <= edges
    _assert_one_oriented_manifold(turned, len(roof))


@pytest.fixture(scope="module")
def shipped():
    if not BUNDLE.exists():
        pytest.skip("there is no default bundle yet")
    return load_bundle(BUNDLE).template


def test_the_template_is_one_manifold_whose_only_opening_is_the_neck(shipped):
    vertices, triangles = shipped.vertices.astype(np.float64), shipped.triangles
    assert 13_000 < len(vertices) < 15_000
    _assert_one_oriented_manifold(triangles, len(vertices))
    assert _num_holes(vertices, triangles) == 1
    rim = np.unique(boundary_edges(triangles))
    assert vertices[rim, 1].max() < shipped.landmark_positions[8, 1]  # under the chin


def test_the_template_has_no_slivers_and_no_folds(shipped):
    vertices, triangles = shipped.vertices.astype(np.float64), shipped.triangles
    angles = smallest_angles(vertices, triangles)
    assert np.percentile(angles, 1) > 20
    mesh = Mesh.from_triangles(vertices, triangles)
    agreement = (mesh.face_normals * mesh.vertex_normals[triangles].mean(axis=1)).sum(axis=1)
    assert (agreement < 0.3).sum() <= 5  # a few where the mouth corners fold


def test_the_template_is_finer_at_lips_and_lids_than_elsewhere(shipped):
    edges = edges_of(shipped.triangles)
    lengths = np.linalg.norm(shipped.vertices[edges[:, 0]] - shipped.vertices[edges[:, 1]], axis=1)

    def median_in(name: str) -> float:
        return float(np.median(lengths[(shipped.regions[name][edges] > 0.9).all(axis=1)]))

    for name in ("upper_lip", "lower_lip", "upper_lid_left", "lower_lid_right"):
        assert median_in(name) < 1.9
    assert median_in("scalp") > 3 * median_in("upper_lip")


def test_the_template_faces_forward_in_millimetres_with_its_left_on_the_left(shipped):
    points = shipped.landmark_positions
    assert points[30, 2] == points[:, 2].max()  # the nose tip
    assert points[27, 1] > points[33, 1] > points[57, 1] > points[8, 1]
    assert points[45, 0] > 0 > points[36, 0]
    assert 80 < points[45, 0] - points[36, 0] < 110
    assert (shipped.regions["ear_left"][shipped.vertices[:, 0] < 0] == 0).all()


def test_regions_cover_their_places_and_lips_and_lids_are_cut_sharply(shipped):
    assert tuple(sorted(shipped.regions)) == tuple(sorted(REGIONS))
    for name, region in shipped.regions.items():
        assert region.min() >= 0, name
        assert region.max() > 0.9, name
    for upper, lower in (
        ("upper_lip", "lower_lip"),
        ("upper_lid_left", "lower_lid_left"),
        ("upper_lid_right", "lower_lid_right"),
    ):
        assert (np.minimum(shipped.regions[upper], shipped.regions[lower]) == 0).all()
    assert (shipped.regions["mouth_bag_lower"] <= shipped.regions["mouth_bag"] + 1e-6).all()
    bag, lips = shipped.regions["mouth_bag"], shipped.regions["upper_lip"]
    assert (bag + lips <= 1 + 1e-6).all()


def test_landmarks_of_the_lips_lie_on_their_own_lip(shipped):
    corners = shipped.triangles[shipped.landmarks.triangle_indices]
    for landmarks, region in (((50, 51, 52, 62), "upper_lip"), ((56, 57, 58, 66), "lower_lip")):
        for landmark in landmarks:
            assert shipped.regions[region][corners[landmark]].max() > 0.5, landmark


def test_the_inner_parts_are_light_and_lie_inside_the_head(shipped):
    parts = {part.name: part for part in shipped.inner_parts}
    assert sorted(parts) == sorted(PART_MOTIONS)
    assert 2_500 < sum(len(part.vertices) for part in parts.values()) < 4_500
    low, high = shipped.vertices.min(axis=0), shipped.vertices.max(axis=0)
    for part in parts.values():
        assert (part.vertices > low).all()
        assert (part.vertices < high).all()
    for side, sign in (("left", 1), ("right", -1)):
        assert sign * parts[f"eyeball_{side}"].vertices[:, 0].mean() > 20


def test_identities_move_skin_and_inner_parts_together(shipped):
    """What is next to each other in the mean head is moved alike by the first identity modes."""
    for part in shipped.inner_parts:
        centre = part.vertices.mean(axis=0)
        near = np.linalg.norm(shipped.vertices - centre, axis=1) < 45
        for mode in range(3):
            skin = shipped.identity_basis[mode, near].mean(axis=0)
            inner = part.identity_basis[mode].mean(axis=0)
            assert np.linalg.norm(skin - inner) < 3.0, (part.name, mode)
