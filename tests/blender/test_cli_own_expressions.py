"""The command with a model that has expressions of its own: keyed, generated, written, reported."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from facegen_core.bundle import Bundle, load_bundle, save_bundle
from tests.blender.command import BUNDLE, Run, facegen

bpy = pytest.importorskip("bpy", reason="the command needs the bpy wheel")

# Each plays what the shipped model plays under another name.
PLAYS = {"mouth_open": "surprise", "happy": "happy", "lips_down": "sad"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("own")
    if BUNDLE.is_file():
        shipped = load_bundle(BUNDLE)
        columns = [shipped.config.expressions.index(name) for name in PLAYS.values()]
        weights = dict(shipped.weights)
        for key in [key for key in weights if ".weight_ih_" in key]:  # of both directions
            weights[key] = weights[key][:, columns]
        config = dataclasses.replace(shipped.config, expressions=tuple(PLAYS))
        save_bundle(
            Bundle(shipped.template, weights, config, shipped.header), folder / "own.facegen"
        )
    head = facegen(folder, "head", "-o", "head.obj")
    assert head.code == 0, head.err
    events = ("-e", "happy~mouth_open:0.25@1,6,9,15=0.8", "-e", "lips_down@15,20,22,28")
    clip = facegen(
        folder,
        *("generate", "head.obj", *events, "--bundle", "own.facegen"),
        *("-o", "clip.blend", "--report", "report.json"),
    )
    assert clip.code == 0, clip.err[-3000:]
    return clip


def test_the_report_is_in_the_models_own_words(run: Run) -> None:
    apexes = run.report["displacement_mm"]
    assert list(apexes) == ["mouth_open", "happy", "lips_down"]
    assert [apexes[name]["intensity"] for name in apexes] == [0.2, 0.6, 1.0]
    assert [apexes[name]["frame"] for name in apexes] == [8, 8, 21]
    assert run.report["mouth_corner_motion_mm"]["lips_down"]["up"] < -1.0
    assert run.report["last_frame_mm"] <= 0.05
    assert "lips_down: apex at frame 21" in run.out


def test_the_blend_file_keeps_the_curves_under_their_names(run: Run) -> None:
    bpy.ops.wm.open_mainfile(filepath=str(Path(run.folder, "clip.blend")), load_ui=False)
    from blender_addon.scene import actions

    (head,) = (obj for obj in bpy.context.scene.objects if obj.type == "MESH")
    found = {c.data_path: c.group.name if c.group else "" for c in actions.fcurves_of(head)}
    assert found == {
        "facegen.happy": "",
        "facegen.own_01": "Mouth open",
        "facegen.own_02": "Lips down",
    }
