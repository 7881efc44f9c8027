"""CoMA's layout from files to sequences: what was played is what a model will learn from."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from facegen_core.errors import DatasetError
from tests.training.recorded_faces import (
    COMA_EXPRESSIONS,
    COMA_SUBJECTS,
    actor,
    play,
    there_and_back,
    with_template_of,
    write_coma,
)
from training.__main__ import main
from training.datasets.coma import EXPRESSIONS, find_coma
from training.datasets.recorded import RecordedDataset
from training.datasets.training_data import open_dataset
from training.preparation.prepare_recordings import Options, prepare_recordings

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = (ROOT / "docs" / "train-your-own.md").read_text(encoding="utf-8")
ALONE = Options(num_workers=1)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_coma(tmp_path_factory.mktemp("coma"))


@pytest.fixture(scope="module")
def prepared(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("prepared") / "coma"
    prepare_recordings(find_coma(source), out, ALONE)
    return out


def all_sequences(dataset):
    return [s for split in ("train", "val", "test") for s in dataset.sequences(split)]


def truth(sequence) -> np.ndarray:
    """(T, V, 3) what the subject played, without the motion of the head."""
    person = actor(COMA_SUBJECTS.index(sequence.subject))
    frames = play(person, COMA_EXPRESSIONS[sequence.expression], there_and_back())
    return frames - person.vertices


def test_a_prepared_set_says_what_it_is(prepared):
    dataset = open_dataset(prepared)
    assert isinstance(dataset, RecordedDataset)
    assert dataset.subjects == COMA_SUBJECTS
    assert dataset.expressions == ("bareteeth", "eyebrow", "mouth_open")
    assert dataset.frame_rate == 60.0
    assert dataset.header["kind"] == "coma"
    assert "non-commercial" in dataset.header["licence"]
    assert str(prepared.parent) not in json.dumps(dataset.header)
    splits = dataset.header["splits"]
    assert sorted(name for members in splits.values() for name in members) == sorted(COMA_SUBJECTS)
    assert len(all_sequences(dataset)) == len(COMA_SUBJECTS) * len(COMA_EXPRESSIONS)


def test_what_was_played_is_what_is_read_without_the_motion_of_the_head(prepared):
    """Frames turned by about 5° and moved by about 1 cm come back to a tenth of a millimetre."""
    for sequence in all_sequences(open_dataset(prepared)):
        played, read = truth(sequence), sequence.displacements()
        assert read.shape == played.shape
        assert read.dtype == np.float32
        # The template's frame may be turned against the actor's: lengths do not change by that.
        lengths = np.abs(np.linalg.norm(read, axis=2) - np.linalg.norm(played, axis=2))
        assert lengths.mean() < 0.1
        assert np.abs(read[0]).max() < 0.01  # the first frame is rest


def test_the_neutral_is_the_first_frame_of_bareteeth_for_all_sequences(prepared):
    dataset = open_dataset(prepared)
    for subject in dataset.subjects:
        own = [s for s in all_sequences(dataset) if s.subject == subject]
        assert len({s.neutral.tobytes() for s in own}) == 1
        person = actor(COMA_SUBJECTS.index(subject))
        # Only turned and moved: distances between vertices are the actor's.
        steps = [
            np.linalg.norm(np.diff(x, axis=0), axis=1) for x in (own[0].neutral, person.vertices)
        ]
        np.testing.assert_allclose(steps[0], steps[1], atol=0.01)
        assert np.all(next(s for s in own if s.expression == "bareteeth").displacements()[0] == 0)


def test_marks_are_where_the_expression_was_played(prepared):
    corners = np.array([0.12, 0.4, 0.6, 0.88]) * 23
    for sequence in all_sequences(open_dataset(prepared)):
        assert np.abs(sequence.marks - corners).max() <= 3
        motion = np.linalg.norm(sequence.displacements(), axis=2).mean(axis=1)
        apex = motion[int(sequence.marks[1]) : int(sequence.marks[2]) + 1]
        assert apex.min() > 0.75 * motion.max()


def test_single_frames_are_those_of_the_whole(prepared):
    sequence = open_dataset(prepared).sequences("test")[0]
    frames = np.array([7, 2, 2, 15])
    assert np.array_equal(sequence.displacements(frames), sequence.displacements()[frames])


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files by /proc")
def test_a_set_that_is_read_holds_no_files_open(prepared):
    """Hundreds of takes would be more than a process may hold."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    takes = all_sequences(open_dataset(prepared))
    frames = [take.displacements(np.array([0, 3])) for take in takes]
    assert len(frames) == 15
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


def test_the_jaw_opens_with_the_mouth_and_stays_with_the_brows(prepared):
    for sequence in all_sequences(open_dataset(prepared)):
        opening = sequence.jaw()[:, 0]
        assert opening.min() >= 0
        assert opening[0] == pytest.approx(0, abs=1e-4)
        if sequence.expression == "mouth_open":
            assert 0.1 < opening.max() < 0.5
        if sequence.expression == "bareteeth":
            assert opening.max() < 0.08


def test_the_motion_of_the_head_is_kept_on_request(source, prepared, tmp_path):
    out = with_template_of(prepared, tmp_path / "kept")
    prepare_recordings(find_coma(source), out, Options(num_workers=1, rigid="keep"))
    kept = open_dataset(out).sequences("test")[0]
    removed = open_dataset(prepared).sequences("test")[0]
    still = open_dataset(prepared).template.regions["scalp"] > 0.9
    moves = [np.linalg.norm(s.displacements()[:, still], axis=2).max() for s in (kept, removed)]
    assert moves[0] > 3.0
    assert moves[1] < 1.0


