"""Eyes on the command line: blinks and gaze are played and reported, and what is wrong refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.blender.command import facegen, refusal

pytest.importorskip("bpy", reason="the command needs the bpy wheel")

HAPPY = "happy@1,30,60,90=1.0"


def test_blinks_gaze_and_a_mouth_left_to_speech_are_reported(tmp_path: Path) -> None:
    assert facegen(tmp_path, "head", "-o", "head.obj").code == 0
    asked = ("--blinks", "40", "--gaze", "0.8", "--eye-seed", "3", "--leave-mouth")
    run = facegen(tmp_path, "generate", "head.obj", "-e", HAPPY, *asked, "--report", "report.json")
    assert run.code == 0, run.err
    layers = run.report["layers"]
    assert layers["leaves_mouth"] is True
    assert layers["eyes"]["blinks"] >= 1
    assert max(layers["eyes"]["largest_gaze_degrees"]) > 0.5
    assert run.report["contact"]["after"]["lid_penetration_mm"] < 0.2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--blinks", "99"), "Blinks per minute"),
        (("--gaze", "-1"), "amount of gaze"),
        (("--eye-seed", "-2"), "seed of the eyes"),
    ],
)
def test_numbers_out_of_range_are_refused_in_one_sentence(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    words: str,
) -> None:
    head = tmp_path / "head.obj"
    head.write_text("v 0 0 0\n")
    asked = ("generate", head, "-e", HAPPY, *options, "-o", tmp_path / "clip.fbx")
    assert words in refusal(capfd, *asked)
