import pytest

torch = pytest.importorskip("torch", reason="devices are torch's")

from training.expression_model.train_config import TrainingConfigError, config_from_dict  # noqa: E402
from training.runs.device import Device, choose_device  # noqa: E402


@pytest.fixture
def machine(monkeypatch):
    """A machine with so many GPUs, as far as torch can tell."""

    def with_gpus(number: int, knows_bfloat16: bool = True) -> list[torch.device]:
        chosen: list[torch.device] = []
        monkeypatch.setattr(torch.cuda, "is_available", lambda: number > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: number)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: knows_bfloat16)
        monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
        return chosen

    return with_gpus


def chosen(local_rank: int = 0, **settings) -> Device:
    return choose_device(config_from_dict(settings), local_rank)


def test_without_a_gpu_it_is_the_cpu_in_full_precision(machine):
    machine(0)
    assert chosen() == Device(torch.device("cpu"), torch.float32)
    assert chosen(precision="bfloat16").precision == torch.bfloat16


def test_a_gpu_is_used_in_mixed_precision(machine):
    used = machine(1)
    assert chosen() == Device(torch.device("cuda", 0), torch.bfloat16)
    assert used == [torch.device("cuda", 0)]


def test_older_gpus_use_float16_and_scale_gradients(machine):
    machine(1, knows_bfloat16=False)
    assert chosen().precision == torch.float16


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_the_precision_asked_for_is_used(machine, name):
    machine(1)
    assert chosen(precision=name).precision == getattr(torch, name)


def test_the_cpu_can_be_asked_for_where_there_is_a_gpu(machine):
    machine(1)
    assert chosen(device="cpu") == Device(torch.device("cpu"), torch.float32)


def test_each_process_of_a_machine_has_its_gpu(machine):
    machine(2)
    assert chosen(local_rank=1).torch_device == torch.device("cuda", 1)
    with pytest.raises(TrainingConfigError, match="--nproc-per-node 2"):
        chosen(local_rank=2)


def test_a_gpu_that_is_not_there_is_refused(machine):
    machine(0)
    with pytest.raises(TrainingConfigError, match="no GPU"):
        chosen(device="cuda")
    with pytest.raises(TrainingConfigError, match="float16"):
        chosen(precision="float16")


def test_gradients_are_scaled_in_float16_alone():
    cpu = torch.device("cpu")
    assert Device(cpu, torch.float16).gradient_scaler().is_enabled()
    for precision in (torch.float32, torch.bfloat16):
        assert not Device(cpu, precision).gradient_scaler().is_enabled()
