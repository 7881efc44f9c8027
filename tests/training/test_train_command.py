import json

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch")

from facegen_core.bundle import load_bundle, template_arrays
from facegen_core.intensity import EXPRESSIONS
from tests.sphere_template import sphere_template
from training.__main__ import main
from training.datasets.ict import DATASET_VERSION, SPLITS, read_split
from training.datasets.sequence import write_sequence

SETTINGS = """
model:
  num_blendshapes: 4
pca_frames: 40
motion_steps: 2
motion_batch: 2
motion_vertices: 30
detail_steps: 2
detail_batch: 2
detail_window: 3
"""


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
    ramp = np.interp(np.arange(20.0), [3, 7, 12, 16], [0, 1, 1, 0]).astype(np.float32)
    for subject in subjects:
        shapes = rng.normal(size=(6, template.num_vertices, 3)).astype(np.float16)
        np.save(root / "subjects" / f"{subject}_shapes.npy", shapes)
        np.savez(root / "subjects" / f"{subject}.npz", neutral=template.vertices)
        for index, expression in enumerate(EXPRESSIONS):
            arrays = {
                "activations": ramp[:, None] * np.eye(6, dtype=np.float32)[index],
                "jaw": ramp[:, None] * np.full(6, 0.1 * index, np.float32),
                "marks": np.array([3.0, 7.0, 12.0, 16.0]),
                "extremeness": np.array(1.0),
                "variant": np.array("only"),
            }
            write_sequence(root / "sequences" / f"{subject}_{expression}_1.npz", arrays)
    header = {
        "version": DATASET_VERSION,
        "seed": 3,
        "takes": 1,
        "frame_rate": 30.0,
        "source": "made in a test",
        "licence": "CC0",
        "subjects": subjects,
    }
    (root / "dataset.json").write_text(json.dumps(header))
    (tmp_path / "settings.yaml").write_text(SETTINGS)
    return root


def test_train_evaluate_and_export_from_the_command_line(prepared, tmp_path):
    run, bundle = tmp_path / "run", tmp_path / "small.facegen"
    settings = ["--config", str(tmp_path / "settings.yaml"), "--data", str(prepared)]
    assert main(["train", *settings, "--out", str(run)]) == 0
    errors = tmp_path / "errors.json"
    assert main(["evaluate", "--run", str(run), "--out", str(errors)]) == 0
    assert json.loads(errors.read_text())["model_mm"]["total"] > 0
    assert main(["export", "--run", str(run), "--out", str(bundle)]) == 0
    header = load_bundle(bundle).header
    assert header["training_data"]["source"] == "made in a test"
    assert header["licences"]["training_data"] == "CC0"
    assert header["command"]["settings"]["motion_steps"] == 2


def test_a_missing_data_set_is_said_in_one_sentence(tmp_path, capsys):
    assert main(["train", "--data", str(tmp_path), "--out", str(tmp_path / "run")]) == 1
    assert "prepare" in capsys.readouterr().err


def test_a_model_of_another_rate_than_its_data_is_refused(prepared, tmp_path, capsys):
    text = SETTINGS.replace("model:", "model:\n  model_rate: 25.0")
    (tmp_path / "settings.yaml").write_text(text)
    arguments = ["--config", str(tmp_path / "settings.yaml"), "--data", str(prepared)]
    assert main(["train", *arguments, "--out", str(tmp_path / "run")]) == 1
    assert "25" in capsys.readouterr().err
