"""What the command refuses: in one sentence, with exit code 2 and nothing written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from blender_addon import cli
from facegen_core.errors import FacegenError
from tests.blender.command import BUNDLE, ROOT, files_in, refusal
from tests.blender.heads import cube, write_obj

pytest.importorskip("bpy", reason="the command needs the bpy wheel")

HAPPY = ("-e", "happy@1,12,30,45=1.0")


@pytest.fixture
def cube_file(tmp_path: Path) -> Path:
    return write_obj(tmp_path / "cube.obj", *cube())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"head": "nowhere.obj"}, "no file"),
        ({"head": "notes.txt"}, "Cannot read"),
        ({"expression": "happy@12,1,30,45"}, "onset start < apex start"),
        ({"expression": "happy@1,12,30,45=1.5"}, "between 0 and 1"),
        ({"expression": "joyful@1,12,30,45"}, "Unknown expression"),
        ({"expression": "mouth_open@1,12,30,45"}, "'mouth_open': this model has happy, sad"),
        ({"expression": "happy~sad:2@1,12,30,45"}, "share of sad is between 0 and 1"),
        ({"expression": "happy~joy:0.5@1,12,30,45"}, "Unknown expression 'joy'"),
        ({"expression": "happy~happy@1,12,30,45"}, "needs two expressions"),
        ({"expression": "happy"}, "not an expression event"),
        ({"output": "clip.dae"}, "Cannot write"),
        ({"extra": ("--preset", "web")}, "--preset web writes .glb"),
        ({"extra": ("--root-bone",)}, "belongs to a preset"),
        ({"output": "nowhere/clip.fbx"}, "no folder"),
        ({"extra": ("--fps", "0")}, "above 0"),
        ({"extra": ("--tolerance", "-1")}, "above 0"),
        ({"extra": ("--picture", "sheet.jpg")}, "PNG"),
        ({"extra": ("--report", "clip.fbx")}, "share one name"),
        ({"extra": ("--bundle", "nowhere.facegen")}, "nowhere.facegen"),
        ({"extra": ("--landmarks", "nowhere.json")}, "nowhere.json"),
        ({"extra": ("--region", "chin=0.5")}, "the regions are brows, eyes, mouth"),
        ({"extra": ("--region", "mouth=much")}, "gives no number"),
        ({"extra": ("--region", "mouth=2.5")}, "between 0 and 2"),
        ({"extra": ("--shift", "mouth")}, "gives no number"),
        ({"extra": ("--shift", "mouth=nan")}, "must be a number"),
        ({"extra": ("--asymmetry", "-1.5")}, "between -1 and 1"),
        ({"extra": ("--extremeness", "3")}, "between 0 and 2"),
        ({"extra": ("--object", "Suzanne")}, "no mesh object 'Suzanne'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(
    changes: dict,
    words: str,
    cube_file: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(cube_file.parent)
    before = files_in(cube_file.parent)
    sentence = refusal(
        capfd,
        "generate",
        changes.get("head", "cube.obj"),
        "-e",
        changes.get("expression", "happy@1,12,30,45=1.0"),
        "-o",
        changes.get("output", "clip.fbx"),
        *changes.get("extra", ()),
    )
    assert words in sentence
    assert files_in(cube_file.parent) == before


def test_a_run_without_expression_or_output_is_refused(
    cube_file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "-e happy" in refusal(capfd, "generate", cube_file, "-o", cube_file.parent / "a.fbx")
    assert "-o clip.fbx" in refusal(capfd, "generate", cube_file, *HAPPY)


def test_a_cube_has_no_face(cube_file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = files_in(cube_file.parent)
    sentence = refusal(capfd, "generate", cube_file, *HAPPY, "-o", cube_file.parent / "a.fbx")
    assert "landmark" in sentence.lower() or "face" in sentence.lower()
    assert files_in(cube_file.parent) == before


def test_a_file_without_faces_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    points = write_obj(tmp_path / "points.obj", cube()[0], [])
    sentence = refusal(capfd, "generate", points, *HAPPY, "-o", tmp_path / "a.fbx")
    assert "no mesh with faces" in sentence


def test_vertices_that_are_not_numbers_are_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    vertices, polygons = cube()
    vertices[3, 1] = np.nan
    broken = write_obj(tmp_path / "nan.obj", vertices, polygons)
    sentence = refusal(capfd, "generate", broken, *HAPPY, "-o", tmp_path / "a.fbx")
    assert "not a finite number" in sentence


@pytest.mark.parametrize("suffix", [".fbx", ".glb", ".blend"])
def test_a_damaged_file_is_refused_with_its_name(
    suffix: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / f"damaged{suffix}"
    damaged.write_bytes(b"this is no head")
    sentence = refusal(capfd, "generate", damaged, *HAPPY, "-o", tmp_path / "a.fbx")
    assert damaged.name in sentence
    assert files_in(tmp_path) == {damaged.name}


def test_a_foreign_bundle_is_refused(cube_file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    foreign = cube_file.parent / "foreign.facegen"
    np.savez(foreign.open("wb"), numbers=np.arange(3))
    output = cube_file.parent / "a.fbx"
    sentence = refusal(capfd, "generate", cube_file, *HAPPY, "-o", output, "--bundle", foreign)
    assert "foreign.facegen" in sentence
    assert not output.exists()


def test_too_few_landmarks_are_refused(cube_file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    few = cube_file.parent / "few.json"
    few.write_text(json.dumps({"version": 1, "landmarks": {"30": [0, 0, 1]}}))
    output = cube_file.parent / "a.fbx"
    sentence = refusal(capfd, "generate", cube_file, *HAPPY, "-o", output, "--landmarks", few)
    assert "at least 13" in sentence


@pytest.mark.skipif(not BUNDLE.is_file(), reason="the default bundle is missing")
@pytest.mark.parametrize("suffix", [".obj", ".blend"])
def test_landmarks_count_in_the_coordinates_of_their_file(
    suffix: str,
    cube_file: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import bpy

    from blender_addon.operators import match

    head = cube_file
    if suffix == ".blend":
        head = cube_file.with_suffix(".blend")
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.ops.wm.obj_import(filepath=str(cube_file))
        bpy.ops.wm.save_as_mainfile(filepath=str(head))
        capfd.readouterr()
    places = {number: [0.1 * number, 2.0, 3.0] for number in range(13)}
    landmarks = cube_file.parent / "marks.json"
    landmarks.write_text(json.dumps({"version": 1, "landmarks": places}))
    seen = []

    def stop_here(request: match.MatchRequest, progress: object) -> None:
        seen.append(request)
        raise FacegenError("Far enough.")

    monkeypatch.setattr(match, "run_match", stop_here)
    output = cube_file.parent / "a.fbx"
    refusal(capfd, "generate", head, *HAPPY, "-o", output, "--landmarks", landmarks)
    expected = [0.4, 2.0, 3.0] if suffix == ".obj" else [0.4, 3.0, -2.0]  # Z up to Y up
    np.testing.assert_allclose(seen[0].landmarks.places[4], expected, atol=1e-6)


@pytest.mark.skipif(os.name != "posix", reason="folder permissions are those of POSIX")
def test_a_folder_that_may_not_be_written_to_is_refused_before_any_work(
    cube_file: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may write everywhere, so the question is answered for it here.
    monkeypatch.setattr(os, "access", lambda *_: False)
    sentence = refusal(capfd, "generate", cube_file, *HAPPY, "-o", cube_file.parent / "a.fbx")
    assert "may not be written to" in sentence


@pytest.mark.skipif(sys.platform != "linux", reason="EGL is Linux")
def test_a_picture_without_opengl_is_refused_instead_of_aborting(cube_file: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "blender_addon.cli", "generate", str(cube_file), *HAPPY]
        + ["--picture", str(cube_file.parent / "sheet.png")],
        cwd=ROOT,
        env={**os.environ, "__EGL_VENDOR_LIBRARY_FILENAMES": "/nonexistent"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == cli.EXIT_REFUSED
    assert "OpenGL" in done.stderr


def test_a_fault_of_the_program_ends_it_instead_of_hanging_it(cube_file: Path) -> None:
    """Blender's module waits for ever for its own threads where Python ends as it likes."""
    script = (
        "import sys\nfrom blender_addon import cli\nfrom facegen_core import pipeline\n"
        "def broken(*_, **__): raise ValueError('odd')\n"
        "pipeline.match = broken\n"
        "sys.argv[1:] = ['generate', 'cube.obj', '-e', 'happy@1,4,6,9', '-o', 'clip.fbx']\n"
        "cli.command()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=cube_file.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == cli.EXIT_BROKEN
    assert "ValueError: odd" in done.stderr
    assert files_in(cube_file.parent) == {"cube.obj"}
