"""The command's words: what it refuses, in one sentence, with exit code 2 and nothing written."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import facegen_core
from blender_addon import cli
from facegen_core.bundle import save_bundle
from facegen_core.errors import FacegenError
from facegen_core.models.config import ModelConfig
from tests.blender.command import BUNDLE, ROOT
from tests.blender.heads import cube, write_obj
from tests.core.model_fixtures import random_bundle

pytest.importorskip("bpy", reason="the command needs the bpy wheel")

HAPPY = ("-e", "happy@1,12,30,45=1.0")


@pytest.fixture
def cube_file(tmp_path: Path) -> Path:
    return write_obj(tmp_path / "cube.obj", *cube())


def refusal(capfd: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The sentence on stderr of a run that must be refused."""
    assert cli.main([str(argument) for argument in arguments]) == cli.EXIT_REFUSED
    captured = capfd.readouterr()
    assert captured.out == ""
    last = captured.err.strip().splitlines()[-1]
    assert last.startswith("facegen: ")
    assert "Traceback" not in captured.err
    return last


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_version_is_that_of_the_core(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capfd.readouterr().out.strip() == f"facegen {facegen_core.__version__}"


def test_help_names_every_expression_and_file_format(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["generate", "--help"])
    text = capfd.readouterr().out
    for word in ("happy", "surprise", "fear", ".obj", ".fbx", ".glb", ".blend", "--landmarks"):
        assert word in text


def test_the_module_is_a_command_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "blender_addon.cli", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout.split()[0]) == (0, "facegen")


def test_without_blender_it_says_what_to_install() -> None:
    script = "import sys; sys.modules['bpy'] = None\nfrom blender_addon import cli\n"
    script += "sys.exit(cli.main(['generate', 'head.obj', '-e', 'happy@1,2,3,4', '-o', 'a.fbx']))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == cli.EXIT_REFUSED
    assert "pip install" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_info_needs_no_blender_and_tells_expressions_licence_and_error(tmp_path: Path) -> None:
    bundle = random_bundle(ModelConfig(num_blendshapes=8, expressions=("mouth_open", "happy")))
    errors = {"model_mm": {"mouth_open": 1.25, "happy": 0.5, "total": 0.875}}
    header = bundle.header | {"date": "2026-11-21", "metrics": {"final": errors}}
    save_bundle(dataclasses.replace(bundle, header=header), tmp_path / "mine.facegen")
    script = "import sys; sys.modules['bpy'] = None\nfrom blender_addon import cli\n"
    script += "sys.exit(cli.main(sys.argv[1:]))"
    said = [
        subprocess.run(
            [sys.executable, "-c", script, "info", str(tmp_path / "mine.facegen"), *more],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        for more in ((), ("--json",))
    ]
    assert [done.returncode for done in said] == [0, 0], said[0].stderr
    for words in ("mouth_open, happy", "CC0", "random numbers", "2026-11-21", "1.25", "0.88"):
        assert words in said[0].stdout
    told = json.loads(said[1].stdout)
    assert told["error_mm"]["model"] == errors["model_mm"]
    assert told["vertices"] == len(bundle.template.vertices)


@pytest.mark.skipif(os.name != "posix", reason="a shell with pipes")
def test_a_reader_who_stops_early_is_no_error() -> None:
    command = f"{sys.executable} -m blender_addon.cli info | true"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == ""


def test_info_without_a_name_is_of_the_shipped_model(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["info"]) == 0
    assert "default.facegen" in capfd.readouterr().out


def test_info_refuses_what_is_no_sound_bundle(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    save_bundle(random_bundle(), tmp_path / "good.facegen")
    content = (tmp_path / "good.facegen").read_bytes()
    (tmp_path / "half.facegen").write_bytes(content[: len(content) // 2])
    bundle = random_bundle()
    with np.load(tmp_path / "good.facegen") as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["weights/jaw.bias"] = np.full_like(bundle.weights["jaw.bias"], np.nan)
    np.savez((tmp_path / "nan.facegen").open("wb"), **arrays)
    (tmp_path / "text.facegen").write_text("a model, really")
    for name, words in (
        ("half.facegen", "truncated"),
        ("nan.facegen", "not finite"),
        ("text.facegen", "not a model bundle"),
        ("none.facegen", "does not exist"),
        (".", "does not exist"),
    ):
        assert words in refusal(capfd, "info", tmp_path / name)


def test_the_demo_plays_what_another_model_has(tmp_path: Path) -> None:
    assert cli._demo_expressions(None) == list(cli.DEMO_EXPRESSIONS)
    path = tmp_path / "mine.facegen"
    for names, played in (
        (("grin", "frown", "wink"), ["grin@1,12,30,45=1.0", "frown@50,56,70,85=1.0"]),
        (("grin",), ["grin@1,12,30,45=1.0"]),
        (("surprise", "happy", "wink"), list(cli.DEMO_EXPRESSIONS)),
    ):
        save_bundle(random_bundle(ModelConfig(num_blendshapes=8, expressions=names)), path)
        assert cli._demo_expressions(path) == played


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
        ({"output": "clip.abc"}, "Cannot write"),
        ({"output": "nowhere/clip.fbx"}, "no folder"),
        ({"extra": ("--fps", "0")}, "above 0"),
        ({"extra": ("--tolerance", "-1")}, "above 0"),
        ({"extra": ("--picture", "sheet.jpg")}, "PNG"),
        ({"extra": ("--report", "clip.fbx")}, "share one name"),
        ({"extra": ("--bundle", "nowhere.facegen")}, "nowhere.facegen"),
        ({"extra": ("--landmarks", "nowhere.json")}, "nowhere.json"),
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


@pytest.mark.skipif(not BUNDLE.is_file(), reason="the default bundle is missing")
def test_the_sample_head_is_written_as_obj_in_metres(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "head.obj"
    assert cli.main(["head", "-o", str(path)]) == 0
    assert capfd.readouterr().out.strip() == str(path)
    lines = path.read_text().splitlines()
    vertices = np.array([line.split()[1:4] for line in lines if line.startswith("v ")], float)
    height = np.ptp(vertices, axis=0)[1]
    assert 0.2 < height < 0.5  # metres, Y up
    assert files_in(tmp_path) == {"head.obj"}


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
