"""One process at a time holds a file, whatever ends it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from facegen_core.errors import FacegenError, WriteError
from facegen_core.held import alone

ROOT = Path(__file__).resolve().parents[2]

IN_USE = "In use."
HOLDER = (
    "import sys\nfrom pathlib import Path\nfrom facegen_core.held import alone\n"
    "with alone(Path(sys.argv[1]), 'In use.'):\n print('held', flush=True)\n sys.stdin.read()\n"
)


def holder(path: Path) -> subprocess.Popen[str]:
    """A process that holds `path` until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_held_off_while_the_first_lives(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first = holder(path)
    with pytest.raises(FacegenError, match=IN_USE), alone(path, IN_USE):
        pass
    assert path.exists()
    first.communicate("")
    assert first.returncode == 0
    assert not list(tmp_path.iterdir())
    with alone(path, IN_USE):
        assert path.exists()
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_held_is_taken_over_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first = holder(path)
    first.kill()
    first.communicate()
    assert path.exists()
    with alone(path, IN_USE):
        second = subprocess.run(
            [sys.executable, "-c", HOLDER, str(path)], cwd=ROOT, capture_output=True, text=True
        )
        assert IN_USE in second.stderr
    assert not list(tmp_path.iterdir())


def test_it_is_let_go_where_the_work_fails(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), alone(tmp_path / "lock", IN_USE):
        raise ValueError("no")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(WriteError, match="make the folder"),
        alone(tmp_path / "no" / "lock", IN_USE),
    ):
        pass


@pytest.mark.skipif(not hasattr(os, "lockf"), reason="locks of this kind are Unix's")
def test_a_drive_that_knows_no_locks_holds_nobody_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(os, "lockf", refuse)
    with alone(tmp_path / "lock", IN_USE):
        pass
    assert not list(tmp_path.iterdir())
