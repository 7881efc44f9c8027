"""The chapter `platforms` on little: what the other tests do not ask already."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import build_addon
from build_addon import BuildError, rules, wheels
from tests.robustness import platforms
from tests.robustness.odd_names import ODD_NAMES


def test_odd_names_are_different_names_a_disk_takes() -> None:
    assert len(set(ODD_NAMES.values())) == len(ODD_NAMES) >= 40
    assert all(len(name.encode()) <= 200 for name in ODD_NAMES.values())
    assert sum(not name.isascii() for name in ODD_NAMES.values()) >= 12
    assert any(rules.RESERVED_ON_WINDOWS.fullmatch(name) for name in ODD_NAMES.values())


def test_every_wheel_has_its_hash() -> None:
    for platform in wheels.PLATFORMS:
        packages = sorted(tuple(name.split("-")[:3:2]) for name in wheels.names_for(platform))
        scipy = [("scipy", f"cp{python}") for python in wheels.PYTHONS]
        assert packages == [*scipy, ("threadpoolctl", "py3")]
    digests = list(wheels.PUBLISHED.values())
    assert all(len(digest) == 64 for digest in digests)
    assert len(set(digests)) == len(digests)


def test_the_files_of_a_wheel_are_held_to_its_record(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And a wheel with two bytes changed does not come that far."""
    name = wheels.names_for("linux-x64")[1]
    try:
        original = wheels.fetch(name, build_addon.WHEEL_CACHE)
    except BuildError as error:
        pytest.skip(str(error))
    monkeypatch.setattr(wheels, "PUBLISHED", {name: wheels.PUBLISHED[name]})
    line = platforms._wheels()
    assert line.reached
    changed = tmp_path / original.name
    shutil.copy(original, changed)
    content = changed.read_bytes()
    place = content.index(b"# " if b"# " in content else b"PK", len(content) // 2)
    changed.write_bytes(content[:place] + b"\0\0" + content[place + 2 :])
    with pytest.raises(BuildError, match="not the wheel that was published"):
        wheels.fetch(name, tmp_path)


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("bpy", reason="the command needs the bpy wheel")
    cases = list(platforms._read_only(tmp_path))
    assert len(cases) == 3
    assert all(case.ok for case in cases), cases
    assert all(case.sentence.startswith("facegen: Cannot write") for case in cases)
