"""Run the command as a stranger does, and read the clips it wrote with Blender's importers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blender_addon import cli

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = ROOT / "blender_addon" / "assets" / "default.facegen"
FRAMES_PER_SECOND = 30


@dataclass(frozen=True, eq=False)
class Run:
    """One run of the command: exit code, what it said, and what it cost.

    cpu_seconds: of the process; unlike the wall clock it does not depend on what else runs.
    """

    code: int
    out: str
    err: str
    cpu_seconds: float
    folder: Path

    @cached_property
    def report(self) -> dict[str, Any]:
        return json.loads((self.folder / "report.json").read_text())


def facegen(folder: Path, *arguments: object) -> Run:
    """Run the command in a process of its own, in `folder`, from this checkout."""
    if not BUNDLE.is_file():
        pytest.skip("blender_addon/assets/default.facegen is missing")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-m", "blender_addon.cli", *map(str, arguments)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )
    after = os.times()
    cpu = (
        after.children_user - before.children_user + after.children_system - before.children_system
    )
    return Run(done.returncode, done.stdout, done.stderr, cpu, folder)


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


def positions_in_fbx(path: Path, frames: list[int]) -> np.ndarray:
    """(N, M, 3) world positions of the one mesh of an FBX at N frames, by Blender's importer."""
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = FRAMES_PER_SECOND
    bpy.ops.import_scene.fbx(filepath=str(path), anim_offset=0.0)
    (obj,) = (obj for obj in scene.objects if obj.type == "MESH")
    positions = []
    for frame in frames:
        scene.frame_set(frame)
        evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
        local = np.empty(3 * len(evaluated.data.vertices), np.float32)
        evaluated.data.vertices.foreach_get("co", local)
        matrix = np.array(evaluated.matrix_world)
        positions.append(local.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3])
    return np.stack(positions)


def displacements_mm(run: Run, path: Path, frames: list[int], rest_frame: int) -> np.ndarray:
    """(N, M, 3) displacements of a clip from its rest frame, mm on a head of real size."""
    positions = positions_in_fbx(path, [rest_frame, *frames])
    return (positions[1:] - positions[0]) * run.report["registration"]["mm_per_unit"]
