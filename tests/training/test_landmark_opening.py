"""Runs opened for the second generator's evaluation, and the pictures of what was opened."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from facegen_core.errors import FacegenError  # noqa: E402
from tests.training.evaluation_fixtures import write_toy_runs  # noqa: E402
from tests.training.landmark_fakes import (  # noqa: E402
    fake_systems,
    second_takes,
)
from training.evaluation.reference import read_reference  # noqa: E402
from training.landmark_evaluation import opening  # noqa: E402
from training.landmark_evaluation.command import LandmarkSettings  # noqa: E402
from training.landmark_evaluation.opening import num_steps, open_landmark_systems  # noqa: E402


@pytest.fixture(scope="module")
def data():
    return second_takes()


@pytest.fixture(scope="module")
def reference(data):
    return read_reference(data, 12, 0)


def test_runs_that_are_missing_are_named_with_why(data, reference, tmp_path):
    opened = open_landmark_systems(tmp_path, data, reference)
    assert list(opened.candidates) == ["class_mean"]
    assert set(opened.missing) == {
        "lm4dgan",
        "motion3dgan_s2d",
        "class_mean_rbf",
        "hybrid_identity",
    }
    assert all(why for why in opened.missing.values())
    runs = write_toy_runs(tmp_path / "runs", data)
    assert "hybrid_identity" in open_landmark_systems(runs, data, reference).candidates


def test_ablations_stand_beside_the_full_system_of_their_own(
    data, reference, tmp_path, monkeypatch
):
    def opener_of(kind):
        def opens(folder, data):
            if not (folder / "config.yaml").exists():
                raise FacegenError(f"{folder} holds no run.")
            return folder

        return opens

    monkeypatch.setattr(opening, "opener_of", opener_of)
    steps = {
        "lm4dgan/landmarks": 900,
        "lm4dgan/decoder": 500,
        "ablations/full/landmarks": 300,
        "ablations/no_identity/landmarks": 300,
        "ablations/one_stage/landmarks": 100,
        "ablations/no_cross_attention/decoder": 500,
    }
    for name, count in steps.items():
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "config.yaml").write_text(f"seed: 1\nsteps: {count}\n")
    opened = open_landmark_systems(tmp_path, data, reference)
    assert list(opened.candidates) == ["lm4dgan", "class_mean"]
    found = opened.ablations
    assert set(found) == {"no_identity", "one_stage", "no_cross_attention"}
    assert found["no_identity"].full.generator == tmp_path / "ablations/full/landmarks"
    assert found["no_identity"].full is found["one_stage"].full
    assert found["no_cross_attention"].full is opened.candidates["lm4dgan"]
    assert found["no_cross_attention"].ablated.generator == tmp_path / "lm4dgan/landmarks"
    same = {name: pair.is_same_budget for name, pair in found.items()}
    assert same == {"no_identity": True, "one_stage": False, "no_cross_attention": True}
    assert "no_autoencoder" in opened.missing


def test_budgets_are_told_by_steps(tmp_path):
    for name, text in (
        ("flat", "steps: 300\n"),
        ("section", "decoder:\n  steps: 300\n  seed: 1\n"),
        ("stages", "seed: 1\nstage_steps: [100, 150, 50]\n"),
        ("silent", "seed: 1\nbatch: 2\n"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(text)
    assert [num_steps(tmp_path / n) for n in ("flat", "section", "stages")] == [300] * 3
    assert num_steps(tmp_path / "silent") == num_steps(tmp_path / "none") == -1


def test_settings_that_ask_for_nothing_are_refused():
    with pytest.raises(FacegenError, match="--takes"):
        LandmarkSettings(takes=0)
    with pytest.raises(FacegenError, match="--frames"):
        LandmarkSettings(frames=2)


def test_figures_show_the_systems_there_are(data, reference, tmp_path):
    from training.landmark_evaluation.pictures import draw_landmark_pictures

    opened = fake_systems(reference, data.template)
    pictures = draw_landmark_pictures(tmp_path, data, "test", opened, reference, 1)
    assert {p.file for p in pictures} >= {"landmark_paths.png"}
    assert all((tmp_path / p.file).stat().st_size > 1000 for p in pictures)
    alone = replace(opened, candidates={"class_mean": opened.candidates["class_mean"]})
    assert draw_landmark_pictures(tmp_path, data, "test", alone, reference, 1) == []
