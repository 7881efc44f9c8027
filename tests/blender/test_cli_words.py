"""What the command tells by itself: version, help, models, and the sample head it comes with."""

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
from facegen_core.models.config import ModelConfig
from tests.blender.command import BUNDLE, ROOT, files_in, refusal
from tests.core.model_fixtures import random_bundle
from tests.shared_heads import read_obj

pytest.importorskip("bpy", reason="the command needs the bpy wheel")


def test_version_is_that_of_the_core(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capfd.readouterr().out.strip() == f"facegen {facegen_core.__version__}"


def test_help_names_every_expression_and_file_format(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["generate", "--help"])
    text = capfd.readouterr().out
    for word in (
        "happy",
        "surprise",
        "fear",
        ".obj",
        ".fbx",
        ".glb",
        ".blend",
        "--landmarks",
        "swift",
    ):
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


@pytest.mark.skipif(not BUNDLE.is_file(), reason="the default bundle is missing")
def test_the_sample_head_is_written_as_obj_in_metres(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "head.obj"
    assert cli.main(["head", "-o", str(path)]) == 0
    assert capfd.readouterr().out.strip() == str(path)
    vertices, _, _ = read_obj(path.read_text())
    height = np.ptp(vertices, axis=0)[1]
    assert 0.2 < height < 0.5  # metres, Y up
    assert files_in(tmp_path) == {"head.obj"}
