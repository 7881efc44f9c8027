"""`facegen replay`: a clip made again in another process, array for array what was recorded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.blender.command import Run, facegen, files_in, refusal
from tests.blender.heads import cube, write_obj

bpy = pytest.importorskip("bpy", reason="the command needs the bpy wheel")

PLAYED = (
    "-e", "happy@1,8,12,20=0.9", "-e", "surprise@14,20,22,28=0.6", "--fps", "25",
    "--variation", "7", "--shift", "brows=2", "--region", "mouth=1.2", "--clip-name", "smile",
)  # fmt: skip


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("replay")
    assert facegen(folder, "head", "-o", "head.obj").code == 0
    done = facegen(
        folder, "generate", "head.obj", *PLAYED, "-o", "first.blend", "--record", "smile.json"
    )
    assert done.code == 0, done.err[-3000:]
    return done


@pytest.fixture(scope="module")
def replayed(recorded: Run) -> Run:
    """From the JSON alone, in another process; the head is found by what the record says."""
    done = facegen(
        recorded.folder, "replay", "smile.json", "-o", "second.blend", "-o", "second.fbx",
        "--report", "report.json", "--record", "again.json",
    )  # fmt: skip
    assert done.code == 0, done.err[-3000:]
    return done


def arrays_in(path: Path) -> dict[str, np.ndarray]:
    """Coordinates of every shape key of a file, and the keys of every curve that moves them."""
    bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False)
    found = {}
    for obj in (o for o in bpy.context.scene.objects if o.type == "MESH" and o.data.shape_keys):
        for block in obj.data.shape_keys.key_blocks:
            coordinates = np.empty(3 * len(block.data), np.float32)
            block.data.foreach_get("co", coordinates)
            found[f"{obj.name} {block.name}"] = coordinates
        from blender_addon.scene.actions import fcurves_of

        for curve in fcurves_of(obj.data.shape_keys):
            points = np.empty(2 * len(curve.keyframe_points), np.float32)
            curve.keyframe_points.foreach_get("co", points)
            found[f"{obj.name} {curve.data_path}"] = points
    return found


def test_another_process_makes_the_same_arrays(recorded: Run, replayed: Run) -> None:
    first, second = (
        arrays_in(recorded.folder / "first.blend"),
        arrays_in(recorded.folder / "second.blend"),
    )
    assert len(first) > 6
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert replayed.report["replay"]["bit_equal"] is True
    assert "bit for bit" in replayed.out
    assert replayed.report["generator"]["seed"] == 7
    assert replayed.report["frames_per_second"] == 25
    assert replayed.report["roundtrip"]["max_error_mm"] < 0.01


def test_the_record_of_the_replay_is_the_record(recorded: Run, replayed: Run) -> None:
    first = json.loads((recorded.folder / "smile.json").read_text())
    again = json.loads((recorded.folder / "again.json").read_text())
    assert first == again
    assert first["clip"] == "smile"
    assert len(first["head"]["source_sha256"]) == 64
    assert len(first["request"]["intensities"]["values"]) == 6 * 30


def test_a_clip_of_a_blend_is_replayed_by_its_name(recorded: Run, replayed: Run) -> None:
    folder = recorded.folder
    done = facegen(folder, "replay", "first.blend", "--clip", "smile", "-o", "third.blend")
    assert done.code == 0, done.err[-3000:]
    assert "bit for bit" in done.out
    first, third = arrays_in(folder / "first.blend"), arrays_in(folder / "third.blend")
    assert first.keys() == third.keys()
    assert all(np.array_equal(first[name], third[name]) for name in first)
    refused = facegen(folder, "replay", "first.blend", "--clip", "frown", "-o", "no.fbx")
    assert refused.code == 2
    assert "no clip 'frown'; it has: 'smile'" in refused.err


def test_another_head_or_model_is_named(recorded: Run, tmp_path: Path) -> None:
    folder = recorded.folder
    before = files_in(folder)
    other = write_obj(tmp_path / "cube.obj", *cube())
    run = facegen(folder, "replay", "smile.json", "--head", other, "-o", "no.fbx")
    assert run.code == 2
    assert "not the head" in run.err and "--any-head" in run.err  # noqa: PT018
    text = (folder / "smile.json").read_text()
    record = json.loads(text)
    record["model"]["sha256"] = "0" * 64
    (tmp_path / "other.json").write_text(json.dumps(record))
    run = facegen(folder, "replay", tmp_path / "other.json", "-o", "no.fbx")
    assert run.code == 2
    assert "another model" in run.err and "--any-model" in run.err  # noqa: PT018
    record["head"]["source"] = "/nowhere/face.obj"
    (tmp_path / "other.json").write_text(json.dumps(record))
    run = facegen(folder, "replay", tmp_path / "other.json", "-o", "no.fbx")
    assert "/nowhere/face.obj, is not here" in run.err
    assert files_in(folder) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere.json", "-o", "a.fbx"), "no file"),
        (("cube.obj", "-o", "a.fbx"), "not JSON"),
        (("empty.json", "-o", "a.fbx"), "no record of a clip"),
        (("empty.json",), "Nothing to write"),
        (("empty.json", "-o", "a.xyz"), "Cannot write 'a.xyz'"),
        (("empty.json", "--clip", "smile", "-o", "a.fbx"), "--clip chooses"),
        (("empty.json", "-o", "empty.json"), "Cannot write"),
        (("empty.json", "--record", "empty.json"), "share one name"),
    ],
)
def test_what_is_no_record_is_refused(
    arguments: tuple[str, ...],
    words: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_obj(tmp_path / "cube.obj", *cube())
    (tmp_path / "empty.json").write_text("{}")
    before = files_in(tmp_path)
    assert words in refusal(capfd, "replay", *arguments)
    assert files_in(tmp_path) == before
