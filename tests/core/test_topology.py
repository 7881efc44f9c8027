import numpy as np

from facegen_core.topology import (
    adjacency,
    boundary_edges,
    cotangent_laplacian,
    edges_of,
    ordered_one_rings,
    sheets_of,
    vertex_components,
)

# A hexagonal fan: vertex 0 in the middle, 1..6 around it, counter-clockwise.
FAN = np.array([[0, i, i % 6 + 1] for i in range(1, 7)])
RIM = np.array([[np.cos(a), np.sin(a), 0] for a in np.arange(6) * np.pi / 3])
FAN_VERTICES = np.concatenate([[[0, 0, 0]], RIM])


def test_edges_are_listed_once_and_boundary_edges_are_the_rim():
    assert len(edges_of(FAN)) == 12
    rim = boundary_edges(FAN)
    assert len(rim) == 6
    assert 0 not in rim


def test_an_inner_vertex_has_one_closed_ring_in_winding_order():
    runs = ordered_one_rings(FAN, 7)[0]
    assert runs == [[1, 2, 3, 4, 5, 6]]


def test_a_boundary_vertex_has_one_open_run_from_rim_to_rim():
    assert ordered_one_rings(FAN, 7)[3] == [[4, 0, 2]]


def test_the_ring_does_not_depend_on_the_order_of_the_triangles():
    shuffled = FAN[np.random.default_rng(1).permutation(6)]
    assert ordered_one_rings(shuffled, 7)[0] == ordered_one_rings(FAN, 7)[0]


def test_two_fans_that_touch_in_a_vertex_are_two_runs():
    bow_tie = np.array([[0, 1, 2], [0, 3, 4]])
    assert ordered_one_rings(bow_tie, 5)[0] == [[1, 2], [3, 4]]


def test_components_and_adjacency_of_separate_parts():
    two = np.concatenate([FAN, FAN + 7])
    labels = vertex_components(two, 15)
    assert len(set(labels[:7])) == 1
    assert len(set(labels)) == 3  # two fans and a vertex without faces
    assert adjacency(two, 15)[0].sum() == 6


def test_the_laplacian_annihilates_linear_fields_inside_a_flat_mesh():
    laplacian = cotangent_laplacian(FAN_VERTICES, FAN)
    field = FAN_VERTICES @ np.array([2.0, -3.0, 0.5]) + 7
    assert abs((laplacian @ field)[0]) < 1e-12
    np.testing.assert_allclose(laplacian.sum(axis=1), 0, atol=1e-12)
    assert np.linalg.eigvalsh(laplacian.toarray()).min() > -1e-12


def test_what_is_welded_to_a_sheet_is_a_sheet_of_its_own():
    shell = np.array([[0, 1, 7], [1, 7, 8]])  # hangs on the inner edge from 0 to 1
    sheets = sheets_of(np.concatenate([FAN, shell]))
    assert len(set(sheets[:6])) == 1
    assert sheets[6] == sheets[7] != sheets[0]
