"""docs/train-your-own.md as it is written: its files, its commands, on a small set of scans."""

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch")

from facegen_core.bundle import load_bundle
from facegen_core.inference import Engine
from tests.training.recorded_faces import write_sequence_folder
from training.__main__ import main

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = (ROOT / "docs" / "train-your-own.md").read_text(encoding="utf-8")
# The document's own settings train for minutes; the same with fewer steps.
FEWER_STEPS = """
pca_frames: 60
motion_steps: 120
motion_batch: 8
detail_steps: 2
detail_batch: 2
detail_window: 4
tensorboard: false
"""
# The detector's defaults draw and train for an hour.
FEWER_SCENES = """
num_scenes: 3
num_held_out_scenes: 1
num_steps: 2
restart_steps: 1
batch: 4
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)


def commands() -> list[list[str]]:
    lines = [line for block in blocks("bash") for line in block.splitlines() if line.strip()]
    return [shlex.split(line) for line in lines]


def training_commands() -> list[list[str]]:
    return [c[3:] for c in commands() if c[:3] == ["python", "-m", "training"] and "coma" not in c]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """The folder of the document, after all its training commands."""
    folder = tmp_path_factory.mktemp("own")
    write_sequence_folder(folder / "scans", num_frames=30)
    settings, config = blocks("yaml")
    (marks,) = blocks("csv")
    (folder / "scans" / "dataset.yaml").write_text(settings)
    (folder / "scans" / "marks.csv").write_text(marks)
    (folder / "scans.yaml").write_text(config + FEWER_STEPS)
    (folder / "fewer.yaml").write_text(FEWER_SCENES)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for arguments in training_commands():
            if arguments[0] == "detector":
                arguments = [*arguments, "--config", "fewer.yaml"]
                shutil.copy("scans.facegen", "exported.facegen")
            assert main(arguments) == 0, f"python -m training {shlex.join(arguments)}"
    # The document plays the bundle as it was exported; so few steps teach no detector to see.
    (folder / "scans.facegen").rename(folder / "taught.facegen")
    (folder / "exported.facegen").rename(folder / "scans.facegen")
    return folder


def test_the_document_goes_from_scans_to_a_bundle(workplace):
    verbs = [arguments[0] for arguments in training_commands()]
    assert verbs == ["prepare", "train", "evaluate", "export", "detector", "add-detector"]
    report = (workplace / "results" / "results.md").read_text()
    assert "Studio scans" in report


def test_the_bundle_plays_the_expressions_of_the_scans(workplace):
    bundle = load_bundle(workplace / "scans.facegen")
    assert bundle.config.expressions == ("happy", "surprise")
    assert bundle.header["training_data"]["name"] == "Studio scans"
    assert "consent" in bundle.header["licences"]["training_data"]
    assert bundle.template.landmark_detector is None
    assert load_bundle(workplace / "taught.facegen").template.landmark_detector is not None
    assert str(workplace) not in str(bundle.header)
    curve = [[0.0, 0.0]] * 3 + [[0.0, 1.0]] * 30 + [[0.0, 0.0]] * 3
    motion = Engine(bundle).generate(np.array(curve), 30.0)
    chin = bundle.template.landmarks.triangle_indices[8]
    moved = motion.skin[:, bundle.template.triangles[chin]].mean(axis=1)
    assert np.all(motion.skin[0] == 0)
    assert moved[25, 1] < -3.0  # surprise drops the chin


@pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="needs Blender's bpy")
def test_blender_plays_the_bundle_by_the_document_s_commands(workplace):
    run = "import sys; from blender_addon.cli import command; sys.exit(command())"
    for arguments in (c[1:] for c in commands() if c[0] == "facegen"):
        process = subprocess.run(
            [sys.executable, "-c", run, *arguments],
            cwd=workplace,
            env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        assert process.returncode == 0, process.stdout + process.stderr
        if arguments[0] == "info":
            assert "happy, surprise" in process.stdout
    assert (workplace / "clip.fbx").stat().st_size > 100_000


def test_every_command_of_the_document_is_run_here_or_with_coma():
    """Those of CoMA are run by tests/training/test_coma.py and test_coma_protocol.py."""
    known = [["python", "-m", "training", *c] for c in training_commands()]
    known += [c for c in commands() if c[0] == "facegen"]
    known += [c for c in commands() if c[:5] == ["python", "-m", "training", "prepare", "coma"]]
    known += [c for c in commands() if c[:5] == ["python", "-m", "training", "protocol", "coma"]]
    assert sorted(known) == sorted(commands())
    assert len(known) == 11
