"""The built zip, installed in every Blender at hand, does what it promises."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.blender.blenders import SCRIPTS, Blender, blenders, run_in_blender

BLENDERS = blenders()
# Scripts that the others import, and one that a test of its own gives heads to.
NO_STORIES = ("harness", "drawn", "models", "moves", "newcomer", "sample", "toy_variations")
STORIES = sorted(path.stem for path in SCRIPTS.glob("*.py") if path.stem not in NO_STORIES)
# Stories about the system more than about Blender are told in one of those in `make test`.
ONCE = {"odd_paths": "4.5"}
TOLD = [(b, s) for b in BLENDERS for s in STORIES if b.version.startswith(ONCE.get(s, ""))]

needs_blender = pytest.mark.skipif(
    not BLENDERS, reason="no Blender: set FACEGEN_BPY_VENVS or run 'make setup-test'"
)


@needs_blender
@pytest.mark.skipif(sys.platform != "linux", reason="the zip under test is the Linux one")
@pytest.mark.parametrize(
    ("blender", "story"),
    TOLD,
    ids=lambda value: f"bpy {value.version}" if isinstance(value, Blender) else value,
)
def test_the_installed_zip_tells_its_story(
    blender: Blender, story: str, built_zip: Path, tmp_path: Path
) -> None:
    done = run_in_blender(blender, SCRIPTS / f"{story}.py", built_zip, tmp_path)
    sys.stdout.write(done.stdout)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]


@needs_blender
def test_a_failing_test_in_blender_fails_the_process(built_zip: Path, tmp_path: Path) -> None:
    script = tmp_path / "fails.py"
    script.write_text(
        "import harness\ndef test_fails() -> None:\n    assert False\nharness.run(globals())\n"
    )
    done = run_in_blender(BLENDERS[0], script, built_zip, tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAIL test_fails" in done.stdout
