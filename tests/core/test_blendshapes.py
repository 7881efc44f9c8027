import numpy as np
import pytest

from facegen_core.blendshapes import compress, one_shape_per_frame
from facegen_core.errors import TopologyMismatchError


def clip_of_rank(rank: int, num_frames: int = 60, num_vertices: int = 300) -> np.ndarray:
    """A clip of `rank` poses that rise and fall one after the other, up to about 10 mm."""
    rng = np.random.default_rng(5)
    poses = rng.normal(0.0, 3.0, (rank, num_vertices, 3))
    times = np.linspace(0.0, 1.0, num_frames)[:, None]
    peaks = np.linspace(0.2, 0.8, rank)[None]
    weights = np.clip(1.0 - np.abs(times - peaks) / 0.19, 0.0, 1.0) ** 2
    return np.tensordot(weights, poses, axes=1).astype(np.float32)


def largest_distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.linalg.norm(a - b, axis=-1).max())


@pytest.mark.parametrize("max_error", [0.5, 0.1, 0.01])
def test_compressing_then_rebuilding_stays_within_the_stated_error(max_error):
    clip = clip_of_rank(5)
    shapes = compress(clip, max_error)
    measured = largest_distance(shapes.rebuild(), clip)
    assert shapes.max_error <= max_error
    assert measured <= shapes.max_error + 1e-4


def test_weights_stay_between_zero_and_one_and_every_shape_is_used_fully():
    shapes = compress(clip_of_rank(4), 0.05)
    assert shapes.weights.min() >= 0.0
    assert shapes.weights.max() <= 1.0
    np.testing.assert_allclose(shapes.weights.max(axis=0), 1.0, atol=1e-6)


def test_a_clip_of_few_poses_needs_few_shapes():
    assert compress(clip_of_rank(4), 0.05).num_shapes == 4


def test_motion_that_also_goes_backwards_is_rebuilt_without_negative_weights():
    swing = np.sin(np.linspace(0.0, 2 * np.pi, 41))[:, None, None]
    clip = (swing * np.random.default_rng(0).normal(size=(1, 50, 3))).astype(np.float32)
    shapes = compress(clip, 1e-3)
    assert shapes.num_shapes == 2
    assert largest_distance(shapes.rebuild(), clip) <= 1.1e-3


def test_frames_at_rest_get_weights_of_exactly_zero():
    clip = clip_of_rank(3)
    clip[:10] = 0.0
    clip[-5:] = 0.0
    weights = compress(clip, 0.05).weights
    assert not weights[:10].any()
    assert not weights[-5:].any()


def test_a_clip_that_never_moves_has_no_shapes():
    clip = np.zeros((7, 4, 3), np.float32)
    assert compress(clip, 0.1).num_shapes == 0
    assert one_shape_per_frame(clip).num_shapes == 0


def test_one_shape_per_frame_is_exact_and_skips_frames_at_rest():
    clip = clip_of_rank(3)
    shapes = one_shape_per_frame(clip)
    assert shapes.num_shapes == np.count_nonzero(np.abs(clip).max(axis=(1, 2)))
    np.testing.assert_array_equal(shapes.rebuild(), clip)


def test_a_limit_on_shapes_is_kept_and_its_price_stated():
    clip = clip_of_rank(6)
    shapes = compress(clip, 1e-4, max_shapes=2)
    assert shapes.num_shapes == 2
    assert shapes.max_error == pytest.approx(largest_distance(shapes.rebuild(), clip), rel=1e-3)


def test_noise_that_cannot_be_compressed_falls_back_to_exact():
    clip = np.random.default_rng(1).normal(size=(12, 40, 3)).astype(np.float32)
    shapes = compress(clip, 1e-6)
    assert largest_distance(shapes.rebuild(), clip) <= 1e-5


def test_a_clip_with_nan_is_refused_with_its_frame():
    clip = clip_of_rank(2)
    clip[7, 3, 1] = np.nan
    with pytest.raises(TopologyMismatchError, match="Frame 7"):
        compress(clip, 0.1)


def test_a_long_take_keeps_to_the_tolerance_in_every_frame_and_rests_exactly():
    """Fitted to some of its frames, looked at in all: also where one frame stands out alone."""
    rng = np.random.default_rng(9)
    poses = rng.normal(0.0, 3.0, (5, 120, 3))
    times = np.arange(1200)
    weights = np.clip(np.sin(times[:, None] / [37.0, 53.0, 71.0, 91.0, 113.0]), 0.0, 1.0) ** 2
    clip = np.tensordot(weights, poses, axes=1).astype(np.float32)
    clip[631] += rng.normal(0.0, 2.0, (120, 3)).astype(np.float32)
    clip[300:310] = 0.0
    heard: list[float] = []
    shapes = compress(clip, 0.1, progress=lambda fraction, _: heard.append(fraction))
    assert shapes.max_error <= 0.1
    assert largest_distance(shapes.rebuild(), clip) <= 0.1 + 1e-4
    assert shapes.num_shapes <= 12
    assert not shapes.weights[300:310].any()
    np.testing.assert_allclose(shapes.weights.max(axis=0), 1.0, atol=1e-6)
    assert heard == sorted(heard)
    limited = compress(clip, 0.1, max_shapes=3)
    assert limited.num_shapes == 3
    measured = largest_distance(limited.rebuild(), clip)
    assert limited.max_error == pytest.approx(measured, rel=1e-3)


def test_a_head_in_units_of_1e30_is_compressed_like_any_other():
    """Squares of its displacements are beyond single precision: the solver did not converge."""
    rng = np.random.default_rng(3)
    shapes, weights = rng.normal(size=(3, 400, 3)), rng.random((12, 3))
    clip = np.tensordot(weights, shapes, axes=1).astype(np.float32)
    usual, huge = compress(clip, 0.01), compress(clip * np.float32(2.0**100), 0.01 * 2.0**100)
    assert np.isfinite(huge.shapes).all()
    assert huge.max_error <= 0.01 * 2.0**100
    assert huge.num_shapes == usual.num_shapes
    assert np.allclose(huge.rebuild() / 2.0**100, usual.rebuild(), atol=0.02)
