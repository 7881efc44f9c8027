"""The 4D set made from ICT-FaceKit: what is written, read again, resumed and refused."""

import json

import numpy as np
import pytest

from facegen_core.errors import DatasetError
from facegen_core.intensity import EXPRESSIONS
from tests.training.toy_facekit import REAL_SHAPE_NAMES, prepare_toy_ict
from training.__main__ import main
from training.datasets.ict import IctDataset
from training.ict4d.make_subject import MAX_COEFFICIENT, identity_coefficients
from training.ict4d.performance import draw_style, perform


def test_identities_depend_on_name_and_seed_alone_and_stay_plausible():
    one = identity_coefficients("S001", 7, 100)
    np.testing.assert_array_equal(one, identity_coefficients("S001", 7, 100))
    assert not np.allclose(one, identity_coefficients("S002", 7, 100))
    assert not np.allclose(one, identity_coefficients("S001", 8, 100))
    assert np.abs(one).max() <= MAX_COEFFICIENT


def _contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_prepared_set_has_every_take_of_every_subject(prepared_ict, small_build):
    dataset = IctDataset(prepared_ict)
    assert dataset.subjects == ("S001", "S002")
    assert dataset.expressions == EXPRESSIONS
    for subject in dataset.subjects:
        sequences = dataset.subject_sequences(subject)
        names = [s.name for s in sequences]
        assert names == sorted(names)
        alone = {(s.expression, s.take) for s in sequences if len(s.components) == 1}
        assert alone == {(e, k) for e in EXPRESSIONS for k in (1, 2)}
        assert len([s for s in sequences if len(s.components) == 2]) == 2
        for sequence in sequences:
            T = sequence.num_frames  # noqa: N806
            assert sequence.displacements().shape == (T, dataset.template.num_vertices, 3)
            assert sequence.jaw().shape == (T, 6)
            assert sequence.identity.shape == (len(dataset.template.identity_basis),)
            expected = dataset.template.with_identity(sequence.identity)
            np.testing.assert_allclose(sequence.neutral, expected, atol=1e-4)
    np.testing.assert_array_equal(dataset.template.triangles, small_build.template.triangles)


def test_faces_are_exactly_at_rest_outside_their_marks(prepared_ict):
    for sequence in IctDataset(prepared_ict).subject_sequences("S001"):
        frames = np.arange(sequence.num_frames)
        begins = min(c.marks[0] for c in sequence.components)
        ends = max(c.marks[3] for c in sequence.components)
        moves = sequence.displacements().any(axis=(1, 2))
        assert not moves[(frames <= begins) | (frames >= ends)].any()
        assert moves[(frames > begins + 4) & (frames < ends - 9)].all()
        assert not sequence.jaw()[(frames <= begins) | (frames >= ends)].any()


