import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch")

from facegen_core.bundle import load_bundle, template_arrays
from facegen_core.intensity import EXPRESSIONS
from tests.sphere_template import sphere_template
from training.__main__ import main
from training.datasets.ict import DATASET_VERSION, SPLITS, read_split, write_sequence

SETTINGS = """
model:
  num_blendshapes: 4
  follows_neutral: true
pca_frames: 40
motion_steps: 4
motion_batch: 2
motion_vertices: 30
detail_steps: 2
detail_batch: 2
detail_window: 3
checkpoint_interval: 2
tensorboard: false
"""
MARKS = np.array([3.0, 7.0, 12.0, 16.0])


@pytest.fixture
def prepared(tmp_path):
    """A data set folder with one subject per split on the sphere template."""
    rng = np.random.default_rng(0)
    template = sphere_template()
    root = tmp_path / "set"
    for folder in ("subjects", "sequences"):
        (root / folder).mkdir(parents=True)
    np.savez(root / "template.npz", **template_arrays(template))
    subjects = sorted(read_split("ict", split)[0] for split in SPLITS)
    for subject in subjects:
        shapes = rng.normal(size=(6, template.num_vertices, 3)).astype(np.float16)
        np.save(root / "subjects" / f"{subject}_shapes.npy", shapes)
        np.save(root / "subjects" / f"{subject}_corrections.npy", shapes[:1])
        coefficients = rng.normal(size=3).astype(np.float32)
        arrays = {"neutral": template.with_identity(coefficients), "coefficients": coefficients}
        np.savez(root / "subjects" / f"{subject}.npz", **arrays)
        for name in EXPRESSIONS:
            write_sequence(root / "sequences" / f"{subject}_{name}_1.npz", take_of([name]))
        write_sequence(root / "sequences" / f"{subject}_happy+sad_2.npz", take_of(["happy", "sad"]))
    header = {
        "kind": "ict",
        "version": DATASET_VERSION,
        "seed": 3,
        "takes": 1,
        "compounds": 1,
        "frame_rate": 30.0,
        "expressions": EXPRESSIONS,
        "source": "made in a test",
        "licence": "CC0",
        "subjects": subjects,
    }
    (root / "dataset.json").write_text(json.dumps(header))
    (tmp_path / "settings.yaml").write_text(SETTINGS)
    return root


def take_of(expressions: list[str]) -> dict[str, np.ndarray]:
    """The arrays of a take: each expression is one shape, played at MARKS."""
    ramp = np.interp(np.arange(20.0), MARKS, [0, 1, 1, 0]).astype(np.float32)
    is_played = np.isin(EXPRESSIONS, expressions).astype(np.float32)
    count = len(expressions)
    return {
        "activations": ramp[:, None] * is_played,
        "jaw": ramp[:, None] * np.full(6, 0.1 * is_played.argmax(), np.float32),
        "expressions": np.array(expressions),
        "marks": np.tile(MARKS, (count, 1)),
        "magnitudes": np.full(count, np.nan if count == 1 else 1.5),
        "extremeness": np.ones(count),
        "variants": np.array(["only"] * count),
        "first_correction": np.array(0),
        "correction_weights": np.zeros((20, 1), np.float32),
    }


def train(tmp_path, data, *options):
    settings = ["--config", str(tmp_path / "settings.yaml"), "--data", str(data)]
    return main(["train", *settings, "--out", str(tmp_path / "run"), *options])


def test_train_and_export_from_the_command_line(prepared, tmp_path, capsys):
    run, bundle = tmp_path / "run", tmp_path / "small.facegen"
    assert train(tmp_path, prepared) == 0
    assert "model_mm" in capsys.readouterr().out
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["final"]["model_mm"]["total"] > 0
    assert metrics["num_test_subjects"] == 1
    assert main(["export", "--run", str(run), "--out", str(bundle)]) == 0
    header = load_bundle(bundle).header
    assert header["training_data"]["source"] == "made in a test"
    assert header["licences"]["training_data"] == "CC0"
    assert header["command"]["settings"]["motion_steps"] == 4


def test_a_run_that_is_there_is_not_written_over_unasked(prepared, tmp_path, capsys):
    assert train(tmp_path, prepared) == 0
    checkpoint = tmp_path / "run" / "checkpoint.npz"
    before = checkpoint.read_bytes()
    assert train(tmp_path, prepared) == 1
    said = capsys.readouterr().err
    assert "step 2 of stage detail" in said
    assert "--resume" in said
    assert train(tmp_path, prepared, "--resume") == 0
    assert checkpoint.read_bytes() == before
    assert train(tmp_path, prepared, "--restart", "--seed", "5") == 0
    assert checkpoint.read_bytes() != before


def test_a_run_of_other_settings_does_not_go_on(prepared, tmp_path, capsys):
    assert train(tmp_path, prepared) == 0
    assert train(tmp_path, prepared, "--resume", "--seed", "5") == 1
    assert "seed was 1 and is 5" in capsys.readouterr().err


def test_a_missing_data_set_is_said_in_one_sentence(tmp_path, capsys):
    (tmp_path / "settings.yaml").write_text(SETTINGS)
    assert train(tmp_path, tmp_path / "nowhere") == 1
    assert "prepare" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_missing_configuration_is_said_in_one_sentence(tmp_path, capsys):
    assert main(["train", "--config", str(tmp_path / "x.yaml")]) == 1
    assert "x.yaml cannot be read" in capsys.readouterr().err


def test_a_device_that_is_none_is_said_in_one_sentence(prepared, tmp_path, capsys):
    assert train(tmp_path, prepared, "--device", "abacus") == 1
    assert "'device': expected one of auto, cpu, cuda" in capsys.readouterr().err


def test_a_model_of_another_rate_than_its_data_is_refused(prepared, tmp_path, capsys):
    text = SETTINGS.replace("model:", "model:\n  model_rate: 25.0")
    (tmp_path / "settings.yaml").write_text(text)
    assert train(tmp_path, prepared) == 1
    assert "25" in capsys.readouterr().err
