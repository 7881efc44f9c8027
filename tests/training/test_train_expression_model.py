import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from facegen_core.bundle import load_bundle  # noqa: E402
from facegen_core.inference import Engine  # noqa: E402
from facegen_core.intensity import EXPRESSIONS  # noqa: E402
from tests.training.short_runs import checkpoint_of, short_config  # noqa: E402
from tests.training.synthetic_sequences import bump_data  # noqa: E402
from training.expression_model import train_expression_model  # noqa: E402
from training.expression_model.detail_stage import DetailStage  # noqa: E402
from training.expression_model.export_bundle import export_bundle  # noqa: E402
from training.expression_model.train_expression_model import train  # noqa: E402
from training.runs.checkpoint import CheckpointError  # noqa: E402


@pytest.fixture(scope="module")
def data():
    return bump_data()


def test_a_short_run_leaves_metrics_settings_and_a_bundle_that_moves(data, tmp_path):
    metrics = train(short_config(tmp_path / "run"), data)
    written = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert written["final"] == metrics["final"]
    assert written["seconds"] > 0
    assert {*EXPRESSIONS, "total"} == set(metrics["final"]["model_mm"])
    assert "motion_learning_rate" in (tmp_path / "run" / "config.yaml").read_text()
    path = tmp_path / "out" / "small.facegen"
    export_bundle(tmp_path / "run", path, data.template, num_identity_modes=3)
    bundle = load_bundle(path)
    assert len(bundle.template.identity_basis) == 3
    assert bundle.header["training_data"]["name"] == "bumps"
    assert bundle.header["licences"]["training_data"] == "CC0"
    assert bundle.header["date"].startswith("20")
    motion = Engine(bundle).generate(np.linspace(0, 1, 60).reshape(10, 6), 30.0)
    assert np.abs(motion.skin).max() > 0


def test_training_learns_more_than_rest_and_about_the_amplitude(data, tmp_path):
    config = short_config(
        tmp_path / "run",
        motion_steps=150,
        motion_batch=16,
        detail_steps=0,
        average=0.9,
        augmentation={"retimed": 0.3, "weakened": 0.3, "blended": 0.0},
    )
    final = train(config, data)["final"]
    assert final["model_mm"]["total"] < 0.6 * final["neutral_mm"]["total"]
    assert 0.5 < final["apex_ratio"]["total"] < 1.5


def test_the_same_seed_trains_the_same_weights(data, tmp_path):
    for name in ("a", "b"):
        train(short_config(tmp_path / name), data)
    first, second = checkpoint_of(tmp_path / "a").weights, checkpoint_of(tmp_path / "b").weights
    for name, values in first.items():
        assert np.array_equal(values, second[name]), name


@pytest.mark.parametrize("decoder", ["blendshape", "spiral"])
def test_the_other_decoders_train_too(data, tmp_path, decoder):
    changes = {"model": {"decoder": decoder, "num_blendshapes": 8}}
    changes["motion_steps" if decoder == "spiral" else "detail_steps"] = 0
    metrics = train(short_config(tmp_path, **changes), data)
    assert np.isfinite(metrics["final"]["model_mm"]["total"])


def test_stages_by_epochs_see_every_sequence_once_an_epoch(data, tmp_path, monkeypatch):
    seen = []
    original = DetailStage.draw

    def draw(stage, step):
        batch = original(stage, step)
        seen.append(batch.names)
        return batch

    monkeypatch.setattr(DetailStage, "draw", draw)
    changes = {"model": {"decoder": "spiral"}, "motion_steps": 0, "detail_steps": 0}
    config = short_config(tmp_path, **changes, detail_epochs=2, detail_batch=20)
    train(config, data)
    names = [sequence.name for sequence in data.sequences["train"]]  # 48
    assert [len(batch) for batch in seen] == 2 * [20, 20, 8]
    for epoch in (seen[:3], seen[3:]):
        assert sorted(sum(epoch, ())) == sorted(names)
    assert seen[0] != seen[3]


def test_the_detail_stage_of_the_hybrid_leaves_the_motion_stage_alone(data, tmp_path):
    train(short_config(tmp_path / "motion", detail_steps=0), data)
    train(short_config(tmp_path / "both"), data)
    motion, both = checkpoint_of(tmp_path / "motion"), checkpoint_of(tmp_path / "both")
    for name, values in motion.weights.items():
        if not name.startswith("spirals."):
            assert np.array_equal(values, both.weights[name]), name
    assert both.weights["spirals.convs.3.weight"].any()


def test_a_detail_step_asks_for_no_gradient_of_what_it_does_not_train(data, tmp_path, monkeypatch):
    asked = []
    original = DetailStage.losses

    def losses(stage, batch):
        asked.append([n for n, p in stage.run.model.named_parameters() if p.requires_grad])
        return original(stage, batch)

    monkeypatch.setattr(DetailStage, "losses", losses)
    train(short_config(tmp_path), data)
    assert asked
    assert all(name.startswith("spirals.") for names in asked for name in names)


def test_the_average_of_the_weights_is_what_is_kept(data, tmp_path):
    for name, average in (("last", 0.0), ("mean", 0.5)):
        train(short_config(tmp_path / name, average=average), data)
    last, mean = checkpoint_of(tmp_path / "last"), checkpoint_of(tmp_path / "mean")
    name = "encoder.lstm.weight_hh_l0"
    assert not np.array_equal(last.weights[name], mean.weights[name])
    # The motion stage itself does not depend on the average.
    assert np.array_equal(last.history["motion"], mean.history["motion"])


def test_mixed_precision_gives_about_the_same_losses(data, tmp_path):
    changes = {"motion_steps": 3, "detail_steps": 20, "detail_learning_rate": 3e-3}
    for precision in ("float32", "bfloat16"):
        train(short_config(tmp_path / precision, precision=precision, **changes), data)
    exact, mixed = checkpoint_of(tmp_path / "float32"), checkpoint_of(tmp_path / "bfloat16")
    assert np.array_equal(exact.history["motion"], mixed.history["motion"])
    assert not np.array_equal(exact.history["detail"], mixed.history["detail"])
    np.testing.assert_allclose(exact.history["detail"], mixed.history["detail"], rtol=0.02)
    assert all(values.dtype == np.float32 for values in mixed.weights.values())


def test_an_unfinished_run_is_not_exported(data, tmp_path, monkeypatch):
    monkeypatch.setattr(train_expression_model, "measure_split", None)
    with pytest.raises(TypeError):
        train(short_config(tmp_path / "run"), data)
    with pytest.raises(CheckpointError, match="not finished"):
        export_bundle(tmp_path / "run", tmp_path / "x.facegen", data.template)
