"""Sets that several test files look at; made once a run, because a template takes ten seconds."""

from pathlib import Path

import pytest

from tests.training.recorded_faces import write_sequence_folder

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
    from training.prepare_recordings import Options, prepare_recordings

    out = tmp_path_factory.mktemp("prepared") / "scans"
    prepare_recordings(find_sequence_folder(scans), out, Options(num_workers=1))
    return out
