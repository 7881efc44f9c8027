"""Rigs, ARKit keys and keys that are there already by command, read back from what was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.blender.command import Run, facegen, files_in, refusal
from tests.blender.heads import cube, write_obj

pytest.importorskip("bpy", reason="the command needs the bpy wheel")

SMILE = ("-e", "happy@1,9,15,24=1.0")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bakes")
    assert facegen(folder, "head", "-o", "head.obj").code == 0
    return folder


@pytest.fixture(scope="module")
def arkit(folder: Path) -> Run:
    return facegen(
        folder, "generate", "head.obj", *SMILE, "--bake", "arkit", "-o", "arkit.fbx",
        "--report", "report.json",
    )  # fmt: skip


def test_arkit_keys_are_written_with_the_error_told(arkit: Run) -> None:
    assert arkit.code == 0, arkit.err
    bake = arkit.report["bake"]
    assert (bake["mode"], bake["keys"], bake["by"]) == ("arkit", 51, "curves")
    assert 0.0 < bake["error_mm"]["mean"] < 0.5 < bake["error_mm"]["max"] < 4.0
    assert bake["max_error_mm"] == pytest.approx(bake["error_mm"]["max"], abs=1e-3)
    assert bake["error_mm"]["missed"]
    assert arkit.report["roundtrip"]["max_error_mm"] < 0.01
    assert "solved into" in arkit.out


def test_the_keys_of_a_file_are_played_again(folder: Path, arkit: Run) -> None:
    assert arkit.code == 0, arkit.err
    ask = ("generate", "arkit.fbx", "-e", "sad@1,9,15,24", "--bake", "existing", "--onto", "ARKit")
    before = files_in(folder)
    refused = facegen(folder, *ask, "-o", "again.fbx")
    assert refused.code == 2
    assert "keyframes of your own" in refused.err
    assert files_in(folder) == before
    done = facegen(folder, *ask, "--replace-curves", "-o", "again.fbx", "--report", "report.json")
    assert done.code == 0, done.err
    bake = done.report["bake"]
    assert (bake["mode"], bake["keys"]) == ("existing", 51)
    assert bake["error_mm"]["mean"] < 0.5
    assert done.report["roundtrip"]["max_error_mm"] < 0.01


def test_a_driven_rig_arrives_in_the_file(folder: Path) -> None:
    done = facegen(
        folder, "generate", "head.obj", *SMILE, "--bake", "rig", "-o", "rig.fbx",
        "--report", "report.json",
    )  # fmt: skip
    assert done.code == 0, done.err
    bake = done.report["bake"]
    assert (bake["mode"], bake["by"]) == ("rig", "drivers")
    assert bake["keys"] == bake["keys_used"] > 10
    assert done.report["roundtrip"]["max_error_mm"] < 0.01
    assert done.report["displacement_mm"]["happy"]["max"] > 5.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--rig-by", "curves"), "--rig-by goes with --bake rig"),
        (("--bake", "arkit", "--onto", "jawOpen"), "--onto goes with --bake existing"),
        (("--bake", "rig", "--replace-curves"), "--replace-curves goes with"),
        (("--bake", "arkit", "--sparsity", 0.5), "--sparsity is between 0 and 0.1"),
    ],
)
def test_options_of_another_bake_are_refused_before_any_work(
    options: tuple, words: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cube_file = write_obj(tmp_path / "cube.obj", *cube())
    ask = ("generate", cube_file, *SMILE, "-o", tmp_path / "a.fbx", *options)
    assert words in refusal(capfd, *ask)
    assert files_in(tmp_path) == {"cube.obj"}