def test_some_frames_are_what_all_frames_say_of_them(prepared_ict):
    for sequence in IctDataset(prepared_ict).subject_sequences("S002")[::3]:
        some = np.array([0, 17, sequence.num_frames // 2])
        np.testing.assert_allclose(
            sequence.displacements(some), sequence.displacements()[some], atol=1e-5
        )


def test_few_solved_frames_say_what_solving_every_frame_would(prepared_ict):
    dataset = IctDataset(prepared_ict)
    shapes = dataset.shapes("S001")
    for sequence in dataset.subject_sequences("S001")[::3]:
        exact = shapes.displacements(sequence.activations)
        linear = shapes.linear(sequence.activations)
        misses = np.linalg.norm(sequence.displacements() - exact, axis=2)
        assert misses.mean() < 0.02
        assert misses.mean() < 0.1 * np.linalg.norm(linear - exact, axis=2).mean() + 0.002
        np.testing.assert_array_equal(sequence.jaw(), shapes.jaw(sequence.activations))


def test_a_performance_of_the_set_can_be_drawn_again(prepared_ict):
    """The oracle plays what a subject might have played; its own take is one of these."""
    dataset = IctDataset(prepared_ict)
    sequence = next(s for s in dataset.subject_sequences("S001") if s.name == "S001_sad_1")
    streams = [np.random.default_rng([3, *f"S001 {p}".encode()]) for p in ("style", "sad 1")]
    style = draw_style(dataset.shape_names, streams[0])
    lips = dataset.subject_lips("S001")
    again = perform("sad", style, lips, dataset.shape_names, streams[1])
    np.testing.assert_array_equal(again.activations, sequence.activations)
    np.testing.assert_array_equal(again.marks, sequence.marks)
    assert again.extremeness == sequence.extremeness[0]


def test_compound_takes_say_how_strong_each_expression_would_be_alone(prepared_ict):
    dataset = IctDataset(prepared_ict)
    for sequence in dataset.subject_sequences("S001"):
        strengths = [c.magnitude for c in sequence.components]
        if len(strengths) == 1:
            assert strengths == [None]
        else:
            assert all(0 < m < 20 for m in strengths)
            assert (
                sequence.name
                == f"S001_{'+'.join(c.expression for c in sequence.components)}_"
                + (str(sequence.take))
            )


def test_the_jaw_turns_when_the_mouth_opens(prepared_ict):
    sequences = IctDataset(prepared_ict).subject_sequences("S001")
    surprise = next(s for s in sequences if s.name == "S001_surprise_1")
    opening = surprise.activations[:, REAL_SHAPE_NAMES.index("jawOpen")]
    assert opening.max() > 0.1
    np.testing.assert_allclose(surprise.jaw()[:, 0], 0.4 * opening, atol=1e-6)


def test_a_killed_run_is_completed_to_the_same_bytes(prepared_ict, small_build, facekit):
    before = _contents(prepared_ict)
    (prepared_ict / "subjects" / "S002.npz").unlink()
    (prepared_ict / "subjects" / "S002_shapes.npy").write_bytes(b"half")
    (prepared_ict / "subjects" / "S002_corrections.npy").unlink()
    (prepared_ict / "sequences" / "S002_sad_1.npz").unlink()
    prepare_toy_ict(facekit, prepared_ict)
    assert _contents(prepared_ict) == before


def test_a_folder_begun_with_another_seed_is_refused(prepared_ict, facekit):
    with pytest.raises(DatasetError, match="begun with seed 3, not 4"):
        prepare_toy_ict(facekit, prepared_ict, seed=4)


def test_a_folder_begun_with_other_compounds_is_refused(prepared_ict, facekit):
    with pytest.raises(DatasetError, match="begun with compounds 2, not 1"):
        prepare_toy_ict(facekit, prepared_ict, num_compounds=1)


def test_a_folder_begun_from_another_source_is_refused(prepared_ict, facekit):
    other = facekit / "FaceXModel" / "jawOpen.obj"
    other.write_text(other.read_text() + "# another release\n")
    with pytest.raises(DatasetError, match="begun from other source files"):
        prepare_toy_ict(facekit, prepared_ict)


def test_an_incomplete_or_foreign_set_is_refused(prepared_ict, tmp_path):
    with pytest.raises(DatasetError, match=r"dataset.json is missing"):
        IctDataset(tmp_path)
    (prepared_ict / "sequences" / "S001_sad_1.npz").unlink()
    with pytest.raises(DatasetError, match="S001 has 13 of 14 sequences"):
        IctDataset(prepared_ict).sequences("train")
    (prepared_ict / "dataset.json").write_text(json.dumps({"version": 99}))
    with pytest.raises(DatasetError, match="version 99"):
        IctDataset(prepared_ict)


def test_a_damaged_sequence_is_named(prepared_ict):
    path = prepared_ict / "sequences" / "S001_fear_2.npz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DatasetError, match=r"S001_fear_2.npz is not a readable sequence"):
        IctDataset(prepared_ict).subject_sequences("S001")


def test_corrections_of_another_run_are_refused(prepared_ict):
    path = prepared_ict / "subjects" / "S001_corrections.npy"
    np.save(path, np.load(path)[:20])
    with pytest.raises(DatasetError, match=r"S001_\w+_1.npz.*corrections end before"):
        IctDataset(prepared_ict).subject_sequences("S001")


def test_the_command_line_says_in_one_sentence_what_is_wrong(tmp_path, capsys):
    source = str(tmp_path / "nowhere")
    code = main(["prepare", "ict", "--source", source, "--out", str(tmp_path / "out")])
    assert code == 1
    assert "does not exist" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("argument", "value", "sentence"),
    [
        ("--subjects", "0", "--subjects: expected at least 1, got 0"),
        ("--takes", "-2", "--takes: expected at least 1, got -2"),
        ("--compounds", "-1", "--compounds: expected a number from 0 on, got -1"),
        ("--seed", "-1", "--seed: expected a number from 0 on, got -1"),
    ],
)
def test_wrong_counts_are_refused(facekit, tmp_path, capsys, argument, value, sentence):
    command = ["prepare", "ict", "--source", str(facekit), "--out", str(tmp_path / "out")]
    assert main([*command, argument, value]) == 1
    assert sentence in capsys.readouterr().err
