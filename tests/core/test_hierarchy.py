import numpy as np
from scipy.spatial import cKDTree

from facegen_core.decimation import decimate
from facegen_core.hierarchy import build_hierarchy, closest_barycentrics
from facegen_core.topology import boundary_edges, vertex_components
from tests.sphere_template import open_sphere


def sphere_hierarchy():
    vertices, triangles = open_sphere(24, 32)
    return vertices, build_hierarchy(vertices, triangles, num_levels=4, factor=4)


def edge_counts(triangles: np.ndarray) -> np.ndarray:
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    return np.unique(np.sort(pairs, axis=1), axis=0, return_counts=True)[1]


def test_every_level_has_a_quarter_of_the_vertices_rounded_up():
    _, hierarchy = sphere_hierarchy()
    assert hierarchy.sizes == (769, 193, 49, 13)


def test_coarse_vertices_are_a_subset_of_the_finer_ones():
    _, hierarchy = sphere_hierarchy()
    for fine, coarse in zip(hierarchy.levels[:-1], hierarchy.levels[1:], strict=True):
        distances, _ = cKDTree(fine.vertices).query(coarse.vertices)
        assert distances.max() == 0


def test_every_level_stays_a_manifold_with_one_opening():
    _, hierarchy = sphere_hierarchy()
    for level in hierarchy.levels:
        assert edge_counts(level.triangles).max() == 2
        border = boundary_edges(level.triangles)
        assert len(border) >= 3
        assert len(np.unique(border)) == len(border)  # one closed loop
        # A disk: V - E + F = 1.
        euler = len(level.vertices) - len(edge_counts(level.triangles)) + len(level.triangles)
        assert euler == 1


def test_up_weights_are_barycentric():
    _, hierarchy = sphere_hierarchy()
    for weights in hierarchy.up_weights:
        assert weights.min() >= 0
        np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=2e-7)


def test_up_transform_keeps_constant_fields_and_kept_vertices():
    _, hierarchy = sphere_hierarchy()
    for k in range(3):
        up = hierarchy.up_matrix(k)
        np.testing.assert_allclose(up @ np.ones(up.shape[1]), 1.0, atol=2e-7)
        fine, coarse = hierarchy.levels[k].vertices, hierarchy.levels[k + 1].vertices
        _, kept = cKDTree(fine).query(coarse)
        assert np.array_equal((up @ coarse)[kept], coarse)


def test_up_transform_is_near_the_surface_it_came_from():
    _, hierarchy = sphere_hierarchy()
    lifted = hierarchy.up_matrix(0) @ hierarchy.levels[1].vertices
    errors = np.linalg.norm(lifted - hierarchy.levels[0].vertices, axis=1)
    assert errors.mean() < 2.0  # mm, on a sphere of 160 mm with triangles of about 20 mm


def test_components_never_vanish_and_never_mix():
    vertices, triangles = open_sphere(6, 8)
    two = np.vstack([vertices, 0.1 * vertices + [200.0, 0, 0]])
    both = np.vstack([triangles, triangles + len(vertices)])
    hierarchy = build_hierarchy(two, both, num_levels=4, factor=5)
    for k, level in enumerate(hierarchy.levels):
        assert len(np.unique(vertex_components(level.triangles, len(level.vertices)))) == 2
        if k < 3:
            lifted = hierarchy.up_matrix(k) @ hierarchy.levels[k + 1].vertices
            far = np.abs(lifted[:, 0] - level.vertices[:, 0])
            assert far.max() < 150.0


def test_a_closed_tetrahedron_cannot_be_decimated():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    triangles = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])
    result = decimate(vertices, triangles, [2])[0]
    assert len(result.kept) == 4


def test_what_is_flat_collapses_and_a_lone_peak_stays():
    x, y = (axis.ravel().astype(float) for axis in np.meshgrid(np.arange(21), np.arange(11)))
    peak = 5 * 21 + 10
    vertices = np.stack([x, y, np.zeros(len(x))], axis=1)
    vertices[peak, 2] = 3.0
    corners = (np.arange(20) + 21 * np.arange(10)[:, None]).ravel()[:, None]
    triangles = np.concatenate([corners + [0, 1, 22], corners + [0, 22, 21]])
    assert peak in decimate(vertices, triangles, [20])[0].kept


def test_the_same_mesh_gives_the_same_hierarchy():
    _, first = sphere_hierarchy()
    _, second = sphere_hierarchy()
    for a, b in zip(first.levels, second.levels, strict=True):
        assert np.array_equal(a.triangles, b.triangles)
        assert np.array_equal(a.spirals, b.spirals)


def test_fused_operator_is_the_spiral_gather_after_the_up_transform():
    _, hierarchy = sphere_hierarchy()
    rng = np.random.default_rng(0)
    for k in range(3):
        coarse = rng.normal(size=(hierarchy.sizes[k + 1], 5)).astype(np.float32)
        spirals = hierarchy.levels[k].spirals
        weight = rng.normal(size=(spirals.shape[1], 5, 2)).astype(np.float32)
        fine = np.vstack([hierarchy.up_matrix(k) @ coarse, np.zeros((1, 5), np.float32)])
        naive = np.einsum("vsc,scd->vd", fine[spirals], weight)  # -1 reads the row of zeros
        stacked = np.stack([coarse @ w for w in weight], axis=1).reshape(-1, weight.shape[2])
        fused = hierarchy.fused_operator(k) @ stacked
        np.testing.assert_allclose(fused, naive, atol=1e-5 * np.abs(naive).max())


def test_closest_barycentrics_agree_with_a_dense_search():
    rng = np.random.default_rng(3)
    points, corners = 2 * rng.normal(size=(40, 3)), rng.normal(size=(40, 3, 3))
    weights = closest_barycentrics(points, corners)
    found = np.linalg.norm(np.einsum("pc,pcx->px", weights, corners) - points, axis=1)
    u, v = (axis.ravel() for axis in np.meshgrid(np.linspace(0, 1, 80), np.linspace(0, 1, 80)))
    inside = u + v <= 1
    grid = np.stack([1 - u - v, u, v], axis=1)[inside]
    dense = np.linalg.norm(np.einsum("gc,pcx->pgx", grid, corners) - points[:, None], axis=2)
    assert weights.min() >= 0
    assert np.all(found <= dense.min(axis=1) + 1e-9)
    assert np.all(found >= dense.min(axis=1) - 0.1)
