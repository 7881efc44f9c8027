import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from tests.training.short_runs import checkpoint_of, short_config  # noqa: E402
from tests.training.synthetic_sequences import bump_data  # noqa: E402
from training.expression_model import fit  # noqa: E402
from training.expression_model.motion_stage import MotionStage  # noqa: E402
from training.expression_model.train_expression_model import train  # noqa: E402
from training.runs.loss_guard import TrainingStoppedError, check_loss  # noqa: E402

QUIET = [1.0] * 20


def check(loss: float, earlier=QUIET, factor=10.0):
    check_loss(loss, earlier, factor, "step 7 of stage motion", ["S001_happy_1"], "all is kept")


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), -float("inf")])
def test_a_loss_that_is_no_number_stops_with_step_and_batch(loss):
    with pytest.raises(TrainingStoppedError, match=r"step 7 of stage motion.*S001_happy_1.*kept"):
        check(loss)


def test_a_loss_many_times_the_median_has_exploded():
    check(9.9)
    with pytest.raises(TrainingStoppedError, match="exploded at step 7"):
        check(10.1)


def test_the_first_losses_may_jump():
    check(1e6, earlier=[1.0] * 3)


def test_the_median_runs_with_the_losses():
    check(50.0, earlier=[1.0] * 1000 + [20.0] * 100)


@pytest.mark.parametrize(("value", "said"), [(float("nan"), "loss is nan"), (1e9, "exploded")])
def test_a_run_gone_wrong_stops_and_keeps_its_last_good_checkpoint(
    tmp_path, monkeypatch, value, said
):
    data, fatal_step, names = bump_data(), 15, []
    original = MotionStage.losses

    def spoiled(stage, batch):
        losses = original(stage, batch)
        if stage.run.step != fatal_step:
            return losses
        names.extend(batch.names)
        return losses | {"total": losses["total"] * value}

    monkeypatch.setattr(MotionStage, "losses", spoiled)
    config = short_config(tmp_path, motion_steps=20, checkpoint_interval=4)
    with pytest.raises(TrainingStoppedError) as stopped:
        train(config, data)
    message = str(stopped.value)
    assert said in message
    assert "step 15 of stage motion" in message
    assert all(name in message for name in names)
    assert "checkpoint of step 12 of stage motion is kept" in message
    kept = checkpoint_of(tmp_path)
    assert kept.progress["step"] == 12
    assert all(np.isfinite(values).all() for values in kept.weights.values())
    monkeypatch.setattr(MotionStage, "losses", original)
    train(config, data, resume=True)  # and it is a good one
    assert "final" in json.loads((tmp_path / "metrics.json").read_text())


def test_weights_that_give_a_bad_loss_are_never_saved(tmp_path, monkeypatch):
    """A step spoils the weights just where a checkpoint is due."""
    original = MotionStage.losses

    def spoiled(stage, batch):
        if stage.run.step == 3:
            next(stage.run.model.parameters()).data.fill_(float("nan"))
        return original(stage, batch)

    monkeypatch.setattr(MotionStage, "losses", spoiled)
    config = short_config(tmp_path, motion_steps=10, checkpoint_interval=3)
    with pytest.raises(TrainingStoppedError, match="no checkpoint yet"):
        train(config, bump_data())
    assert not (tmp_path / "checkpoint.npz").exists()


def test_a_stage_does_not_end_with_weights_that_are_no_numbers(tmp_path, monkeypatch):
    original = fit._change_weights

    def spoiled(run, trained, rate):
        original(run, trained, rate)
        if run.step == 5:  # the last
            trained[0].data.fill_(float("nan"))

    monkeypatch.setattr(fit, "_change_weights", spoiled)
    with pytest.raises(TrainingStoppedError, match="after the last step of stage motion"):
        train(short_config(tmp_path), bump_data())
    assert checkpoint_of(tmp_path).progress["step"] == 4
