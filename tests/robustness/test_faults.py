"""A few kills and full disks of every kind; `python -m tests.robustness faults` has the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="trainings are killed too")

from tests.robustness import faults
from tests.robustness.faults import blender, commands, disk

SOME = ("writing a landmark file", "writing a bundle", "training the expression model")


def test_kills_and_full_disks_leave_nothing_half_and_everything_goes_on() -> None:
    try:
        chapter = faults.run(0.05, 0, SOME, has_blender=False)
    except disk.NoCompilerError as reason:
        pytest.skip(str(reason))
    assert len(chapter.lines) == 2 * len(SOME)
    assert not chapter.missed, [case.sentence for case in chapter.cases if not case.ok]
    assert any("make room there" in case.sentence for case in chapter.cases)


def test_a_blender_killed_at_work_leaves_files_that_open(tmp_path: Path) -> None:
    pytest.importorskip("bpy", reason="Blender is killed")
    found = blender.BlenderFindings()
    blender.kill(found, tmp_path, 2, 0)
    assert not found.faults
    assert found.num_files > 5


def test_a_command_killed_while_it_writes_leaves_old_files_or_new_ones(tmp_path: Path) -> None:
    pytest.importorskip("bpy", reason="the command needs the bpy wheel")
    found = commands.CommandFindings()
    try:
        environment = disk.environment(tmp_path)
    except disk.NoCompilerError as reason:
        pytest.skip(str(reason))
    commands.kill(found, tmp_path / "commands", environment, 1, 0, commands.COMMANDS[:1])
    assert not found.faults
    assert found.kills == {"facegen generate": (0, 1)}
