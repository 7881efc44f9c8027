"""A researcher's own folder of recordings, from files to sequences."""

import shutil

import numpy as np
import pytest

from tests.training.conftest import SETTINGS
from tests.training.recorded_faces import (
    SCANNED,
    actor,
    play,
    there_and_back,
    with_template_of,
    write_obj,
    write_ply,
)
from training.datasets.mesh_files import read_mesh_file
from training.datasets.sequence_folder import find_sequence_folder
from training.datasets.training_data import open_dataset
from training.preparation.prepare_recordings import Options, prepare_recordings

ALONE = Options(num_workers=1)
SAID = {"unit": "mm", "frame_rate": 30.0}


@pytest.fixture
def copy(scans, tmp_path):
    """The same folder, to be damaged."""
    return shutil.copytree(scans, tmp_path / "copy")


def test_settings_name_split_label_and_licence_the_set(prepared_scans):
    dataset = open_dataset(prepared_scans)
    assert dataset.header["name"] == "Studio scans"
    assert dataset.header["licence"] == "CC-BY-4.0"
    assert dataset.expressions == ("happy", "surprise")
    assert [s.subject for s in dataset.sequences("test")] == ["emil", "emil"]
    assert [s.name for s in dataset.sequences("val")] == ["dora_happy_1", "dora_surprise_1"]


def test_what_was_played_is_what_is_read_and_the_first_frame_is_rest(prepared_scans):
    person = actor(50 + SCANNED.index("emil"))
    played = play(person, "surprise", there_and_back(20)) - person.vertices
    (sequence,) = (
        s for s in open_dataset(prepared_scans).sequences("test") if s.expression != "happy"
    )
    read = sequence.displacements()
    lengths = np.linalg.norm(read, axis=2) - np.linalg.norm(played, axis=2)
    assert np.abs(lengths).mean() < 0.1
    assert np.all(read[0] == 0)
    assert sequence.marks[0] > 0


def test_obj_in_metres_with_marks_is_the_same_set(scans, prepared_scans, tmp_path):
    folder = tmp_path / "metres"
    for path in sorted(scans.rglob("*.ply")):
        mesh = read_mesh_file(path)
        target = folder / path.relative_to(scans).with_suffix(".obj")
        write_obj(target, mesh.vertices / 1000.0, mesh.triangles, texture=True)
    (folder / "dataset.yaml").write_text(SETTINGS.replace("unit: mm", "unit: m"))
    rows = [f"{subject},smile,2,8,12,18" for subject in SCANNED]
    columns = "subject,expression,onset,apex,apex_end,offset\n"
    (folder / "marks.csv").write_text(columns + "\n".join(rows) + "\n")
    out = with_template_of(prepared_scans, tmp_path / "out")
    prepare_recordings(find_sequence_folder(folder), out, ALONE)
    pairs = zip(open_dataset(out).sequences("val"), open_dataset(prepared_scans).sequences("val"),
                strict=True)  # fmt: skip
    for mine, theirs in pairs:
        np.testing.assert_allclose(mine.displacements(), theirs.displacements(), atol=0.02)
        if mine.expression == "happy":
            assert mine.marks.tolist() == [1, 7, 11, 17]


def test_two_folders_may_share_an_expression_and_become_takes(copy, prepared_scans, tmp_path):
    (copy / "dataset.yaml").write_text(SETTINGS.replace("smile: happy", "smile: a, surprise: a"))
    out = with_template_of(prepared_scans, tmp_path / "out")
    prepare_recordings(find_sequence_folder(copy), out, ALONE)
    names = [s.name for s in open_dataset(out).sequences("test")]
    assert names == ["emil_a_1", "emil_a_2"]


def test_a_neutral_may_have_a_file_of_its_own(copy, prepared_scans, tmp_path):
    for k, subject in enumerate(SCANNED):
        person = actor(50 + k)
        write_ply(copy / subject / "neutral.ply", person.vertices, person.triangles)
    out = with_template_of(prepared_scans, tmp_path / "out")
    found = find_sequence_folder(copy, {"neutral": "neutral.ply"})
    prepare_recordings(found, out, ALONE)
    assert np.abs(open_dataset(out).sequences("test")[0].displacements()[0]).max() < 0.01


def test_splits_nobody_declared_are_drawn_alike_from_the_same_seed(scans, tmp_path):
    bare = shutil.copytree(scans, tmp_path / "bare")
    (bare / "dataset.yaml").unlink()
    first, second = (find_sequence_folder(bare, SAID, seed=4).splits for _ in range(2))
    assert first == second
    assert sorted(len(members) for members in first.values()) == [1, 1, 3]
    declared = find_sequence_folder(bare, SAID | {"split": {"test": ("chen",)}}).splits
    assert declared["test"] == ("chen",)
    assert "chen" not in declared["train"] + declared["val"]
