"""The command tells what a match found, and goes by what the artist says of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from blender_addon import cli
from tests.blender.command import Run, facegen, refusal
from tests.blender.heads import cube, write_obj
from tests.shared_heads import read_obj

pytest.importorskip("bpy", reason="the command needs the bpy wheel")

SURPRISE = ("-e", "surprise@1,6,8,12=1.0", "--fps", "30")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The sample head, matched; nothing is moved."""
    folder = tmp_path_factory.mktemp("found")
    assert facegen(folder, "head", "-o", "head.obj").code == 0
    run = facegen(
        folder, "generate", "head.obj",
        "--landmarks-out", "landmarks.json", "--parts-out", "parts.json", "--residual", "fit.ply",
    )  # fmt: skip
    assert run.code == 0, run.err[-3000:]
    return run


def read(run: Run, name: str) -> dict:
    return json.loads((run.folder / name).read_text())


def test_landmarks_come_with_confidences_and_lie_on_the_head(found: Run) -> None:
    content = read(found, "landmarks.json")
    places = np.array([content["landmarks"][str(k)] for k in range(68)])
    confidences = np.array([content["confidences"][str(k)] for k in range(68)])
    assert ((confidences >= 0) & (confidences <= 1)).all()
    vertices, _, _ = read_obj((found.folder / "head.obj").read_text())
    nearest = np.linalg.norm(vertices[None] - places[:, None], axis=2).min(axis=1)
    size = np.ptp(vertices, axis=0).max()
    assert nearest.max() < 0.02 * size
    assert places[45, 0] > places[36, 0], "the subject's left is on +X"


def test_the_residual_is_a_coloured_mesh_of_the_same_vertices(found: Run) -> None:
    content = (found.folder / "fit.ply").read_bytes()
    header, _, body = content.partition(b"end_header\n")
    count = int(header.split(b"element vertex ")[1].split()[0])
    faces = int(header.split(b"element face ")[1].split()[0])
    assert len(body) == count * (12 + 3 + 4) + faces * 13
    row = np.dtype([("position", "<f4", 3), ("colour", "u1", 3), ("mm", "<f4")])
    vertices = np.frombuffer(body, row, count)
    on_skin = vertices["mm"] >= 0
    assert on_skin.sum() > 1000
    assert (~on_skin).sum() > 1000, "eyes and teeth have none"
    assert np.median(vertices["mm"][on_skin]) < 1.0


def test_a_corrected_part_and_landmarks_from_files_are_gone_by(found: Run) -> None:
    parts = read(found, "parts.json")
    lower = [row for row in parts["parts"] if row["kind"] == "lower_teeth"]
    assert lower
    assert all(row["motion"] == "jaw" for row in lower)
    for row in lower:
        row["kind"] = "helper"
    (found.folder / "mine.json").write_text(json.dumps({"version": 1, "parts": lower}))
    run = facegen(
        found.folder, "generate", "head.obj", *SURPRISE, "--parts", "mine.json",
        "--landmarks", "landmarks.json", "--no-contact", "--report", "report.json",
    )  # fmt: skip
    assert run.code == 0, run.err[-3000:]
    told = {part["key"]: part for part in run.report["parts"]}
    for row in lower:
        assert told[row["vertex"]]["kind"] == "helper"
        assert told[row["vertex"]]["motion"] == "still"
    assert run.report["contact"] is None
    assert run.report["registration"]["verdict"] == "good"


@pytest.fixture
def head(tmp_path: Path) -> Path:
    return write_obj(tmp_path / "cube.obj", *cube())


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("no json", "not JSON"),
        ('{"version": 9}', "version"),
        ('{"version": 1, "parts": [{"kind": "hair"}]}', "vertex"),
        ('{"version": 1, "parts": [{"vertex": 0, "kind": "wheel"}]}', "'wheel' is no kind"),
        ('{"version": 1, "parts": [{"object": "X", "vertex": 0, "kind": "hair"}]}', "object 'X'"),
        ('{"version": 1, "parts": 5}', "list of parts"),
        ('{"version": 1, "parts": [{"vertex": 99, "kind": "hair"}]}', "no vertex 99"),
        ('{"version": 1, "parts": [{"vertex": -1, "kind": "hair"}]}', "no vertex -1"),
    ],
)
def test_a_wrong_parts_file_is_one_sentence(
    content: str, word: str, head: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    parts = head.with_name("parts.json")
    parts.write_text(content)
    out = head.with_name("out.json")
    sentence = refusal(capfd, "generate", head, "--parts", parts, "--parts-out", out)
    assert word in sentence
    assert not out.exists()


def test_a_correction_of_no_part_says_where_it_points(found: Run) -> None:
    (found.folder / "wrong.json").write_text(
        json.dumps({"version": 1, "parts": [{"vertex": 7, "kind": "hair"}]})
    )
    run = facegen(
        found.folder, "generate", "head.obj", "--parts", "wrong.json", "--parts-out", "never.json"
    )
    assert run.code == cli.EXIT_REFUSED
    assert "no part of 'head' begins at vertex 7" in run.err.replace("\n", " ")
    assert not (found.folder / "never.json").exists()


def test_a_residual_of_another_name_and_a_mask_that_is_not_there(
    found: Run, head: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ".ply" in refusal(capfd, "generate", head, "--residual", head.with_name("fit.obj"))
    run = facegen(
        found.folder, "generate", "head.obj", *SURPRISE, "--mask", "Nobody", "-o", "never.fbx"
    )
    assert run.code == cli.EXIT_REFUSED
    assert "no vertex group 'Nobody'" in run.err
    assert not (found.folder / "never.fbx").exists()
