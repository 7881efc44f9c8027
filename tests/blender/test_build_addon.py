"""The packer: imports become relative, torch stays out, and equal sources make equal bytes."""

from __future__ import annotations

import ast
import zipfile
from pathlib import Path

import pytest

import build_addon


@pytest.fixture
def fake_wheels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A wheel cache with small files of the right names, so that nothing is downloaded."""
    cache = tmp_path / "wheels"
    cache.mkdir()
    for python in build_addon.PYTHONS:
        for tag in build_addon.PLATFORMS.values():
            name = f"scipy-{build_addon.SCIPY}-cp{python}-cp{python}-{tag}.whl"
            (cache / name).write_bytes(name.encode())
    monkeypatch.setattr(build_addon, "WHEEL_CACHE", cache)
    return cache


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "some.facegen"
    path.write_bytes(b"a model")
    return path


@pytest.mark.parametrize(
    ("source", "depth", "expected"),
    [
        ("from facegen_core.mesh import Mesh\n", 0, "from .facegen_core.mesh import Mesh\n"),
        ("from facegen_core import a\n", 1, "from ..facegen_core import a\n"),
        ("import facegen_core\n", 1, "from .. import facegen_core\n"),
        (
            "def f():\n    from facegen_core.x import (\n        y,\n    )\n",
            2,
            "def f():\n    from ...facegen_core.x import (\n        y,\n    )\n",
        ),
        ("from . import facegen_core\n", 1, "from . import facegen_core\n"),
        ('"""from facegen_core.x import y"""\n', 1, '"""from facegen_core.x import y"""\n'),
    ],
)
def test_imports_of_the_core_become_relative(source: str, depth: int, expected: str) -> None:
    assert build_addon.relative_imports(source, depth) == expected


@pytest.mark.parametrize("source", ["import facegen_core.mesh\n", "import facegen_core as f, os\n"])
def test_imports_without_a_relative_form_are_refused(source: str) -> None:
    with pytest.raises(build_addon.BuildError):
        build_addon.relative_imports(source, 1)


def test_the_zip_holds_addon_core_bundle_licences_and_wheels(
    fake_wheels: Path, bundle: Path, tmp_path: Path
) -> None:
    path = build_addon.build("linux-x64", bundle, tmp_path / "out")
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        assert archive.read("assets/default.facegen") == b"a model"
        sources = {n: archive.read(n).decode() for n in names if n.endswith(".py")}
        manifest = archive.read("blender_manifest.toml").decode()
    assert {"__init__.py", "operators/match.py", "scene/axes.py", "LICENSE"} <= names
    assert {"facegen_core/pipeline.py", "LICENSES/ICT-FaceKit-MIT.txt"} <= names
    assert sum(name.startswith("wheels/") for name in names) == 2
    assert manifest.index("wheels = [") < manifest.index("[permissions]")
    for name, source in sources.items():
        absolute = [
            m.split(".")[0] for m, level in build_addon._imports(ast.parse(source)) if not level
        ]
        assert not {"torch", "facegen_core", "blender_addon", "training"} & set(absolute), name


def test_two_builds_of_the_same_sources_are_the_same_bytes(
    fake_wheels: Path, bundle: Path, tmp_path: Path
) -> None:
    first = build_addon.build("linux-x64", bundle, tmp_path / "first").read_bytes()
    assert build_addon.build("linux-x64", bundle, tmp_path / "second").read_bytes() == first


def test_every_platform_gets_its_own_zip(fake_wheels: Path, bundle: Path, tmp_path: Path) -> None:
    for platform in build_addon.PLATFORMS:
        path = build_addon.build(platform, bundle, tmp_path)
        assert path.name.endswith(f"-{platform}.zip")
        with zipfile.ZipFile(path) as archive:
            assert f'platforms = ["{platform}"]' in archive.read("blender_manifest.toml").decode()


def test_a_missing_bundle_is_refused_with_what_to_do(fake_wheels: Path, tmp_path: Path) -> None:
    with pytest.raises(build_addon.BuildError, match="training export"):
        build_addon.build("linux-x64", tmp_path / "none.facegen", tmp_path)


def test_core_and_manifest_name_one_version() -> None:
    assert build_addon._version()
