"""Names, numbers, splits and settings of a folder of recordings that are wrong.

Each is refused in one sentence, before a mesh is read: the files here have no content.
"""

import shutil

import pytest

from facegen_core.errors import DatasetError
from tests.training.recorded_faces import SCANNED, marked
from training.datasets.sequence_folder import find_sequence_folder, read_settings

SAID = {"unit": "mm", "frame_rate": 30.0}


def touch(folder, *paths):
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    return folder


@pytest.fixture
def names(tmp_path):
    """Files without content: enough to look for what is wrong with names."""
    paths = [
        f"{subject}/{expression}/frame_{t:04d}.obj"
        for subject in SCANNED
        for expression in ("smile", "surprise")
        for t in range(1, 9)
    ]
    return touch(tmp_path / "names", *paths)


def refused(folder, sentence, settings=None, text=None):
    if text is not None:
        (folder / "dataset.yaml").write_text(text)
    with pytest.raises(DatasetError, match=sentence) as caught:
        find_sequence_folder(folder, SAID if settings is None else settings)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_folder_that_is_not_there(tmp_path):
    refused(tmp_path / "nowhere", "nowhere does not exist")


def test_an_empty_folder(tmp_path):
    refused(tmp_path, "is empty: expected folders SUBJECT/EXPRESSION/frame_0001.obj")


def test_a_subject_without_recordings(names):
    (names / "frida").mkdir()
    refused(names, "frida has no folder of an expression")


def test_a_recording_without_meshes(names):
    touch(names, "anna/yawn/readme.txt")
    refused(names, r"anna/yawn holds no meshes: expected \.ply or \.obj")


def test_a_frame_without_a_number(names):
    touch(names, "anna/smile/last.obj")
    refused(names, r"last\.obj has no frame number")


def test_a_frame_number_twice(names):
    touch(names, "anna/smile/other_3.ply")
    refused(names, r"anna/smile has frame 3 twice: frame_0003\.obj and other_3\.ply")


def test_a_gap_in_the_frame_numbers(names):
    (names / "chen/smile/frame_0004.obj").unlink()
    refused(names, "chen/smile: frame 4 is missing between 3 and 5.*--gaps interpolate")


def test_no_unit(names):
    refused(names, "the unit is one of mm, cm, m, none is given", {"frame_rate": 30.0})


def test_an_unknown_unit(names):
    refused(names, "the unit is one of mm, cm, m, got 'inch'", text="unit: inch\n", settings={})


def test_no_frame_rate(names):
    refused(names, "frame rate is between 1 and 1000", {"unit": "mm"})


def test_an_unknown_setting(names):
    refused(names, "unknown setting 'fps': choose from name, unit", text="fps: 30\n")


def test_settings_that_are_not_yaml(names):
    refused(names, "dataset.yaml is not YAML", text="unit: [mm\n")


def test_settings_of_a_wrong_kind(names):
    refused(names, "'frame_rate' is a number, got 'fast'", text="frame_rate: fast\n")
    refused(names, "'expressions' is a list of names", text="expressions: smile\n")
    refused(names, "'labels' maps folder names", text="labels: [smile]\n")
    refused(names, "'split' lists subjects under train, val, test", text="split: {dev: [anna]}\n")
    refused(names, "expected settings", text="- unit\n")


def test_an_expression_nobody_shows(names):
    refused(
        names, "'expressions' names the expression 'grin', but", text="expressions: [grin, smile]"
    )


def test_a_label_for_a_folder_nobody_has(names):
    refused(names, "'labels' names the expression 'grin'", text="labels: {grin: happy}\n")


def test_a_label_that_is_no_name(names):
    refused(names, "'very happy' must be made of letters", text="labels: {smile: very happy}\n")


def test_an_expression_folder_that_is_no_name(names):
    touch(names, "anna/big smile/frame_1.obj")
    refused(names, "big smile: an expression is named with letters")


def test_a_missing_neutral(names):
    touch(names, "anna/neutral.obj")
    refused(
        names, r"The neutral .*boris/neutral\.obj is missing", SAID | {"neutral": "neutral.obj"}
    )


def test_too_few_subjects(names):
    for subject in SCANNED[3:]:
        shutil.rmtree(names / subject)
    refused(names, "Only 3 subjects were found, expected at least 4")


def test_the_same_subject_in_two_spellings(names):
    touch(names, "Anna/smile/frame_1.obj")
    refused(names, "has the subject 'anna' twice, also as 'Anna'")


def test_a_subject_in_two_splits(names):
    split = {"train": ("anna", "boris", "chen"), "val": ("dora",), "test": ("emil", "dora")}
    refused(names, "'dora' is named twice in the splits: in 'val' and in 'test'",
            SAID | {"split": split})  # fmt: skip


def test_a_split_of_somebody_who_is_not_there(names):
    refused(names, "'test' names the subject 'zoe'", SAID | {"split": {"test": ("zoe",)}})


def test_a_subject_in_no_split(names):
    split = {"train": ("anna", "boris"), "val": ("dora",), "test": ("emil",)}
    refused(names, "'chen' is in no split", SAID | {"split": split})


def test_splits_that_leave_nobody_to_train_on(names):
    split = {"val": ("anna", "boris"), "test": ("chen", "dora")}
    refused(names, "'train' has only 1 of the 5 subjects", SAID | {"split": split})
    split = {"val": SCANNED[:2], "test": SCANNED[2:]}
    refused(names, "'train' has no subjects", SAID | {"split": split})


def test_marks_of_somebody_who_is_not_there(names):
    refused(marked(names, "zoe,smile,1,2,3,4"), "line 2: the subject 'zoe' is not on disk")


def test_marks_of_a_recording_that_is_not_there(names):
    refused(marked(names, "anna,grin,1,2,3,4"), "line 2: anna has no recording 'grin'")


def test_marks_that_do_not_rise(names):
    refused(marked(names, "anna,smile,4,2,3,5"), "line 2: expected onset < apex")


def test_a_file_instead_of_settings(tmp_path):
    (tmp_path / "dataset.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="is not YAML"):
        read_settings(tmp_path / "dataset.yaml")
