"""The z-buffer against the naive loop, and what it promises at edges."""

import numpy as np

from facegen_core.rasteriser import rasterise


def nearest_by_loop(positions, depths, triangles, rows, columns):
    """The naive twin of rasterise: (rows, columns) depth of what each pixel centre sees."""
    seen = np.full((rows, columns), -np.inf)
    for corners in triangles:
        a, b, c = positions[corners]
        system = np.array([[b[0] - a[0], c[0] - a[0]], [b[1] - a[1], c[1] - a[1]]])
        if np.linalg.det(system) >= 0:  # y points down: this one faces away
            continue
        for y in range(rows):
            for x in range(columns):
                share_b, share_c = np.linalg.solve(system, (x + 0.5 - a[0], y + 0.5 - a[1]))
                shares = np.array([1 - share_b - share_c, share_b, share_c])
                if (shares >= 0).all():
                    seen[y, x] = max(seen[y, x], shares @ depths[corners])
    return seen


def test_the_z_buffer_agrees_with_a_loop_over_triangles_and_pixels():
    rng = np.random.default_rng(3)
    positions, depths = rng.uniform(-3, 19, (30, 2)), rng.uniform(-5, 5, 30)
    triangles = rng.permutation(30).reshape(10, 3)
    visible = rasterise(positions, depths, triangles, 14, 17)
    seen = np.full(14 * 17, -np.inf)
    seen[visible.pixels] = visible.depths
    corner_depths = depths[triangles[visible.triangles]]
    np.testing.assert_allclose(
        (visible.shares * corner_depths).sum(axis=1), visible.depths, atol=1e-4
    )
    expected = nearest_by_loop(positions, depths, triangles, 14, 17).ravel()
    assert np.isfinite(expected).sum() > 50
    # A centre within rounding of an edge may go either way.
    agree = np.isclose(seen, expected, atol=2e-3)
    assert agree.mean() > 0.99


def test_a_surface_has_no_seams():
    grid = np.linspace(0.0, 40.0, 14)
    x, y = np.meshgrid(grid, grid)
    index = np.arange(14 * 14).reshape(14, 14)
    a, b, c, d = (
        i.ravel() for i in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:])
    )
    triangles = np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])
    positions = np.stack([x.ravel(), y.ravel()], 1)
    visible = rasterise(positions, np.zeros(len(positions)), triangles, 40, 40)
    assert sorted(visible.pixels) == list(range(40 * 40))


def test_both_sides_see_what_turns_its_back():
    rng = np.random.default_rng(8)
    positions, depths = rng.uniform(0, 20, (60, 2)), rng.uniform(-5, 5, 60)
    triangles = np.arange(60).reshape(20, 3)
    turned = triangles.copy()
    turned[::2] = turned[::2, ::-1]
    one, other = (
        rasterise(positions, depths, t, 20, 20, both_sides=True) for t in (triangles, turned)
    )
    fronts, backs = (
        rasterise(positions, depths, t, 20, 20) for t in (triangles, triangles[:, ::-1])
    )
    assert set(one.pixels) == set(fronts.pixels) | set(backs.pixels)
    assert set(fronts.pixels) - set(backs.pixels)
    depth_of = dict(zip(other.pixels, other.depths, strict=True))
    assert set(depth_of) == set(one.pixels)
    np.testing.assert_allclose(one.depths, [depth_of[p] for p in one.pixels], atol=1e-3)
