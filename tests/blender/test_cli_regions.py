"""Regions on the command line: what is asked for is played, exported and reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.blender.command import facegen

pytest.importorskip("bpy", reason="the command needs the bpy wheel")

HAPPY = "happy@1,8,14,20=1.0"
REGIONS = (
    "--region",
    "brows=0",
    "--shift",
    "mouth=4",
    "--asymmetry",
    "0.5",
    "--extremeness",
    "1.2",
)


def test_regions_are_played_and_reported(tmp_path: Path) -> None:
    assert facegen(tmp_path, "head", "-o", "head.obj").code == 0
    run = facegen(
        tmp_path, "generate", "head.obj", "-e", HAPPY, *REGIONS, "--report", "report.json"
    )
    assert run.code == 0, run.err
    layers = run.report["layers"]
    assert layers["regions"]["brows"] == {"min": 0.0, "max": 0.0}
    assert layers["regions"]["eyes"] == {"min": 1.0, "max": 1.0}
    assert layers["shifts_seconds"]["mouth"] == pytest.approx(4 / 30, abs=1e-3)
    assert layers["asymmetry"] == {"min": 0.5, "max": 0.5}
    assert layers["extremeness"] == {"min": 1.2, "max": 1.2}
    assert run.report["frames"] == 24, "the mouth comes to rest 4 frames after the curve"
    assert run.report["last_frame_mm"] < 0.05