def test_a_killed_preparation_goes_on_to_the_same_bytes(source, prepared, tmp_path):
    out = tmp_path / "again"
    shutil.copytree(prepared, out)
    (out / "dataset.json").unlink()
    for path in sorted((out / "sequences").glob(f"{COMA_SUBJECTS[1]}_*")):
        path.unlink()
    prepare_recordings(find_coma(source), out, Options(num_workers=2))
    assert digests(out) == digests(prepared)


def test_a_folder_begun_otherwise_is_refused(source, prepared):
    with pytest.raises(DatasetError, match="was begun with rigid remove, not keep"):
        prepare_recordings(find_coma(source), prepared, Options(rigid="keep"))
    with pytest.raises(DatasetError, match="was begun with other splits"):
        prepare_recordings(find_coma(source, seed=5), prepared, ALONE)


def test_cuts_are_played_there_and_back(source, prepared, tmp_path):
    cuts = tmp_path / "cuts.csv"
    rows = [f"{subject},mouth_open,1,12" for subject in COMA_SUBJECTS]
    rows += [f"{subject},mouth_open,24,13" for subject in COMA_SUBJECTS]
    cuts.write_text("subject,expression,from,to\n" + "\n".join(rows) + "\n")
    out = with_template_of(prepared, tmp_path / "cut")
    prepare_recordings(find_coma(source, cuts), out, ALONE)
    dataset = open_dataset(out)
    assert dataset.expressions == ("mouth_open",)
    forward, backward = dataset.sequences("test")
    assert (forward.num_frames, backward.num_frames) == (23, 23)
    for sequence in (forward, backward):
        displacements = sequence.displacements()
        assert np.array_equal(displacements, displacements[::-1])
        motion = np.linalg.norm(displacements, axis=2).mean(axis=1)
        assert motion[11] > 0.95 * motion.max()
        assert list(sequence.marks) == sorted(sequence.marks)


def test_gaps_are_filled_between_their_neighbours_on_request(source, prepared, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(source, broken)
    for subject in COMA_SUBJECTS:
        (broken / subject / "mouth_open" / "mouth_open.000005.ply").unlink()
    with pytest.raises(DatasetError, match="frame 5 is missing between 4 and 6"):
        find_coma(broken)
    out = with_template_of(prepared, tmp_path / "filled")
    prepare_recordings(find_coma(broken, fills_gaps=True), out, ALONE)
    whole = {s.name: s for s in open_dataset(prepared).sequences("test")}
    for sequence in open_dataset(out).sequences("test"):
        assert sequence.num_frames == 24
        full = whole[sequence.name].displacements()
        filled = sequence.displacements()
        if sequence.expression == "mouth_open":
            np.testing.assert_allclose(filled[4], (full[3] + full[5]) / 2, atol=0.01)
        assert np.array_equal(np.delete(filled, 4, axis=0), np.delete(full, 4, axis=0))


def test_a_folder_that_is_not_there_or_empty_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"nowhere does not exist"):
        find_coma(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="is empty: expected folders SUBJECT/EXPRESSION"):
        find_coma(tmp_path)


def test_an_expression_coma_does_not_have_is_refused(source, tmp_path):
    folder = tmp_path / "one"
    shutil.copytree(source / COMA_SUBJECTS[0], folder / COMA_SUBJECTS[0])
    (folder / COMA_SUBJECTS[0] / "grin").mkdir()
    with pytest.raises(DatasetError, match=r"'grin' is no expression of CoMA"):
        find_coma(folder)


def test_a_subject_without_bareteeth_has_no_neutral(source, tmp_path):
    folder = tmp_path / "one"
    shutil.copytree(source / COMA_SUBJECTS[0], folder / COMA_SUBJECTS[0])
    shutil.rmtree(folder / COMA_SUBJECTS[0] / "bareteeth")
    with pytest.raises(DatasetError, match="has no folder 'bareteeth', whose first frame"):
        find_coma(folder)


def test_a_cut_of_somebody_who_is_not_there_is_refused(source, tmp_path):
    cuts = tmp_path / "cuts"
    cuts.write_text("FaceTalk_999_TA_mouth_open_from_1_to_20\n")
    with pytest.raises(DatasetError, match="line 1: the subject 'FaceTalk_999_TA' is not on disk"):
        find_coma(source, cuts)


def test_the_document_s_command_for_coma_does_as_it_says(source, prepared, tmp_path, monkeypatch):
    """docs/train-your-own.md, in a folder in which the template is built already."""
    (line,) = re.findall(r"^python -m training (prepare coma .*)$", DOCUMENT, re.MULTILINE)
    (tmp_path / "COMA").symlink_to(source)
    with_template_of(prepared, tmp_path / "prepared" / "coma")
    monkeypatch.chdir(tmp_path)
    assert main(line.split()) == 0
    assert open_dataset(tmp_path / "prepared" / "coma").subjects == COMA_SUBJECTS
    assert main([*line.split(), "--rigid", "keep"]) == 1  # begun otherwise


def test_the_twelve_expressions_are_in_alphabetical_order():
    assert len(EXPRESSIONS) == 12
    assert list(EXPRESSIONS) == sorted(EXPRESSIONS)


def digests(folder) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
