import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="checkpoints hold torch weights")

from facegen_core.bundle import write_arrays  # noqa: E402
from training.runs import checkpoint as checkpoints  # noqa: E402
from training.runs.checkpoint import (  # noqa: E402
    Checkpoint,
    CheckpointError,
    load_checkpoint,
    model_arrays,
    optimiser_arrays,
    restore_model,
    restore_optimiser,
    save_checkpoint,
)


@pytest.fixture
def saved(tmp_path):
    model = torch.nn.Linear(3, 2)
    optimiser = torch.optim.Adam(model.parameters())
    model(torch.ones(3)).sum().backward()
    optimiser.step()
    content = Checkpoint(
        model_arrays(model),
        {"weight": np.ones((2, 3), np.float32)},
        optimiser_arrays(optimiser),
        {"motion": np.array([[0.1, 0.2]])},
        {"step": 7, "validations": [{"total": 0.123456789}]},
    )
    save_checkpoint(content, tmp_path / "checkpoint.npz")
    return tmp_path / "checkpoint.npz", content, optimiser


def test_what_is_saved_is_what_is_read(saved):
    path, content, _ = saved
    read = load_checkpoint(path)
    for group in ("weights", "average", "optimiser", "history"):
        expected = getattr(content, group)
        assert getattr(read, group).keys() == expected.keys()
        assert all(np.array_equal(getattr(read, group)[n], v) for n, v in expected.items())
    assert read.progress["step"] == 7
    assert read.progress["validations"] == [{"total": 0.123456789}]


def test_an_optimiser_is_restored_exactly(saved):
    path, _, optimiser = saved
    other = torch.optim.Adam(torch.nn.Linear(3, 2).parameters())
    restore_optimiser(other, load_checkpoint(path).optimiser)
    first, second = optimiser_arrays(optimiser), optimiser_arrays(other)
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_a_kill_while_saving_leaves_the_checkpoint_before(saved, monkeypatch):
    path, content, _ = saved
    before = path.read_bytes()

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(content, path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_missing_checkpoint_is_refused_by_name(tmp_path):
    with pytest.raises(CheckpointError, match="There is no checkpoint"):
        load_checkpoint(tmp_path / "checkpoint.npz")


def test_a_cut_file_is_refused(saved):
    path = saved[0]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="not a checkpoint that can be read"):
        load_checkpoint(path)


def test_another_file_is_refused(tmp_path):
    write_arrays(tmp_path / "x.npz", {"weights/a": np.zeros(2)})
    with pytest.raises(CheckpointError, match="not a checkpoint that can be read"):
        load_checkpoint(tmp_path / "x.npz")


def test_another_version_is_refused(saved, monkeypatch):
    monkeypatch.setattr(checkpoints, "CHECKPOINT_VERSION", 99)
    with pytest.raises(CheckpointError, match="version 2, this trainer reads version 99"):
        load_checkpoint(saved[0])


def test_weights_of_another_model_are_refused(saved):
    with pytest.raises(CheckpointError, match="another model"):
        restore_model(torch.nn.Linear(4, 2), load_checkpoint(saved[0]).weights)
