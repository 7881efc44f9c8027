"""What a release is held to: published wheels, the platform's rules, the same bytes anywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import build_addon
from build_addon import BuildError, rules, wheels
from tests.blender.blenders import blenders, run_in_blender
from tests.blender.test_build_addon import bundle, fake_wheels

__all__ = ["bundle", "fake_wheels"]  # fixtures

ROOT = Path(__file__).resolve().parents[2]
BUILT_FROM = ("blender_addon", "facegen_core", ".ci", "LICENSES", "LICENSE", "build_addon.py")


@pytest.mark.parametrize("platform", wheels.PLATFORMS)
@pytest.mark.parametrize("is_for_review", [False, True], ids=["download", "review"])
def test_a_zip_breaks_no_rule(
    fake_wheels: Path, bundle: Path, tmp_path: Path, platform: str, is_for_review: bool
) -> None:
    path = build_addon.build(platform, bundle, tmp_path, is_for_review)
    assert rules.broken_rules(path, is_for_review) == []
    if platform == "windows-x64":  # half a second each; the chapter `platforms` asks of all
        assert build_addon.validate(path) in ("valid", "not validated: no bpy wheel at hand")


def test_the_zip_for_the_extension_platform_can_download_nothing(
    fake_wheels: Path, bundle: Path, tmp_path: Path
) -> None:
    download, review = (build_addon.build("linux-x64", bundle, tmp_path, x) for x in (False, True))
    with zipfile.ZipFile(download) as first, zipfile.ZipFile(review) as second:
        left_out = set(first.namelist()) - set(second.namelist())
        setup = {n for n in first.namelist() if n.startswith(build_addon.ENGINE_SETUP)}
        manifests = [
            tomllib.loads(a.read("blender_manifest.toml").decode()) for a in (first, second)
        ]
    assert left_out == setup
    assert "network" not in manifests[1]["permissions"]
    assert ("network" in manifests[0]["permissions"]) == bool(setup)


def _without(name: str) -> Callable[[dict[str, bytes]], None]:
    return lambda content: content.pop(name) and None


def _with(name: str, text: str) -> Callable[[dict[str, bytes]], None]:
    return lambda content: content.update({name: text.encode()})


def _wheel_changed(content: dict[str, bytes]) -> None:
    name = next(name for name in content if name.startswith("wheels/"))
    content[name] += b"\0"


def _manifest(old: str, new: str) -> Callable[[dict[str, bytes]], None]:
    name = "blender_manifest.toml"
    return lambda c: c.update({name: c[name].replace(old.encode(), new.encode())})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_wheel_changed, "not the wheel that was published"),
        (_without(f"wheels/{wheels.names_for('linux-x64')[1]}"), "the manifest lists"),
        (_with("wheels/other-1.0-py3-none-any.whl", "x"), "the manifest lists"),
        (_manifest("linux-x64", "macos-x64"), "macos-x64 needs"),
        (_with("../evil.py", ""), "leaves the folder"),
        (_with("/evil.py", ""), "leaves the folder"),
        (_with("c:evil.py", ""), "leaves the folder"),
        (_with("presets/Aux.json", ""), "cannot be a file on Windows"),
        (_with("presets/trailing. ", ""), "cannot be a file on Windows"),
        (_with("Jobs.py", ""), "one file where case does not count"),
        (_with("grüße.txt", ""), "not a name for every file system"),
        (_with("deep/" * 30 + "x.py", ""), "not a name for every file system"),
        (_with("extra.py", "import torch\n"), "would import torch into Blender"),
        (_with("extra.py", "from facegen_core import mesh\n"), "by an absolute name"),
        (_with("extra.py", "import urllib.request\n"), "only engine_setup may download"),
        (_with("extra.py", "import sys\nsys.path.append('x')\n"), "touches sys.path"),
        (_with("extra.py", "run(['-m', 'pip', 'install'])\n"), "starts pip"),
        (_with("engine_setup/x.py", ""), "'network' belongs to"),
        (_manifest("[permissions]", '[permissions]\nclipboard = "Copy a report."'), "reason for"),
        (_manifest("[permissions]", '[permissions]\ncamera = "Look at your face"'), "only files"),
        (_manifest("GPL-3.0-or-later", "MIT"), "add-ons are GPL"),
        (_without("assets/default.facegen"), "the model is not in the zip"),
    ],
)
def test_each_rule_finds_what_breaks_it(
    fake_wheels: Path,
    bundle: Path,
    tmp_path: Path,
    change: Callable[[dict[str, bytes]], None],
    words: str,
) -> None:
    path = build_addon.build("linux-x64", bundle, tmp_path, is_for_review=True)
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    change(content)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    with pytest.raises(BuildError, match="breaks a rule") as refused:
        build_addon.check(path, is_for_review=True)
    assert words in str(refused.value)


def test_a_wheel_that_somebody_changed_is_refused(
    fake_wheels: Path, bundle: Path, tmp_path: Path
) -> None:
    wheel = fake_wheels / wheels.names_for("linux-x64")[0]
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    with pytest.raises(BuildError, match=r"not the wheel that was published.*remove it"):
        build_addon.build("linux-x64", bundle, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*"))


def test_another_folder_locale_clock_and_umask_give_the_same_bytes(
    built_zip: Path, tmp_path: Path
) -> None:
    """Built by a process of its own from a copy whose folder no system would choose."""
    copy = tmp_path / "ein Ort’s 复制 é"
    for name in BUILT_FROM:
        ignore = shutil.ignore_patterns("__pycache__")
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=ignore)
        else:
            shutil.copy(ROOT / name, copy / name)
    for source in sorted((copy / "blender_addon").rglob("*.py"))[::7]:  # as Windows checks out
        source.write_bytes(source.read_bytes().replace(b"\n", b"\r\n"))
    (copy / ".cache").mkdir()
    (copy / ".cache" / "wheels").symlink_to(build_addon.WHEEL_CACHE, target_is_directory=True)
    environment = {
        "PATH": os.environ["PATH"],
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "TZ": "Pacific/Kiritimati",
        "PYTHONHASHSEED": "7",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    code = "import build_addon, pathlib; build_addon.build('linux-x64', pathlib.Path("
    code += "'blender_addon/assets/default.facegen'), pathlib.Path('out'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=copy,
        env=environment,
        umask=0o077 if os.name == "posix" else -1,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    assert done.returncode == 0, done.stderr
    (again,) = (copy / "out").iterdir()
    assert again.name == built_zip.name
    assert again.read_bytes() == built_zip.read_bytes()


REVIEWED = """
import harness
from drawn import StubLayout
from harness import PACKAGE, addon
import bpy

