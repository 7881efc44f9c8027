import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the average is torch")

from training.runs.averaging import WeightAverage  # noqa: E402


def parameter(value: float) -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.tensor([value]))


def test_the_average_follows_slowly_after_a_quick_start():
    weight = parameter(0.0)
    average = WeightAverage({"w": weight}, 0.5)
    weight.data.fill_(1.0)
    average.update(0)  # decay 1/10
    assert average.arrays()["w"][0] == pytest.approx(0.9)
    weight.data.fill_(0.0)
    average.update(1000)  # decay 1/2 at the most
    assert average.arrays()["w"][0] == pytest.approx(0.45)


def test_without_decay_it_is_the_last_weight_exactly():
    weight = parameter(0.3)
    average = WeightAverage({"w": weight}, 0.0)
    weight.data.fill_(0.7)
    average.update(3)
    assert average.arrays()["w"] == np.float32(0.7)


def test_it_settles_into_the_weights():
    weight = parameter(1.0)
    average = WeightAverage({"w": weight}, 0.9)
    weight.data.fill_(3.0)
    average.settle()
    assert weight.item() == 1.0


def test_it_is_restored_as_it_was():
    first = WeightAverage({"w": parameter(1.0)}, 0.9)
    second = WeightAverage({"w": parameter(2.0)}, 0.9)
    second.restore(first.arrays())
    assert second.arrays()["w"] == first.arrays()["w"]
