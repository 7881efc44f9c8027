"""Meshes and prepared sets of recordings that are wrong, each refused in one sentence.

In a set that is right but for one thing.
"""

import shutil

import numpy as np
import pytest

from facegen_core.errors import DatasetError
from tests.training.recorded_faces import marked, with_template_of, write_ply
from training.datasets.mesh_files import read_mesh_file
from training.datasets.sequence_folder import find_sequence_folder
from training.datasets.training_data import open_dataset
from training.preparation.prepare_recordings import Options, prepare_recordings


@pytest.fixture
def copy(scans, tmp_path):
    """The same folder, to be damaged."""
    return shutil.copytree(scans, tmp_path / "copy")


# ---- what is wrong with the meshes ----------------------------------------------------------


def frame_of(folder, number=7, subject="boris", expression="surprise"):
    return folder / subject / expression / f"frame_{number:04d}.ply"


@pytest.fixture
def refuses(copy, prepared_scans, tmp_path):
    """Asks that preparing the damaged copy ends with a sentence."""

    def check(sentence: str) -> None:
        out = with_template_of(prepared_scans, tmp_path / "out")
        with pytest.raises(DatasetError, match=sentence) as caught:
            prepare_recordings(find_sequence_folder(copy), out, Options(num_workers=1))
        assert "\n" not in str(caught.value)

    return check


def rewrite(path, change):
    mesh = read_mesh_file(path)
    vertices, triangles = change(mesh.vertices, mesh.triangles)
    write_ply(path, vertices, triangles, "binary_little_endian")


def test_a_frame_with_another_vertex_count(copy, refuses):
    rewrite(frame_of(copy), lambda v, t: (np.vstack([v, v[:1]]), t))
    refuses(r"boris/surprise/frame_0007\.ply has 801 vertices, but")


def test_a_frame_with_other_faces(copy, refuses):
    rewrite(frame_of(copy), lambda v, t: (v, t[::-1]))
    refuses(r"frame_0007\.ply has other faces than")


def test_a_frame_in_another_vertex_order(copy, refuses):
    rewrite(frame_of(copy), lambda v, t: (np.roll(v, 100, axis=0), t))
    refuses(r"frame_0007\.ply: .* another order than the neutral's")


def test_a_subject_in_another_vertex_order(copy, refuses):
    for path in sorted((copy / "chen").rglob("*.ply")):
        rewrite(path, lambda v, t: (np.roll(v, 100, axis=0), t))
    refuses(r"chen/smile/frame_0001\.ply: .* another order")


def test_a_frame_with_numbers_that_are_not_finite(copy, refuses):
    rewrite(frame_of(copy), lambda v, t: (np.where(np.arange(len(v))[:, None] == 3, np.inf, v), t))
    refuses(r"frame_0007\.ply: 1 vertex without finite numbers.*vertex 3")


def test_a_frame_that_cannot_be_read(copy, refuses):
    frame_of(copy).write_bytes(frame_of(copy).read_bytes()[:5000])
    refuses(r"frame_0007\.ply cannot be read as a mesh")


def test_a_frame_in_another_unit(copy, refuses):
    rewrite(frame_of(copy), lambda v, t: (v / 10.0, t))
    refuses(r"frame_0007\.ply is 0\.1 times as large as the neutral")


@pytest.mark.parametrize(("factor", "fitting"), [(0.001, "m"), (0.1, "cm"), (1000.0, None)])
def test_a_set_in_another_unit_than_it_says(copy, refuses, factor, fitting):
    for path in sorted(copy.rglob("frame_0001.ply")):
        rewrite(path, lambda v, t: (v * factor, t))
    hint = f"its unit looks like {fitting}" if fitting else "check the unit"
    refuses(f"when read in mm, but a head is 150 to 350 mm: {hint}")


def test_a_recording_that_does_not_begin_at_rest(copy, refuses):
    shutil.copy(frame_of(copy, 10), frame_of(copy, 1))
    refuses("does not show the face at rest.*--neutral")


def test_a_recording_of_a_few_frames(copy, refuses):
    for number in range(4, 21):
        frame_of(copy, number).unlink()
    refuses("boris/surprise has 3 frames, expected at least 5")


def test_a_recording_in_which_nothing_moves(copy, refuses):
    for number in range(2, 21):
        shutil.copy(frame_of(copy, 1), frame_of(copy, number))
    refuses("boris/surprise shows no expression")


def test_marks_outside_the_recording(copy, refuses):
    marked(copy, "boris,surprise,2,8,12,25")
    refuses("the marks 2 to 25 lie outside the frames 1 to 20")


# ---- what is wrong with a prepared set ------------------------------------------------------


def test_a_folder_without_a_prepared_set(tmp_path):
    with pytest.raises(DatasetError, match=r"dataset\.json is missing"):
        open_dataset(tmp_path)


def test_a_prepared_set_of_an_unknown_kind_or_version(prepared_scans, tmp_path):
    out = shutil.copytree(prepared_scans, tmp_path / "out")
    text = (out / "dataset.json").read_text()
    (out / "dataset.json").write_text(text.replace('"sequence_folder"', '"video"'))
    with pytest.raises(DatasetError, match="of the kind 'video', expected one of ict, coma"):
        open_dataset(out)
    (out / "dataset.json").write_text(text.replace('"version": 1', '"version": 9'))
    with pytest.raises(DatasetError, match="version 9, expected 1"):
        open_dataset(out)


def test_a_prepared_set_that_lost_a_file(prepared_scans, tmp_path):
    out = shutil.copytree(prepared_scans, tmp_path / "out")
    (out / "sequences" / "emil_happy_1.npy").unlink()
    with pytest.raises(DatasetError, match=r"emil_happy_1\.npy cannot be read"):
        open_dataset(out).sequences("test")
    np.savez(out / "subjects" / "dora.npz", neutral=np.zeros((3, 3)))
    with pytest.raises(DatasetError, match=r"dora\.npz lacks the field 'identity'"):
        open_dataset(out).sequences("val")
