import numpy as np

from facegen_core.registration.depth_view import (
    CROP_MM,
    MAX_TRIANGLES,
    NEAR_MM,
    NUM_CHANNELS,
    NUM_PIXELS,
    depth_image,
    near_crop,
)

from .fit_fixtures import ball

MM_PER_PIXEL = CROP_MM / NUM_PIXELS


def square(size, depth):
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * 0.5 * size
    return np.column_stack([corners, np.full(4, depth)]), np.array([[0, 1, 2], [0, 2, 3]])


def test_a_ball_is_seen_round_with_normals_that_point_outwards():
    mesh = ball(48, (100.0, 100.0, 100.0))
    image = depth_image(mesh.vertices, mesh.triangles)
    assert image.shape == (NUM_CHANNELS, NUM_PIXELS, NUM_PIXELS)
    seen_mm2 = image[1].sum() * MM_PER_PIXEL**2
    np.testing.assert_allclose(seen_mm2, np.pi * 100.0**2, rtol=0.01)
    axis = (np.arange(NUM_PIXELS) + 0.5) * MM_PER_PIXEL - 0.5 * CROP_MM
    x, y = np.meshgrid(axis, -axis)
    inside = np.hypot(x, y) < 85.0
    np.testing.assert_allclose(image[2][inside], x[inside] / 100.0, atol=0.08)
    np.testing.assert_allclose(image[3][inside], y[inside] / 100.0, atol=0.08)
    depth = np.sqrt(100.0**2 - x[inside] ** 2 - y[inside] ** 2)
    np.testing.assert_allclose(100.0 * image[0][inside], depth, atol=2.0)


def test_the_winding_of_triangles_does_not_matter():
    mesh = ball(24, (90.0, 60.0, 80.0))
    turned = mesh.triangles.copy()
    turned[::2] = turned[::2, ::-1]
    np.testing.assert_allclose(
        depth_image(mesh.vertices, mesh.triangles),
        depth_image(mesh.vertices, turned),
        atol=1e-4,
    )


def test_what_is_nearer_hides_what_is_behind_but_not_before_the_near_plane():
    behind, triangles = square(100.0, 0.0)
    front, _ = square(40.0, 30.0)
    before, _ = square(200.0, NEAR_MM + 1.0)
    vertices = np.concatenate([behind, front, before])
    image = depth_image(vertices, np.concatenate([triangles, triangles + 4, triangles + 8]))
    middle, side = NUM_PIXELS // 2, NUM_PIXELS // 2 + int(35.0 / MM_PER_PIXEL)
    np.testing.assert_allclose(image[0, middle, middle], 0.3, atol=1e-5)
    np.testing.assert_allclose(image[0, middle, side], 0.0, atol=1e-5)
    assert image[1].sum() * MM_PER_PIXEL**2 < 1.1 * 100.0**2


def test_only_what_is_near_is_kept_and_very_dense_meshes_are_thinned():
    mesh = ball(24, (80.0, 80.0, 80.0))
    far = mesh.vertices + [1000.0, 0.0, 0.0]
    both = np.concatenate([mesh.vertices, far])
    triangles = np.concatenate([mesh.triangles, mesh.triangles + len(far)])
    vertices, kept = near_crop(both, triangles)
    assert len(kept) == len(mesh.triangles)
    assert len(vertices) == len(mesh.vertices)
    dense = ball(1500, (80.0, 80.0, 80.0))
    assert len(dense.triangles) > MAX_TRIANGLES
    vertices, kept = near_crop(dense.vertices, dense.triangles)
    assert len(kept) < 0.7 * len(dense.triangles)
    difference = depth_image(vertices, kept)[0] - depth_image(dense.vertices, dense.triangles)[0]
    assert np.abs(difference).mean() < 0.01
