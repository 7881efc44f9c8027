import numpy as np

from facegen_core.mesh import vertex_normals
from facegen_core.winding import flipped, without_doubles

from .fit_fixtures import ball


def test_a_well_wound_ball_is_left_alone():
    assert not flipped(ball().triangles).any()


def test_scattered_and_patched_flips_are_found():
    triangles = ball().triangles.copy()
    chosen = np.zeros(len(triangles), bool)
    chosen[200:420] = True  # a patch
    chosen[np.random.default_rng(0).choice(len(triangles), 60, replace=False)] = True
    triangles[chosen] = triangles[chosen, ::-1]
    np.testing.assert_array_equal(flipped(triangles), chosen)


def test_each_component_goes_by_its_own_majority():
    one = ball()
    both = np.concatenate([one.triangles, one.triangles[:, ::-1] + one.num_vertices])
    assert not flipped(both).any()


def test_a_moebius_strip_is_left_as_it_is():
    count = 12
    low, high = np.arange(count), np.arange(count) + count
    next_low, next_high = np.roll(low, -1), np.roll(high, -1)
    next_low[-1], next_high[-1] = high[0], low[0]
    strip = np.concatenate(
        [np.stack([low, next_low, next_high], 1), np.stack([low, next_high, high], 1)]
    )
    assert not flipped(strip).any()


def test_a_fin_on_an_edge_of_three_faces_decides_nothing():
    triangles = ball().triangles
    a, b = triangles[300, :2]
    fin = np.array([[a, b, triangles.max() + 1]])
    assert not flipped(np.concatenate([triangles, fin])).any()
    assert not flipped(np.concatenate([triangles, fin[:, ::-1]])).any()


def test_double_faces_are_dropped_whichever_way_they_are_wound():
    head = ball()
    doubled = np.concatenate(
        [head.triangles, head.triangles[:50], np.roll(head.triangles[50:80, ::-1], 1, axis=1)]
    )
    kept = without_doubles(doubled)
    np.testing.assert_array_equal(kept, np.arange(len(head.triangles)))
    normals = vertex_normals(head.vertices, doubled[kept])
    assert (np.linalg.norm(normals, axis=1) > 0.99).mean() > 0.9
