"""A newcomer gets a first smile from any head in ten clicks and a minute of waiting."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.blender.blenders import SCRIPTS, blenders, run_in_blender
from tests.blender.heads import ict_identity, makehuman_body, write_obj

BLENDERS = {blender.version[:3]: blender for blender in blenders()}


@pytest.mark.skipif(sys.platform != "linux", reason="the zip under test is the Linux one")
@pytest.mark.skipif("4.5" not in BLENDERS, reason="no Blender 4.5: run 'make setup-test'")
def test_a_smile_on_the_sample_a_makehuman_body_and_a_scanned_identity(
    built_zip: Path, tmp_path: Path
) -> None:
    (tmp_path / "heads").mkdir()
    vertices, polygons, _ = makehuman_body()
    write_obj(tmp_path / "heads" / "makehuman.obj", vertices, polygons)
    write_obj(tmp_path / "heads" / "ict.obj", *ict_identity())
    done = run_in_blender(BLENDERS["4.5"], SCRIPTS / "newcomer.py", built_zip, tmp_path)
    sys.stdout.write(done.stdout)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
    assert done.stdout.count("s of waiting") == 3, done.stdout
