import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")
accumulator = pytest.importorskip(
    "tensorboard.backend.event_processing.event_accumulator", reason="needs TensorBoard"
)

from tests.training.short_runs import checkpoint_of, short_config  # noqa: E402
from tests.training.synthetic_sequences import bump_data  # noqa: E402
from training.expression_model import run_log, train_expression_model  # noqa: E402
from training.expression_model.objective import LOSS_NAMES  # noqa: E402
from training.expression_model.train_expression_model import train  # noqa: E402


@pytest.fixture(scope="module")
def data():
    return bump_data()


def read(folder):
    events = accumulator.EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return events


def test_tensorboard_has_curves_and_pictures_of_unseen_faces(data, tmp_path, monkeypatch):
    monkeypatch.setattr(run_log, "SCALAR_INTERVAL", 2)
    train(short_config(tmp_path, tensorboard=True), data)
    events = read(tmp_path)
    history = checkpoint_of(tmp_path).history
    for column, name in enumerate(LOSS_NAMES):
        points = events.Scalars(f"loss/{name}")
        assert [point.step for point in points] == [2, 4, 6, 8, 10]  # over both stages
        expected = history["motion"][:2, column].mean()
        assert points[0].value == pytest.approx(expected, rel=1e-5)
    tags = set(events.Tags()["scalars"])
    errors = {f"validation_mm/{name}" for name in (*data.expressions, "total")}
    assert errors | {"learning_rate", "steps_per_second"} <= tags
    pictures = events.Images("held_out_faces")
    assert [picture.step for picture in pictures] == [3, 9]
    assert pictures[0].width > pictures[0].height > 100


def test_without_tensorboard_a_run_says_so_and_goes_on(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "torch.utils.tensorboard", None)
    train(short_config(tmp_path, tensorboard=True), data)
    assert "TensorBoard is not installed" in capsys.readouterr().out
    assert not (tmp_path / "tensorboard").exists()


def test_what_decided_a_run_is_written_beside_it(data, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(train_expression_model, "measure_split", None)
        with pytest.raises(TypeError):
            train(short_config(tmp_path), data)
    train(short_config(tmp_path), data, resume=True)
    first, second = json.loads((tmp_path / "run.json").read_text())
    assert first["from"] == {"stage": "motion", "step": 0}
    assert second["from"] == {"stage": "detail", "step": 4}
    for session in (first, second):
        assert session["seed"] == 1
        assert session["data_hash"] == checkpoint_of(tmp_path).progress["data_hash"]
        assert session["device"] == "cpu, float32"
        assert session["processes"] == 1
        assert session["versions"]["torch"] == torch.__version__
        assert session["commit"]


def test_the_history_of_losses_and_validations_is_in_the_checkpoint(data, tmp_path):
    train(short_config(tmp_path), data)
    kept = checkpoint_of(tmp_path)
    shapes = {stage: losses.shape for stage, losses in kept.history.items()}
    assert shapes == {"motion": (6, 4), "detail": (4, 4)}
    assert all(np.isfinite(losses).all() for losses in kept.history.values())
    places = [(entry["stage"], entry["step"]) for entry in kept.progress["validations"]]
    assert places == [("motion", 3), ("detail", 3)]
    assert all("total" in entry["model_mm"] for entry in kept.progress["validations"])
