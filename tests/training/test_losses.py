import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the losses are torch")

from training.expression_model.losses import (  # noqa: E402
    EuclideanLength,
    FrameWeights,
    frame_weights,
    reconstruction_loss,
    temporal_loss,
)

METRICS = ("euclidean", "l1")


def clip(*values: float):
    """Errors of one vertex along x, of one clip: (1, 1, T, 3)."""
    error = torch.zeros(1, 1, len(values), 3)
    error[0, 0, :, 0] = torch.tensor(values)
    return error


def weights(*values: float) -> FrameWeights:
    return frame_weights(np.array([values], np.float32))


def test_reconstruction_is_the_mean_length_of_the_error():
    error = torch.zeros(2, 1, 2, 3)
    error[0, 0, 0] = torch.tensor([3.0, 4.0, 0.0])
    assert reconstruction_loss(error, weights(1, 1), "euclidean").item() == pytest.approx(5 / 4)
    assert reconstruction_loss(error, weights(1, 1), "l1").item() == pytest.approx(7 / 12)


def test_temporal_is_the_mean_length_of_the_change_of_the_error():
    error = clip(0, -1, -3)
    assert temporal_loss(error, weights(1, 1, 1), "euclidean").item() == pytest.approx(3 / 2)
    assert temporal_loss(error, weights(1, 1, 1), "l1").item() == pytest.approx(3 / 2 / 3)


@pytest.mark.parametrize("metric", METRICS)
def test_a_constant_error_has_no_temporal_loss(metric):
    assert temporal_loss(clip(1, 1, 1), weights(1, 1, 1), metric).item() == 0


@pytest.mark.parametrize("metric", METRICS)
def test_padded_frames_count_for_nothing(metric):
    padded, cut = weights(1, 1, 0), weights(1, 1)
    for loss in (reconstruction_loss, temporal_loss):
        assert loss(clip(0, -1, 99), padded, metric) == loss(clip(0, -1), cut, metric)


def test_frames_count_by_their_weight():
    losses = [
        reconstruction_loss(clip(1, 3), weights(*w), "euclidean").item() for w in [(1, 1), (3, 1)]
    ]
    assert losses == pytest.approx([2.0, 1.5])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("loss", [reconstruction_loss, temporal_loss])
def test_the_losses_of_the_parts_of_a_batch_add_up_to_that_of_the_whole(metric, loss):
    generator = torch.Generator().manual_seed(1)
    error = torch.randn(5, 3, 4, 3, generator=generator)
    whole = np.array([[1, 1, 1, 1], [1, 1, 3, 0], [1, 1, 0, 0]], np.float32)
    parts = [slice(0, 1), slice(1, 3), slice(3, 3)]
    shares = [loss(error[:, part], frame_weights(whole, part), metric) for part in parts]
    torch.testing.assert_close(sum(shares), loss(error, frame_weights(whole), metric))


def test_lengths_are_those_of_torch_and_so_are_their_gradients():
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(4, 5, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(EuclideanLength.apply(vectors), vectors.norm(dim=-1))
    assert torch.autograd.gradcheck(EuclideanLength.apply, vectors)


def test_a_perfect_vertex_has_no_gradient_instead_of_none_that_is_a_number():
    vectors = torch.zeros(2, 3, requires_grad=True)
    EuclideanLength.apply(vectors).sum().backward()
    assert not vectors.grad.any()
