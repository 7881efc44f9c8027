"""Sets that several test files look at; made once a run, because a template takes ten seconds."""

from pathlib import Path

import pytest

from tests.training.recorded_faces import write_sequence_folder
from tests.training.toy_facekit import prepare_toy_ict, toy_build, write_toy_facekit

SETTINGS = """
name: Studio scans
unit: mm
frame_rate: 30
labels: {smile: happy}
split: {train: [anna, boris, chen], val: [dora], test: [emil]}
licence: CC-BY-4.0
"""


@pytest.fixture(scope="session")
def scans(tmp_path_factory) -> Path:
    """A researcher's folder of five people in PLY files. Copy it before changing it."""
    folder = write_sequence_folder(tmp_path_factory.mktemp("scans"), suffix=".ply")
    (folder / "dataset.yaml").write_text(SETTINGS)
    return folder


@pytest.fixture(scope="session")
def prepared_scans(scans, tmp_path_factory) -> Path:
    """The data set made of them."""
    pytest.importorskip("trimesh", reason="training reads meshes with trimesh")
    from training.datasets.sequence_folder import find_sequence_folder
    from training.preparation.prepare_recordings import Options, prepare_recordings

    out = tmp_path_factory.mktemp("prepared") / "scans"
    prepare_recordings(find_sequence_folder(scans), out, Options(num_workers=1))
    return out


@pytest.fixture
def facekit(tmp_path):
    return write_toy_facekit(tmp_path / "facekit")


@pytest.fixture
def small_build(monkeypatch):
    """Instead of the head of ICT-FaceKit: the sphere, with the real names for its shapes."""
    from training.preparation import prepare

    build = toy_build()
    monkeypatch.setattr(prepare, "build_template", lambda model, progress: build)
    return build


@pytest.fixture
def prepared_ict(small_build, facekit, tmp_path):
    prepare_toy_ict(facekit, tmp_path / "set")
    return tmp_path / "set"
