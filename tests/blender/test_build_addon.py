"""The packer: imports become relative, torch is the child's, and equal sources make equal bytes."""

from __future__ import annotations

import ast
import hashlib
import zipfile
from pathlib import Path

import pytest

import build_addon
from build_addon import rules, wheels


@pytest.fixture
def fake_wheels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A wheel cache with small files of the right names, so that nothing is downloaded."""
    cache = tmp_path / "wheels"
    cache.mkdir()
    for name in wheels.PUBLISHED:
        (cache / name).write_bytes(name.encode())
    digests = {name: hashlib.sha256(name.encode()).hexdigest() for name in wheels.PUBLISHED}
    monkeypatch.setattr(wheels, "PUBLISHED", digests)
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
    packed = sorted(name.split("-")[0] for name in names if name.startswith("wheels/"))
    assert packed == ["wheels/scipy", "wheels/scipy", "wheels/threadpoolctl"]
    assert manifest.index("wheels = [") < manifest.index("[permissions]")
    for name, source in sources.items():
        absolute = [m.split(".")[0] for m, level in rules.imported(ast.parse(source)) if not level]
        assert not {"facegen_core", "blender_addon", "training"} & set(absolute), name
        assert "torch" not in absolute or name.startswith(rules.CHILD_ROOMS), name


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


def test_the_torch_rooms_are_shipped_and_nothing_in_blender_imports_them(
    fake_wheels: Path, bundle: Path, tmp_path: Path
) -> None:
    """By name, through every module that the add-on, all operators and panels could import."""
    with zipfile.ZipFile(build_addon.build("linux-x64", bundle, tmp_path)) as archive:
        names = [name for name in archive.namelist() if name.endswith(".py")]
        trees = {name: ast.parse(archive.read(name)) for name in names}
    child = {name for name in names if name.startswith(rules.CHILD_ROOMS)}
    assert "facegen_core/models/expression_model.py" in child
    using_torch = {
        name
        for name, tree in trees.items()
        if any(module.split(".")[0] == "torch" for module, _ in rules.imported(tree))
    }
    assert using_torch <= child
    asked_for = {
        (name, module)
        for name, tree in trees.items()
        if name not in child
        for module in _imported_names(name, tree)
    }
    torch_modules = {name.removesuffix(".py").replace("/", ".") for name in using_torch}
    torch_modules |= {"facegen_core.models"}
    assert not {(name, module) for name, module in asked_for if module in torch_modules}


def _imported_names(name: str, tree: ast.Module) -> set[str]:
    """Dotted names from the root of the zip of all that a module imports relatively."""
    package = name.removesuffix(".py").split("/")[:-1]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            module = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            found |= {module, *(f"{module}.{alias.name}".strip(".") for alias in node.names)}
    return found
