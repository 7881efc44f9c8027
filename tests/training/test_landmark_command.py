"""The second generator from the command line: trained on a recorded set, put into a bundle, run."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

import yaml  # noqa: E402

from facegen_core.bundle import load_bundle, save_bundle  # noqa: E402
from facegen_core.landmark_inference import LandmarkEngine, Variation  # noqa: E402
from facegen_core.models.config import ModelConfig  # noqa: E402
from tests.core.model_fixtures import random_bundle  # noqa: E402
from training.__main__ import main  # noqa: E402
from training.datasets.training_data import open_dataset  # noqa: E402
from training.displacement_decoder.config import DecoderTrainConfig  # noqa: E402
from training.landmark_gan.command import read_recipe  # noqa: E402
from training.landmark_gan.config import LandmarkTrainConfig  # noqa: E402

CONFIGS = Path(__file__).parents[2] / "training" / "configs"
RECIPE = {
    "landmarks": {
        "generators": {"widths": [8, 8, 8], "num_blocks": 1, "neutral_size": 3},
        "autoencoder_steps": 3,
        "stage_steps": [3, 2, 2],
        "batch": 3,
        "window": 16,
    },
    "decoder": {"steps": 2, "faces_per_batch": 1, "frames_per_face": 2, "frames_per_take": 2},
}


@pytest.fixture(scope="module")
def trained(prepared_scans, tmp_path_factory):
    """A folder with the recipe, a bundle of the first generator, and both runs of the second."""
    folder = tmp_path_factory.mktemp("second")
    dataset = open_dataset(prepared_scans)
    config = ModelConfig(
        expressions=dataset.expressions,
        num_blendshapes=8,
        follows_neutral=True,
        model_rate=dataset.frame_rate,
    )
    save_bundle(random_bundle(config, dataset.template), folder / "first.facegen")
    recipe = {name: dict(settings) for name, settings in RECIPE.items()}
    for settings in recipe.values():
        settings["basis_from"] = str(folder / "first.facegen")
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    assert main([*train(folder), "--data", str(prepared_scans)]) == 0
    return folder


def train(folder):
    recipe = folder / "recipe.yaml"
    options = ["--config", str(recipe), "--out", str(folder / "runs"), "--device", "cpu"]
    return ["train", "--system", "lm4dgan", *options]


def add(folder, out, run="runs", bundle="first.facegen"):
    arguments = ["--run", str(folder / run), "--bundle", str(folder / bundle), "--out", str(out)]
    return main(["add-landmark-model", *arguments])


def test_what_was_trained_runs_from_the_bundle(trained, tmp_path, prepared_scans):
    assert add(trained, tmp_path / "both.facegen") == 0
    bundle = load_bundle(tmp_path / "both.facegen")
    provenance = bundle.landmark_model.provenance
    assert provenance["training_data"]["name"] == "Studio scans"
    assert "mean_mm" in provenance["metrics"]["landmarks"]
    engine = LandmarkEngine(bundle)
    signal = np.zeros((30, bundle.config.num_expressions))
    signal[5:20, 0] = 1.0
    motion = engine.generate(signal, 30.0, None, Variation(1))
    assert np.isfinite(motion.skin).all()
    assert not motion.skin[0].any()


def test_a_run_is_not_written_over_without_being_asked(trained, prepared_scans, capsys):
    assert main([*train(trained), "--data", str(prepared_scans)]) == 1
    assert "--resume to go on with it" in capsys.readouterr().err
    assert main([*train(trained), "--data", str(prepared_scans), "--resume"]) == 0


def test_what_does_not_fit_the_bundle_is_refused(trained, tmp_path, capsys):
    first = load_bundle(trained / "first.facegen")
    for changes, said in (
        ({"expressions": ("one", "two")}, "was trained for"),
        ({"model_rate": 7.0}, "frames per second"),
        ({"rest_gate": 0.5}, "rest gate"),
    ):
        config = dataclasses.replace(first.config, **changes)
        template = first.template
        save_bundle(random_bundle(config, template), trained / "other.facegen")
        assert add(trained, tmp_path / "x.facegen", bundle="other.facegen") == 1
        assert said in capsys.readouterr().err
        assert not (tmp_path / "x.facegen").exists()


def test_a_decoder_of_other_blendshapes_is_refused(trained, tmp_path, capsys):
    first = load_bundle(trained / "first.facegen")
    weights = {n: 1.5 * w if n.endswith("basis") else w for n, w in first.weights.items()}
    save_bundle(dataclasses.replace(first, weights=weights), trained / "other.facegen")
    assert add(trained, tmp_path / "x.facegen", bundle="other.facegen") == 1
    assert "other blendshapes than those of other.facegen" in capsys.readouterr().err


def test_an_unfinished_run_is_refused(trained, tmp_path, capsys):
    assert add(trained, tmp_path / "x.facegen", run="nowhere") == 1
    assert "There is no checkpoint" in capsys.readouterr().err


def test_an_unknown_section_is_named(trained, tmp_path, prepared_scans, capsys):
    (tmp_path / "wrong.yaml").write_text("landmark:\n  seed: 1\n")
    arguments = ["train", "--system", "lm4dgan", "--config", str(tmp_path / "wrong.yaml")]
    assert main([*arguments, "--data", str(prepared_scans)]) == 1
    assert "unknown section 'landmark'" in capsys.readouterr().err


RECIPES = sorted((CONFIGS / "ablations").glob("*.yaml")) + [CONFIGS / "lm4dgan.yaml"]


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_every_shipped_recipe_is_valid_and_states_only_differences(path):
    landmarks, decoder = read_recipe(path)
    stated = yaml.safe_load(path.read_text())
    for section, config, defaults in (
        ("landmarks", landmarks, LandmarkTrainConfig()),
        ("decoder", decoder, DecoderTrainConfig()),
    ):
        for name in stated.get(section) or {}:
            assert name == "out" or getattr(config, name) != getattr(defaults, name)
    if path.parent.name == "ablations" and "landmarks" in stated:
        assert landmarks.out.as_posix() == f"runs/ablations/{path.stem}/landmarks"
