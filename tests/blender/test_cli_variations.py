"""The second generator by command: one variation as a clip, nine as sheets to choose by."""

from __future__ import annotations

import importlib
import struct
from pathlib import Path

import numpy as np
import pytest

from facegen_core.bundle import load_bundle, save_bundle
from facegen_core.models.config import ModelConfig
from facegen_core.preview import PICTURES_PER_SECOND
from tests.blender.command import BUNDLE, Run, facegen, files_in, refusal
from tests.blender.heads import cube, write_obj
from tests.blender.in_blender.toy_variations import with_variations
from tests.core.model_fixtures import random_bundle

bpy = pytest.importorskip("bpy", reason="the command needs the bpy wheel")

SMILE = ("-e", "happy@1,9,15,24=1.0")


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of both generators: the shipped one where it is, else one with a toy beside it."""
    if not BUNDLE.is_file():
        pytest.skip("blender_addon/assets/default.facegen is missing")
    shipped = load_bundle(BUNDLE)
    if shipped.landmark_model is not None:
        return BUNDLE
    path = tmp_path_factory.mktemp("model") / "varied.facegen"
    save_bundle(with_variations(shipped, _core), path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("variations")
    assert facegen(folder, "head", "-o", "head.obj").code == 0
    return folder


@pytest.fixture(scope="module")
def drawn(folder: Path, varied: Path) -> Run:
    return facegen(
        folder, "variations", "head.obj", *SMILE, "--out", "sheet.png", "--variation", 20,
        "--bundle", varied,
    )  # fmt: skip


def _core(name: str) -> object:
    return importlib.import_module(f"facegen_core.{name}")


def test_nine_variations_are_a_sheet_and_a_film(drawn: Run) -> None:
    assert drawn.code == 0, drawn.err
    sheet = (drawn.folder / "sheet.png").read_bytes()
    width, height = struct.unpack(">II", sheet[16:24])
    assert width == height > 600
    assert "Seeds 20 to 28" in drawn.out
    assert {"sheet.png", "sheet.mp4"} <= set(drawn.out.split())
    clip = bpy.data.movieclips.load(str(drawn.folder / "sheet.mp4"))
    assert tuple(clip.size) == (width, height)
    assert clip.fps == pytest.approx(PICTURES_PER_SECOND)
    assert 8 < clip.frame_duration < 16


def test_the_nine_on_the_sheet_differ(drawn: Run) -> None:
    image = bpy.data.images.load(str(drawn.folder / "sheet.png"))
    pixels = np.array(image.pixels[:]).reshape(image.size[1], image.size[0], 4)[..., :3]
    third = image.size[0] // 3
    tiles = [
        pixels[row * third : (row + 1) * third, column * third : (column + 1) * third]
        for row in range(3)
        for column in range(3)
    ]
    mouths = [tile[60 : third - 60, 60 : third - 60] for tile in tiles]
    for i in range(9):
        for j in range(i):
            assert np.abs(mouths[i] - mouths[j]).max() > 0.1, (i, j)


def test_one_variation_becomes_a_clip_that_says_which_it_is(folder: Path, varied: Path) -> None:
    done = facegen(
        folder, "generate", "head.obj", *SMILE, "--generator", "lm4dgan", "--variation", 7,
        "--amount", 0.5, "--bundle", varied, "-o", "varied.fbx", "--report", "report.json",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "Varied, seed 7, amount 0.5" in done.out
    words = "Varied, seed 7, amount 0.5"
    expected = {"id": "lm4dgan", "words": words, "seed": 7, "amount": 0.5}
    assert done.report["generator"] == expected
    assert done.report["last_frame_mm"] == 0.0
    assert done.report["bake"]["max_error_mm"] <= 0.1
    assert done.report["roundtrip"]["max_error_mm"] < 0.01


@pytest.fixture
def cube_file(tmp_path: Path) -> Path:
    return write_obj(tmp_path / "cube.obj", *cube())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--variation", -1), "expected 0, 1, 2"),
        (("--amount", 1.6), "expected 0 to 1.5"),
        (("--amount", "nan"), "expected 0 to 1.5"),
        (("--generator", "lstm", "--variation", 3), "has one motion"),
    ],
)
def test_a_variation_that_is_none_is_refused_before_any_work(
    options: tuple, words: str, cube_file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output = cube_file.parent / "a.fbx"
    assert words in refusal(capfd, "generate", cube_file, *SMILE, "-o", output, *options)
    assert files_in(cube_file.parent) == {"cube.obj"}


def test_a_model_without_variations_is_named(
    cube_file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    plain, sheet = cube_file.parent / "plain.facegen", cube_file.parent / "sheet.png"
    save_bundle(random_bundle(ModelConfig(num_blendshapes=8)), plain)
    for command in (
        ("generate", cube_file, *SMILE, "--variation", 3, "-o", cube_file.parent / "a.fbx"),
        ("variations", cube_file, *SMILE, "--out", sheet),
    ):
        sentence = refusal(capfd, *command, "--bundle", plain)
        assert "plain.facegen has no variations" in sentence
    assert files_in(cube_file.parent) == {"cube.obj", "plain.facegen"}


def test_a_sheet_needs_an_expression_and_a_png(
    cube_file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = cube_file.parent / "sheet.png"
    assert "-e happy" in refusal(capfd, "variations", cube_file, "--out", out)
    resting = ("-e", "happy@1,9,15,24=0", "-e", "sad~fear@1,9,15,24=0")
    assert "at zero" in refusal(capfd, "variations", cube_file, *resting, "--out", out)
    jpeg = out.with_suffix(".jpg")
    assert "'sheet.jpg' .png" in refusal(capfd, "variations", cube_file, *SMILE, "--out", jpeg)


def test_a_clip_too_short_to_vary_is_refused_and_nothing_written(
    folder: Path, varied: Path
) -> None:
    before = files_in(folder)
    done = facegen(
        folder, "generate", "head.obj", "-e", "happy@1,2,3,5", "--variation", 1, "--bundle",
        varied, "-o", "short.fbx",
    )  # fmt: skip
    assert done.code == 2
    assert "needs a clip of 0.3" in done.err.strip().splitlines()[-1]
    assert files_in(folder) == before
