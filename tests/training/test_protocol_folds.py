"""Who is tested when, and what a protocol's settings may say."""

import re
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the protocol trains")

from facegen_core.errors import DatasetError
from training.datasets.coma import EXPRESSIONS
from training.datasets.dataset import SPLITS
from training.protocols.config import read_protocol_config
from training.protocols.fold_data import check_expressions
from training.protocols.folds import Fold, fold_subjects, public_subjects
from training.runs.settings import TrainingConfigError

ROOT = Path(__file__).parent.parent.parent
PEOPLE = tuple(f"P{k:02d}" for k in range(8))


def all_members(fold: Fold) -> list[str]:
    return [name for split in SPLITS for name in fold.splits[split]]


@pytest.mark.parametrize("subjects", [public_subjects(), PEOPLE], ids=["CoMA", "own"])
def test_folds_are_disjoint_and_everybody_is_tested_once(subjects):
    folds = fold_subjects(subjects, 4)
    assert [fold.number for fold in folds] == [1, 2, 3, 4]
    for fold in folds:
        assert sorted(all_members(fold)) == sorted(subjects)  # nobody twice, nobody left out
    tested = [name for fold in folds for name in fold.splits["test"]]
    assert sorted(tested) == sorted(subjects)


def test_coma_s_folds_are_the_sorted_names_three_by_three():
    subjects = public_subjects()
    assert len(subjects) == 12
    assert subjects[0] == "FaceTalk_170725_00137_TA"
    for k, fold in enumerate(fold_subjects(subjects[::-1])):
        assert fold.splits["test"] == subjects[3 * k : 3 * k + 3]
        assert len(fold.splits["val"]) == 1
        assert len(fold.splits["train"]) == 8


def test_other_sets_are_folded_as_the_committed_files_are():
    """The same rule, whatever the names: by order."""
    names = tuple(f"N{k:02d}" for k in range(12))
    to_own = dict(zip(public_subjects(), names, strict=True))
    for public, own in zip(fold_subjects(public_subjects()), fold_subjects(names), strict=True):
        for split in SPLITS:
            assert tuple(to_own[n] for n in public.splits[split]) == own.splits[split]


def test_twelve_subjects_in_other_folds_are_folded_in_order():
    folds = fold_subjects(public_subjects(), 3)
    assert [len(fold.splits["test"]) for fold in folds] == [4, 4, 4]


@pytest.mark.parametrize(
    ("subjects", "num_folds", "message"),
    [
        (PEOPLE[:7], 4, "7 subjects in 4 folds: each tests at least 2, choose --folds 3"),
        (PEOPLE[:3], 4, "3 subjects in 4 folds: each tests at least 2, prepare more subjects"),
        (PEOPLE[:4], 2, "4 subjects leave fold 1 1 to train on, expected at least 2"),
        (PEOPLE, 1, "--folds: expected 2 or more, got 1"),
        ((*public_subjects()[:11], "ANNA"), 4, "'ANNA' is no subject of CoMA"),
        (public_subjects()[1:], 4, "'FaceTalk_170725_00137_TA' is missing"),
    ],
)
def test_subjects_that_cannot_be_folded_are_refused(subjects, num_folds, message):
    with pytest.raises(DatasetError, match=re.escape(message)):
        fold_subjects(subjects, num_folds)


def test_coma_without_one_of_its_expressions_is_refused():
    with pytest.raises(DatasetError, match="COMA has no take of 'eyebrow'"):
        check_expressions(
            Path("COMA"), public_subjects(), [name for name in EXPRESSIONS if name != "eyebrow"]
        )
    check_expressions(Path("scans"), PEOPLE, ["smile"])


def test_settings_the_protocol_decides_are_refused(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text("decoder: {basis_from: some.facegen}\n")
    with pytest.raises(TrainingConfigError, match=r"'decoder\.basis_from' is decided by"):
        read_protocol_config(path)
    path.write_text("noises: 0\n")
    with pytest.raises(TrainingConfigError, match="'noises': expected 1 or more, got 0"):
        read_protocol_config(path)
    path.write_text("seed: 4\n")
    config = read_protocol_config(path)
    assert config.landmarks.seed == config.decoder.seed == config.peers.seed == 4


def test_the_committed_settings_can_be_read():
    config = read_protocol_config(ROOT / "training" / "configs" / "coma.yaml")
    assert config.noises == 10
    assert config.landmarks.window == 96
