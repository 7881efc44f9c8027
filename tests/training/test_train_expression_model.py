import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from facegen_core.bundle import load_bundle  # noqa: E402
from facegen_core.inference import Engine  # noqa: E402
from facegen_core.intensity import EXPRESSIONS  # noqa: E402
from tests.training.synthetic_sequences import bump_data  # noqa: E402
from training import train_expression_model  # noqa: E402
from training.checkpoint import CheckpointError, load_checkpoint  # noqa: E402
from training.export_bundle import export_bundle  # noqa: E402
from training.train_config import config_from_dict  # noqa: E402
from training.train_expression_model import train  # noqa: E402

SHORT = {
    "model": {"num_blendshapes": 8},
    "pca_frames": 60,
    "motion_steps": 6,
    "motion_batch": 4,
    "motion_vertices": 50,
    "detail_steps": 4,
    "detail_batch": 2,
    "detail_window": 4,
    "checkpoint_interval": 2,
    "validation_interval": 3,
}


@pytest.fixture(scope="module")
def data():
    return bump_data()


def short_config(out, **changes):
    return config_from_dict(SHORT | {"out": str(out)} | changes)


def weights_of(run):
    return load_checkpoint(run / "checkpoint.npz").weights


def test_a_short_run_leaves_metrics_settings_and_a_bundle_that_moves(data, tmp_path):
    metrics = train(short_config(tmp_path / "run"), data)
    written = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert written["final"] == metrics["final"]
    assert set(metrics["final"]["model_mm"]) == {*EXPRESSIONS, "total"}
    assert "learning_rate" in (tmp_path / "run" / "config.yaml").read_text()
    path = tmp_path / "out" / "small.facegen"
    export_bundle(tmp_path / "run", path, data.template, num_identity_modes=2)
    bundle = load_bundle(path)
    assert len(bundle.template.identity_basis) == 2
    assert bundle.header["training_data"]["name"] == "bumps"
    assert bundle.header["licences"]["training_data"] == "CC0"
    motion = Engine(bundle).generate(np.linspace(0, 1, 60).reshape(10, 6), 30.0)
    assert np.abs(motion.skin).max() > 0


def test_training_learns_more_than_rest_and_about_the_amplitude(data, tmp_path):
    config = short_config(
        tmp_path / "run",
        motion_steps=150,
        motion_batch=16,
        detail_steps=0,
        augmentation={"retimed": 0.3, "weakened": 0.3, "blended": 0.0},
    )
    final = train(config, data)["final"]
    assert final["model_mm"]["total"] < 0.6 * final["neutral_mm"]["total"]
    assert 0.5 < final["apex_ratio"]["total"] < 1.5


def test_the_same_seed_trains_the_same_weights(data, tmp_path):
    for name in ("a", "b"):
        train(short_config(tmp_path / name), data)
    first, second = weights_of(tmp_path / "a"), weights_of(tmp_path / "b")
    for name, values in first.items():
        np.testing.assert_allclose(values, second[name], atol=1e-6, err_msg=name)


@pytest.mark.parametrize("killed_at", [("motion", 3), ("detail", 2)])
def test_a_run_that_was_killed_goes_on_as_if_nothing_had_happened(
    data, tmp_path, monkeypatch, killed_at
):
    train(short_config(tmp_path / "whole"), data)
    stage, step = killed_at
    name = f"_{stage}_step"
    original = getattr(train_expression_model, name)

    def killed(run):
        if run.step == step:
            raise KeyboardInterrupt
        return original(run)

    monkeypatch.setattr(train_expression_model, name, killed)
    with pytest.raises(KeyboardInterrupt):
        train(short_config(tmp_path / "broken"), data)
    monkeypatch.setattr(train_expression_model, name, original)
    train(short_config(tmp_path / "broken"), data, resume=True)
    whole, resumed = weights_of(tmp_path / "whole"), weights_of(tmp_path / "broken")
    for weight, values in whole.items():
        np.testing.assert_allclose(values, resumed[weight], atol=1e-6, err_msg=weight)


@pytest.mark.parametrize("decoder", ["blendshape", "spiral"])
def test_the_other_decoders_train_too(data, tmp_path, decoder):
    changes = {"model": {"decoder": decoder, "num_blendshapes": 8}}
    changes["motion_steps" if decoder == "spiral" else "detail_steps"] = 0
    metrics = train(short_config(tmp_path, **changes), data)
    assert np.isfinite(metrics["final"]["model_mm"]["total"])


def test_the_detail_stage_of_the_hybrid_leaves_the_motion_stage_alone(data, tmp_path):
    train(short_config(tmp_path / "motion", detail_steps=0), data)
    train(short_config(tmp_path / "both"), data)
    motion, both = weights_of(tmp_path / "motion"), weights_of(tmp_path / "both")
    for name, values in motion.items():
        if not name.startswith("spirals."):
            assert np.array_equal(values, both[name]), name
    assert both["spirals.convs.3.weight"].any()


def test_an_unfinished_run_is_not_exported(data, tmp_path, monkeypatch):
    monkeypatch.setattr(train_expression_model, "_detail_step", None)
    with pytest.raises(TypeError):
        train(short_config(tmp_path / "run"), data)
    with pytest.raises(CheckpointError, match="not finished"):
        export_bundle(tmp_path / "run", tmp_path / "x.facegen", data.template)


def test_a_loss_that_is_not_a_number_stops_the_run(data, tmp_path, monkeypatch):
    def spoiled(run):
        weight = next(run.model.parameters())
        return {"total": weight.sum() * float("nan")}

    monkeypatch.setattr(train_expression_model, "_motion_step", spoiled)
    with pytest.raises(FloatingPointError, match="step 0"):
        train(short_config(tmp_path), data)
