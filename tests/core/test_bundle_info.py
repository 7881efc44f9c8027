"""What a bundle tells of itself, and that nothing is made up where it does not."""

import dataclasses

import numpy as np
import pytest

from facegen_core.bundle import load_bundle, read_header, save_bundle
from facegen_core.bundle_info import (
    error_sentence,
    error_table,
    info_as_json,
    read_bundle_info,
    summary_rows,
)
from facegen_core.errors import BundleError
from facegen_core.models.config import ModelConfig
from tests.core.model_fixtures import random_bundle

NAMES = ("mouth_open", "happy")
HEADER = {
    "training_data": {"name": "CoMA", "source": "a folder of scans", "subjects": 12},
    "licences": {"training_data": "research only", "weights": "CC0"},
    "metrics": {
        "num_test_subjects": 3,
        "final": {
            "model_mm": {"mouth_open": 1.204, "happy": 0.5, "total": 0.8},
            "class_mean_mm": {"mouth_open": 1.5, "happy": 0.6, "total": 1.0},
            "neutral_mm": {"mouth_open": 4.0, "happy": float("nan"), "total": 3.0},
            "apex_ratio": {"total": 0.9},
        },
    },
    "commit": "abc",
    "seed": 4,
    "command": {"train": "python -m training train --config c.yaml", "settings": {"seed": 4}},
    "date": "2026-11-21",
}


def saved(path, **header):
    bundle = random_bundle(ModelConfig(num_blendshapes=8, expressions=NAMES))
    save_bundle(dataclasses.replace(bundle, header=bundle.header | header), path)
    return path


@pytest.fixture
def path(tmp_path):
    return saved(tmp_path / "mine.facegen", **HEADER)


def test_the_header_alone_is_that_of_the_whole_bundle(path):
    header, config = read_header(path)
    bundle = load_bundle(path)
    # Through text, since NaN is not equal to itself.
    assert repr(header) == repr(bundle.header)
    assert config == bundle.config


def test_everything_a_user_needs_is_told(path):
    rows = dict(summary_rows(read_bundle_info(path)))
    assert rows["Expressions"] == "mouth_open, happy"
    assert rows["Training data"] == "CoMA, 12 people"
    assert rows["Licence of data"] == "research only"
    assert rows["Licence of model"] == "CC0"
    assert (rows["Date"], rows["Commit"], rows["Seed"]) == ("2026-11-21", "abc", "4")
    assert rows["Command"] == "python -m training train --config c.yaml"
    assert rows["Decoder"] == "hybrid, 8 blendshapes"
    assert rows["Frame rate"] == "30 per second"
    assert rows["File"].startswith("mine.facegen, ")


def test_errors_stand_beside_those_of_not_trying(path):
    info = read_bundle_info(path)
    assert error_sentence(info) == ("0.80 mm on 3 unseen people (class mean 1.00, no motion 3.00)")
    assert error_table(info) == [
        ["", "this model", "class mean", "no motion"],
        ["mouth_open", "1.20", "1.50", "4.00"],
        ["happy", "0.50", "0.60", "–"],
        ["total", "0.80", "1.00", "3.00"],
    ]


def test_other_programs_get_the_same(path):
    told = info_as_json(read_bundle_info(path))
    assert told["error_mm"]["model"] == {"mouth_open": 1.204, "happy": 0.5, "total": 0.8}
    assert told["expressions"] == list(NAMES)
    assert told["training_data"]["subjects"] == "12"
    assert told["settings"] == {"seed": 4}
    assert told["frames_per_second"] == 30.0


def test_what_a_header_leaves_out_is_left_out(tmp_path):
    info = read_bundle_info(saved(tmp_path / "bare.facegen", date="unknown", commit="unknown"))
    labels = {label for label, _ in summary_rows(info)}
    assert not {"Date", "Commit", "Licence of data", "Source"} & labels
    assert error_sentence(info) == "not recorded"
    assert error_table(info) == []
    told = info_as_json(info)
    assert told["date"] is told["training_data"]["licence"] is None
    assert told["error_mm"] == {}


@pytest.mark.parametrize(
    "command", ["python train.py", {"train": ["python", "train.py"]}, {"train": "python train.py"}]
)
def test_commands_are_shown_as_they_are_typed(tmp_path, command):
    info = read_bundle_info(saved(tmp_path / "a.facegen", command=command))
    assert info.command == "python train.py"


@pytest.mark.parametrize("field", ["training_data", "licences", "metrics"])
def test_a_damaged_header_is_refused_in_one_sentence(tmp_path, field):
    broken = saved(tmp_path / "broken.facegen", **{field: ["not", "named"]})
    with pytest.raises(BundleError, match=rf"broken.facegen cannot be used: '{field}'.*\.$"):
        read_bundle_info(broken)


def test_a_file_that_is_no_bundle_is_refused_from_its_header_alone(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, points=np.zeros(3))
    with pytest.raises(BundleError, match=r"other.npz cannot be used: it has no header"):
        read_bundle_info(path)
    text = tmp_path / "text.facegen"
    text.write_text("a model, really")
    with pytest.raises(BundleError, match=r"^text.facegen is not a model bundle"):
        read_bundle_info(text)
    with pytest.raises(BundleError, match="does not exist"):
        read_bundle_info(tmp_path / "none.facegen")
