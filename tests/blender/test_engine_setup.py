"""The environment of the GPU engine: whole or not at all, with a folder of wheels as the source."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from blender_addon.engine_setup import environment, recipes
from blender_addon.engine_setup.recipes import Recipe, Step
from facegen_core.errors import CancelledError, FacegenError
from tests.blender.tiny_wheel import write_tiny_wheel

PYTHON = Path(sys.executable)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    return write_tiny_wheel(tmp_path / "wheels with späces").parent


def recipe(wheels: Path, name: str = "tinytorch", disk_mb: int = 30) -> Recipe:
    source = ("--no-index", "--find-links", str(wheels))
    return Recipe((Step((name,), source),), download_mb=1, disk_mb=disk_mb)


def cancel_when(words: str) -> Callable[[float, str], None]:
    def progress(fraction: float, message: str) -> None:
        if words in message:
            raise CancelledError

    return progress


def test_the_environment_is_made_runs_and_is_removed(tmp_path: Path, wheels: Path) -> None:
    folder, heard = tmp_path / "user" / "gpu engine", []
    python = environment.install(folder, PYTHON, recipe(wheels), lambda f, m: heard.append((f, m)))
    assert environment.is_complete(folder)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert not (folder / "tmp").exists()
    said = subprocess.run(
        [python, "-c", "import sys, tinytorch; print(sys.prefix, tinytorch.__version__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == [*str(folder).split(), "1.0"]
    fractions = [fraction for fraction, _ in heard]
    assert fractions == sorted(fractions)
    assert any("of about 31 MB" in message for _, message in heard)
    environment.remove(folder)
    assert list(folder.parent.iterdir()) == []
    assert not environment.is_anything_there(folder)
    environment.remove(folder)  # nothing there: nothing to do


@pytest.mark.parametrize("when", ["Making", "Installing"])
def test_a_cancel_leaves_nothing(tmp_path: Path, wheels: Path, when: str) -> None:
    folder = tmp_path / "user" / "engine"
    with pytest.raises(CancelledError):
        environment.install(folder, PYTHON, recipe(wheels), cancel_when(when))
    assert list(folder.parent.iterdir()) == []


def test_what_a_crash_left_is_removed_too(tmp_path: Path) -> None:
    """Also where there is no whole environment: the button is there, and 5 GB may be."""
    for end in (".unfinished", ".removed"):
        (tmp_path / f"engine{end}").mkdir()
        (tmp_path / f"engine{end}" / "half").write_text("of a crash")
    assert environment.is_anything_there(tmp_path / "engine")
    environment.remove(tmp_path / "engine")
    assert list(tmp_path.iterdir()) == []


def test_an_attempt_after_a_cancel_waits_until_the_first_is_taken_away(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the first would take the folder of the second away."""
    folder, is_ending, taken = tmp_path / "engine", threading.Event(), environment._take_away

    def slowly(path: Path) -> None:
        if path.exists() and threading.current_thread() is first:
            is_ending.set()
            time.sleep(1.0)
        taken(path)

    def cancelled() -> None:
        with pytest.raises(CancelledError):
            environment.install(folder, PYTHON, recipe(wheels), cancel_when("Making"))

    monkeypatch.setattr(environment, "_take_away", slowly)
    first = threading.Thread(target=cancelled)
    first.start()
    assert is_ending.wait(60)
    python = environment.install(folder, PYTHON, recipe(wheels))
    first.join()
    assert python.exists()
    assert [path.name for path in tmp_path.iterdir() if "engine" in path.name] == ["engine"]


def test_what_fails_says_what_to_do_and_keeps_the_environment_that_was_there(
    tmp_path: Path, wheels: Path
) -> None:
    folder = tmp_path / "engine"
    environment.python_of(folder).parent.mkdir(parents=True)
    environment.python_of(folder).write_text("the old one")
    (folder / "facegen-engine.json").write_text("{}")
    left = tmp_path / "engine.unfinished"
    left.mkdir()
    (left / "of a crash").write_text("half")
    with pytest.raises(FacegenError, match=r"could not install nosuchtorch .*set up again"):
        environment.install(folder, PYTHON, recipe(wheels, "nosuchtorch"))
    with pytest.raises(FacegenError, match="choose another Base Python"):
        environment.install(folder, tmp_path / "no python", recipe(wheels))
    with pytest.raises(FacegenError, match="make room"):
        environment.install(folder, PYTHON, recipe(wheels, disk_mb=10**9))
    assert environment.python_of(folder).read_text() == "the old one"
    assert not left.exists()


@pytest.mark.parametrize("system", ["linux", "win32", "darwin"])
@pytest.mark.parametrize("machine", ["x86_64", "arm64"])
def test_every_platform_has_builds_with_a_stated_size(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str
) -> None:
    monkeypatch.setattr(recipes.sys, "platform", system)
    monkeypatch.setattr(recipes.platform, "machine", lambda: machine)
    found = recipes.builds()
    assert ("mps" in found) == (system == "darwin" and machine == "arm64")
    assert ("cuda" in found) == (system != "darwin")
    for build in found:
        made = recipes.recipe_of(build)
        assert made.steps[0].packages == ("torch>=2.2",)
        is_intel_mac = system == "darwin" and machine == "x86_64"
        assert ("numpy>=1.26,<2" in made.steps[1].packages) == is_intel_mac
        assert all(re.fullmatch(r"\d+(\.\d)? [GM]B", size) for size in made.sizes)
        sources = [a for step in made.steps for a in step.arguments]
        assert any(a.endswith("/cu128") for a in sources) == (build == "cuda")
        mirrored = recipes.recipe_of(build, "https://mirror.example/simple")
        assert {step.arguments[-1] for step in mirrored.steps} == {"https://mirror.example/simple"}
