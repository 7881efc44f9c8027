"""Sets that several test files look at; made once a run, because a template takes ten seconds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facegen_core.template import InnerPart
from tests.sphere_template import sphere_template
from tests.training.recorded_faces import write_sequence_folder
from tests.training.toy_facekit import REAL_SHAPE_NAMES, prepare_toy_ict, write_toy_facekit

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
    from training.template_building.build_template import TemplateBuild

    template = sphere_template()
    rng = np.random.default_rng(1)
    vertices = template.vertices
    centres = vertices[rng.integers(0, len(vertices), len(REAL_SHAPE_NAMES))]
    near = np.exp(-(((vertices - centres[:, None]) / 25.0) ** 2).sum(axis=2))
    shapes = near[..., None] * rng.normal(scale=3.0, size=(len(centres), 1, 3))
    shapes[:, vertices[:, 1] < -40] = 0.0
    poses = np.zeros((len(centres), 6))
    poses[REAL_SHAPE_NAMES.index("jawOpen")] = [0.4, 0, 0, 0, 0, 0]
    teeth = replace(template.inner_parts[0], name="lower_teeth")
    assert isinstance(teeth, InnerPart)
    template = replace(template, inner_parts=(teeth,))
    build = TemplateBuild(template, REAL_SHAPE_NAMES, shapes.astype(np.float32), poses)
    monkeypatch.setattr(prepare, "build_template", lambda model, progress: build)
    return build


@pytest.fixture
def prepared_ict(small_build, facekit, tmp_path):
    prepare_toy_ict(facekit, tmp_path / "set")
    return tmp_path / "set"