def test_the_add_on_works_and_offers_no_download() -> None:
    view, preferences = addon("engine_view"), addon("preferences")
    assert view.setup_operators() is None
    settings = preferences.preferences_of(bpy.context)
    seen = {}
    for engine in ("built_in", preferences.WORKER):
        settings.engine = engine
        seen[engine] = []
        view.draw(StubLayout(seen[engine]), bpy.context)
    assert "facegen.check_engine" in seen[preferences.WORKER]
    texts = " ".join(seen[preferences.WORKER]).lower()
    assert "set_up" not in texts and "set up" not in texts, texts
    assert preferences.set_up_python() is None
    bpy.ops.facegen.add_head()

harness.run(globals())
"""


def test_the_zip_for_the_extension_platform_works_in_blender(
    tmp_path: Path, built_zip: Path
) -> None:
    if not blenders():
        pytest.skip("no Blender: set FACEGEN_BPY_VENVS or run 'make setup-test'")
    review = build_addon.build(
        "linux-x64", build_addon.DEFAULT_BUNDLE, tmp_path / "dist", is_for_review=True
    )
    script = tmp_path / "reviewed.py"
    script.write_text(REVIEWED, encoding="utf-8")
    (tmp_path / "room").mkdir()
    done = run_in_blender(blenders()[-1], script, review, tmp_path / "room")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
