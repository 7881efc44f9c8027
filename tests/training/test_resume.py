"""A run that was killed, whenever and however, ends like one that was not: bit for bit."""

import random
import signal
import time

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from tests.training.short_runs import finish, short_config, start  # noqa: E402
from tests.training.synthetic_sequences import bump_data  # noqa: E402
from training.expression_model import fit, train_expression_model, validation  # noqa: E402
from training.expression_model.train_expression_model import train  # noqa: E402
from training.runs.checkpoint import CheckpointError  # noqa: E402

# Where a run may be killed: what is called there, in which module, and at which call.
PLACES = {
    "in stage motion": (fit, "_change_weights", 4),
    "in stage detail": (fit, "_change_weights", 9),
    "while it validates": (validation, "predict", 9),
    "before it saves": (fit, "save_run", 2),
    "between the stages": (fit, "_end", 1),
    "after the last stage": (train_expression_model, "measure_split", 1),
}


@pytest.fixture(scope="module")
def data():
    return bump_data()


@pytest.fixture(scope="module")
def unbroken(data, tmp_path_factory):
    """The bytes of the last checkpoint of a run nobody killed."""
    out = tmp_path_factory.mktemp("unbroken")
    train(short_config(out), data)
    return (out / "checkpoint.npz").read_bytes()


@pytest.mark.parametrize("place", PLACES)
def test_a_killed_run_goes_on_as_if_nothing_had_happened(
    data, unbroken, tmp_path, monkeypatch, place
):
    module, name, fatal_call = PLACES[place]
    original, calls = getattr(module, name), []

    def killed(*arguments):
        calls.append(arguments)
        if len(calls) == fatal_call:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(module, name, killed)
    with pytest.raises(KeyboardInterrupt):
        train(short_config(tmp_path), data)
    monkeypatch.setattr(module, name, original)
    train(short_config(tmp_path), data, resume=True)
    assert (tmp_path / "checkpoint.npz").read_bytes() == unbroken


def test_a_run_killed_at_a_random_moment_ends_with_the_same_bytes(tmp_path):
    changes = {"motion_steps": 60, "detail_steps": 40, "checkpoint_interval": 10}
    whole = start(tmp_path / "whole", **changes)
    broken = start(tmp_path / "broken", **changes)
    checkpoint = tmp_path / "broken" / "checkpoint.npz"
    while not checkpoint.exists() and broken.poll() is None:
        time.sleep(0.02)
    time.sleep(random.uniform(0.0, 0.3))
    broken.kill()
    broken.communicate()
    assert broken.returncode == -signal.SIGKILL, "it ended before it could be killed"
    finish(start(tmp_path / "broken", resume=True, **changes))
    finish(whole)
    assert checkpoint.read_bytes() == (tmp_path / "whole" / "checkpoint.npz").read_bytes()


def test_a_finished_run_stays_as_it_is(data, unbroken, tmp_path):
    train(short_config(tmp_path), data)
    train(short_config(tmp_path), data, resume=True)
    assert (tmp_path / "checkpoint.npz").read_bytes() == unbroken


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"temporal_weight": 0.5}, "temporal_weight was 1.0 and is 0.5"),
        ({"seed": 2}, "seed was 1 and is 2"),
        (
            {"model": {"num_blendshapes": 7, "bidirectional": True, "follows_neutral": True}},
            "model.num_blendshapes was 8",
        ),
        ({"motion_steps": 7}, "motion_steps was 6 and is 7"),
    ],
)
def test_a_run_does_not_go_on_with_other_settings(data, tmp_path, changes, named):
    train(short_config(tmp_path, motion_steps=6, detail_steps=0), data)
    other = short_config(tmp_path, **{"motion_steps": 6, "detail_steps": 0} | changes)
    with pytest.raises(CheckpointError, match=named.replace(".", r"\.")):
        train(other, data, resume=True)


def test_a_run_does_not_go_on_with_other_data(data, tmp_path):
    train(short_config(tmp_path, motion_steps=1, detail_steps=0), data)
    other = bump_data()
    first = other.sequences["train"][0]
    object.__setattr__(first, "marks", np.asarray(first.marks) + 0.25)
    with pytest.raises(CheckpointError, match="other data"):
        train(short_config(tmp_path, motion_steps=1, detail_steps=0), other, resume=True)


def test_what_does_not_change_the_result_may_change(data, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(train_expression_model, "measure_split", None)
        with pytest.raises(TypeError):
            train(short_config(tmp_path), data)
    train(short_config(tmp_path, checkpoint_interval=3, evaluation_stride=2), data, resume=True)
