"""The CoMA protocol in one command, on people made in code and written as CoMA is."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the protocol trains")
pytest.importorskip("trimesh", reason="training reads meshes with trimesh")

from facegen_core.errors import DatasetError
from tests.training.recorded_faces import write_coma
from training.__main__ import main
from training.datasets.dataset import SPLITS
from training.datasets.recorded import RecordedDataset
from training.landmark_evaluation.systems import (
    CLASS_MEAN,
    NEUTRAL,
    OURS,
    PEER,
    RBF,
)
from training.protocols import steps
from training.protocols.config import read_protocol_config
from training.protocols.fold_data import (
    data_of_fold,
    read_set,
    subjects_of,
)
from training.protocols.folds import fold_subjects
from training.protocols.tables import SYSTEM_ORDER
from training.runs.checkpoint import CheckpointError

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = (ROOT / "docs" / "train-your-own.md").read_text(encoding="utf-8")
PEOPLE = tuple(f"P{k:02d}" for k in range(8))
PLAYED = {"bareteeth": "happy", "mouth_open": "surprise"}
# The settings of the protocol train for hours; the same with hardly any steps.
FEWER = """
num_blendshapes: 6
basis_frames: 40
noises: 2
looked: 3
classifier_frames: 4
classifier_takes: 5
landmarks:
  generators: {widths: [8, 8, 8], num_blocks: 1, noise_size: 4, neutral_size: 3}
  autoencoder_steps: 2
  autoencoder_batch: 16
  stage_steps: [2, 1, 1]
  batch: 2
  window: 12
decoder:
  model: {channels: [8, 8, 4, 4], hidden: 16}
  frames_per_take: 2
  steps: 2
  faces_per_batch: 2
  frames_per_face: 2
peers:
  motion3dgan:
    {width: 32, noise_size: 4, critic_channels: [4, 4], critic_hidden: 8, steps: 2, batch: 2,
     critic_steps: 1}
  s2d: {channels: [8, 6, 4, 4, 4], frames_per_sequence: 1, epochs: 1, validation_frames: 4}
  rbf: {num_anchors: 10, still_share: 0.2}
