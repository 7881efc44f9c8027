import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from facegen_core.spirals import build_spirals, component_references
from facegen_core.topology import adjacency
from tests.sphere_template import open_sphere

# Vertices 1–6 around vertex 0, counter-clockwise seen from +Z, and vertex 7 beyond edge 1–2.
HEXAGON = np.array(
    [
        [0, 0, 0],
        *[[np.cos(a), np.sin(a), 0] for a in np.arange(6) * np.pi / 3],
        [1.5, np.sqrt(3) / 2, 0],
    ]
)
HEXAGON_TRIANGLES = np.array([*[[0, 1 + i, 1 + (i + 1) % 6] for i in range(6)], [1, 7, 2]])


def test_hand_worked_spiral_starts_towards_the_reference_and_winds_counter_clockwise():
    spirals = build_spirals(HEXAGON, HEXAGON_TRIANGLES, 8, reference_vertex=4)
    # Towards vertex 4 the way from 0 is 4 itself; then 5, 6, 1, 2, 3; then the second ring: 7.
    assert spirals[0].tolist() == [0, 4, 5, 6, 1, 2, 3, 7]


def test_the_reference_itself_starts_at_its_nearest_neighbour():
    stretched = HEXAGON.copy()
    stretched[3] *= 0.5
    spirals = build_spirals(stretched, HEXAGON_TRIANGLES, 4, reference_vertex=0)
    assert spirals[0].tolist() == [0, 3, 4, 5]


def test_dilation_keeps_the_centre_and_every_second_of_the_rest():
    full = build_spirals(HEXAGON, HEXAGON_TRIANGLES, 7, reference_vertex=4)
    dilated = build_spirals(HEXAGON, HEXAGON_TRIANGLES, 4, dilation=2, reference_vertex=4)
    assert dilated[0].tolist() == full[0, [0, 1, 3, 5]].tolist()


def test_what_a_small_component_lacks_is_padding_at_the_end():
    triangle = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0.0]])
    spirals = build_spirals(triangle, np.array([[0, 1, 2]]), 9)
    assert np.all(spirals[:, 3:] == -1)
    assert sorted(spirals[0, :3]) == [0, 1, 2]


def test_a_vertex_without_faces_is_alone_in_its_spiral():
    spirals = build_spirals(np.vstack([HEXAGON, [[9, 9, 9.0]]]), HEXAGON_TRIANGLES, 5)
    assert spirals[-1].tolist() == [8, -1, -1, -1, -1]


def test_every_spiral_starts_with_its_own_vertex_and_repeats_none():
    vertices, triangles = open_sphere()
    spirals = build_spirals(vertices, triangles, 20)
    assert np.array_equal(spirals[:, 0], np.arange(len(vertices)))
    for spiral in spirals:
        members = spiral[spiral >= 0]
        assert len(set(members.tolist())) == len(members)


def test_the_first_ring_is_the_neighbours_as_a_naive_search_finds_them():
    vertices, triangles = open_sphere()
    spirals = build_spirals(vertices, triangles, 25)
    neighbours = adjacency(triangles, len(vertices))
    for vertex, spiral in enumerate(spirals):
        ring = set(neighbours[vertex].indices.tolist())
        assert set(spiral[1 : 1 + len(ring)].tolist()) == ring


def test_spirals_do_not_change_when_the_mesh_is_moved_and_turned():
    vertices, triangles = open_sphere()
    turn = Rotation.from_rotvec([0.3, -1.1, 0.7])
    moved = 0.01 * turn.apply(vertices) + [5.0, -3.0, 100.0]
    before = build_spirals(vertices, triangles, 9, reference_vertex=40)
    assert np.array_equal(before, build_spirals(moved, triangles, 9, reference_vertex=40))


def test_every_component_has_its_own_reference():
    vertices, triangles = open_sphere()
    two = np.vstack([vertices, vertices + [300.0, 0, 0]])
    both = np.vstack([triangles, triangles + len(vertices)])
    references = component_references(two, both, 40)
    assert 40 in references
    assert (references >= len(vertices)).sum() == 1
    spirals = build_spirals(two, both, 9, reference_vertex=40)
    assert spirals[len(vertices) :].min() >= len(vertices)


def test_a_length_of_zero_is_refused():
    with pytest.raises(ValueError, match="length"):
        build_spirals(HEXAGON, HEXAGON_TRIANGLES, 0)
