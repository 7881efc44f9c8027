import pytest

torch = pytest.importorskip("torch", reason="the losses are torch")

from training.losses import reconstruction_loss, temporal_loss  # noqa: E402


def clip(*values: float):
    """One vertex, one clip, one coordinate: (1, 1, T, 1)."""
    return torch.tensor(values).reshape(1, 1, -1, 1)


def test_reconstruction_is_the_mean_absolute_error():
    mask = torch.ones(1, 3)
    assert reconstruction_loss(clip(0, 1, 2), clip(0, 2, 5), mask).item() == pytest.approx(4 / 3)


def test_temporal_is_the_mean_absolute_error_of_the_change():
    mask = torch.ones(1, 3)
    assert temporal_loss(clip(0, 1, 2), clip(0, 2, 5), mask).item() == pytest.approx((1 + 2) / 2)


def test_a_constant_error_has_no_temporal_loss():
    assert temporal_loss(clip(1, 2, 3), clip(0, 1, 2), torch.ones(1, 3)).item() == 0


def test_padded_frames_count_for_nothing():
    mask = torch.tensor([[1.0, 1.0, 0.0]])
    assert reconstruction_loss(clip(0, 1, 99), clip(0, 2, 0), mask).item() == pytest.approx(0.5)
    assert temporal_loss(clip(0, 1, 99), clip(0, 2, 0), mask).item() == pytest.approx(1.0)