"""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """The folder of the document after its command: COMA, runs/coma; all folds finished."""
    folder = tmp_path_factory.mktemp("protocol")
    write_coma(folder / "COMA", PEOPLE, PLAYED, num_vertices=500, num_frames=20)
    (folder / "fewer.yaml").write_text(FEWER)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main([*command(), "--workers", "1", "--config", "fewer.yaml"]) == 0
    return folder


@pytest.fixture
def finished(workplace, tmp_path, monkeypatch):
    """A copy that may be changed, as the working folder; steps that are done again are noted."""
    shutil.copytree(workplace, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy"


def command() -> list[str]:
    (line,) = re.findall(r"^python -m training (protocol coma .*)$", DOCUMENT, re.MULTILINE)
    return line.split()


def again(*more: str) -> int:
    return main([*command(), "--config", "fewer.yaml", "--resume", *more])


@pytest.fixture
def noted(monkeypatch) -> list[tuple[int, str]]:
    """Steps that are run from here on, as (fold, step), all of them told to go on."""
    calls: list[tuple[int, str]] = []

    def noting(step, work):
        def run(run, resume):
            assert resume
            calls.append((run.number, step))
            work(run, resume)

        return run

    noting_steps = {step: noting(step, work) for step, work in steps.STEPS.items()}
    monkeypatch.setattr(steps, "STEPS", noting_steps)
    return calls


def results_of(folder: Path) -> dict:
    return json.loads((folder / "runs" / "coma" / "protocol.json").read_text())


def test_one_command_goes_from_coma_to_the_table(workplace):
    results = results_of(workplace)
    assert results["expressions"] == list(PLAYED)
    tested = [name for fold in results["folds"] for name in fold["test"]]
    assert tested == list(PEOPLE)
    assert sum(fold["takes"] for fold in results["folds"]) == len(PEOPLE) * len(PLAYED)
    assert tuple(results["systems"]) == SYSTEM_ORDER
    assert tuple(results["decoder"]) == (OURS, PEER, RBF, CLASS_MEAN, NEUTRAL)
    for content in results["systems"].values():
        for region in ("landmarks_mm", "skin_mm", "face_mm"):
            assert content[region]["best"]["total"] <= content[region]["noise"]["total"]
            assert set(content[region]["noise"]) == {*PLAYED, "total"}
    assert results["classification"]["truth"]["f1"] > 0.5
    page = (workplace / "runs" / "coma" / "protocol.md").read_text()
    assert "not public" in page
    ours = results["decoder"][OURS]
    assert f"| Ours | {ours['all_mm']['mean']:.3f} ± {ours['all_mm']['sd']:.3f} |" in page


def test_even_a_short_training_beats_doing_nothing(workplace):
    """The parts that are closed forms work after two steps: head, linear start, class means."""
    results = results_of(workplace)
    still = results["decoder"][NEUTRAL]["all_mm"]["mean"]
    assert results["decoder"][OURS]["all_mm"]["mean"] < 0.5 * still
    still = results["systems"][NEUTRAL]["landmarks_mm"]["noise"]["total"]
    assert results["systems"][OURS]["landmarks_mm"]["noise"]["total"] < 0.5 * still
    assert results["systems"][CLASS_MEAN]["landmarks_mm"]["noise"]["total"] < 0.5 * still


def test_the_table_is_made_of_the_true_motion(workplace):
    """What predicting neutral costs is the mean length of the motion, counted anew."""
    results = results_of(workplace)
    dataset = RecordedDataset(workplace / "runs" / "coma" / "prepared")
    takes = [take for split in SPLITS for take in dataset.sequences(split)]
    lengths = np.concatenate(
        [np.linalg.norm(take.displacements(), axis=2).ravel() for take in takes]
    ).astype(np.float64)
    told = results["decoder"][NEUTRAL]["all_mm"]
    assert told["mean"] == pytest.approx(lengths.mean(), abs=2e-4)
    assert told["sd"] == pytest.approx(lengths.std(), abs=2e-4)


def test_what_is_finished_is_not_done_again(finished, noted):
    before = results_of(finished)
    (finished / "runs" / "coma" / "protocol.json").unlink()
    assert again() == 0
    assert noted == []
    assert results_of(finished) | {"commit": ""} == before | {"commit": ""}


def test_a_killed_fold_goes_on_with_its_unfinished_steps(finished, noted):
    """The peers of fold 3 were being trained: what comes after is done again too."""
    before = results_of(finished)
    record = finished / "runs" / "coma" / "fold3" / "steps.json"
    done = json.loads(record.read_text())
    del done["peers"]
    del done["measures"]
    record.write_text(json.dumps(done))
    assert again("--only-fold", "3") == 0
    assert noted == [(3, "peers"), (3, "measures")]
    assert results_of(finished)["systems"] == before["systems"]


def test_other_measures_measure_again_and_train_nothing(finished, noted):
    (finished / "fewer.yaml").write_text(FEWER.replace("looked: 3", "looked: 4"))
    assert again() == 0
    assert noted == [(number, "measures") for number in (1, 2, 3, 4)]
    assert results_of(finished)["looked"] == 4


def test_one_fold_alone_writes_no_table(finished, noted, capsys):
    out = finished / "runs" / "coma"
    (out / "protocol.json").unlink()
    for number in (1, 2, 3):
        (out / f"fold{number}" / "steps.json").unlink()
    assert again("--only-fold", "4") == 0
    assert noted == []
    assert not (out / "protocol.json").exists()
    assert "Still to do before the table: fold 1, 2, 3" in capsys.readouterr().out


def test_finished_steps_of_other_settings_are_refused(finished, capsys):
    assert main([*command(), "--config", "fewer.yaml"]) == 1
    assert "add --resume to go on" in capsys.readouterr().err
    assert again("--seed", "9") == 1
    assert "the step 'basis' was finished with another 'seed'" in capsys.readouterr().err
    assert again("--folds", "3") == 1
    assert "was begun with other" in capsys.readouterr().err
    assert again("--only-fold", "5") == 1
    assert "--only-fold: expected 1 to 4, got 5" in capsys.readouterr().err


def test_a_system_that_is_missing_is_named(finished, capsys):
    fold = finished / "runs" / "coma" / "fold2"
    (fold / "peers" / "s2d" / "checkpoint.npz").unlink()
    record = json.loads((fold / "steps.json").read_text())
    del record["measures"]
    (fold / "steps.json").write_text(json.dumps(record))
    assert again() == 1
    said = capsys.readouterr().err
    assert "Fold 2 cannot be measured, 'motion3dgan_s2d' is missing" in said
    assert "holds no run" in said


def test_a_table_needs_every_step_of_a_fold(finished):
    fold = finished / "runs" / "coma" / "fold2"
    config = read_protocol_config(finished / "fewer.yaml")
    assert steps.read_findings(fold, tuple(PLAYED), config).num_takes == 4
    changed = dataclasses.replace(config, noises=7)
    with pytest.raises(CheckpointError, match="another 'noises' of measures"):
        steps.read_findings(fold, tuple(PLAYED), changed)
    (fold / "measures.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"measures\.json cannot be read"):
        steps.read_findings(fold, tuple(PLAYED), config)
    (fold / "steps.json").unlink()
    with pytest.raises(CheckpointError, match="its step 'basis' is still to do"):
        steps.read_findings(fold, tuple(PLAYED), config)


@pytest.fixture(scope="module")
def whole(workplace):
    return read_set(workplace / "runs" / "coma" / "prepared")


def test_a_fold_s_mean_face_is_that_of_its_training_subjects(whole, tmp_path):
    for fold in fold_subjects(subjects_of(whole), 4):
        data = data_of_fold(whole, fold, tmp_path)
        of = {s.subject: s.neutral for s in data.sequences["train"]}
        assert tuple(of) == fold.splits["train"]
        np.testing.assert_allclose(
            data.template.vertices, np.mean(list(of.values()), axis=0), atol=1e-4
        )
        assert {s.subject for s in data.sequences["test"]} == set(fold.splits["test"])
        assert data.dataset.sequences("val") == data.sequences["val"]


def test_an_expression_that_nobody_plays_is_refused(whole, tmp_path):
    (first, *_) = fold_subjects(subjects_of(whole), 4)
    tested = first.splits["test"]
    few = {
        split: [
            s
            for s in takes
            if s.expression != "mouth_open" or s.subject not in tested
        ]
        for split, takes in whole.sequences.items()
    }  # fmt: skip
    with pytest.raises(DatasetError, match=r"the subjects it tests \(P00, P01\) .* 'mouth_open'"):
        data_of_fold(dataclasses.replace(whole, sequences=few), first, tmp_path)


def test_a_download_with_a_folder_missing_is_refused(workplace, tmp_path, capsys):
    shutil.copytree(workplace / "COMA", tmp_path / "COMA")
    shutil.rmtree(tmp_path / "COMA" / "P03" / "mouth_open")
    out = tmp_path / "out"
    assert main(["protocol", "coma", "--source", str(tmp_path / "COMA"), "--out", str(out)]) == 1
    assert "P03 has no folder 'mouth_open', others have" in capsys.readouterr().err
    assert not out.exists()


def test_a_folder_that_is_half_prepared_is_refused(workplace, tmp_path, capsys):
    half = tmp_path / "half"
    shutil.copytree(workplace / "runs" / "coma" / "prepared", half)
    (half / "dataset.json").unlink()
    assert main(["protocol", "coma", "--source", str(half), "--out", str(tmp_path / "out")]) == 1
    assert "is not prepared to its end" in capsys.readouterr().err
