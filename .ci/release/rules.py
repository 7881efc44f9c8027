"""What a zip must be to install anywhere, and to be taken by Blender's extension platform.

Sources: Blender's manual (Extensions: add-ons, Python wheels) and the guidelines of the platform's
moderators: self-contained, permissions with a reason, dependencies as unmodified wheels, relative
imports, no module path changed, files written only where Blender gives an extension a place.
"""

from __future__ import annotations

import ast
import re
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from . import wheels

# What the platform took in May 2024; of the whole zip.
PLATFORM_LIMIT_MB = 300
# Windows unpacks below C:\\Users\\…\\extensions\\user_default\\facegen within 260 characters.
LONGEST_NAME = 120
RESERVED_ON_WINDOWS = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
# Modules of these run in a child process with a Python of their own, never inside Blender.
CHILD_ROOMS = (
    "facegen_core/models/",
    "facegen_core/worker.py",
    "facegen_core/worker_boot.py",
    "facegen_core/worker_devices.py",
    "facegen_core/worker_engine.py",
    "facegen_core/worker_models.py",
)
NETWORK_MODULES = {"socket", "ssl", "urllib.request", "http", "ftplib", "requests", "pip"}


@dataclass(frozen=True)
class Source:
    """What a rule asks of a module: (module, level) it imports, and what its code touches."""

    imports: frozenset[tuple[str, int]]
    touches_module_path: bool
    names_pip: bool


def broken_rules(path: Path, is_for_review: bool) -> list[str]:
    """A sentence for each rule that a built zip breaks. is_for_review: also the platform's."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode("utf-8"))
        sources = {n: _source(archive.read(n)) for n in names if n.endswith(".py")}
        found = [*_names(names), *_wheels(archive, manifest), *_permissions(names, manifest)]
    found += _imports(sources, is_for_review)
    if is_for_review:
        found += _of_the_platform(path, names, manifest, sources)
    return found


@cache
def _source(content: bytes) -> Source:
    tree = ast.parse(content)
    nodes = list(ast.walk(tree))
    return Source(
        frozenset(imported(tree)),
        any(isinstance(n, ast.Attribute) and ast.unparse(n) == "sys.path" for n in nodes),
        any(isinstance(n, ast.Constant) and n.value == "pip" for n in nodes),
    )


def _names(names: list[str]) -> Iterator[str]:
    folded: dict[str, str] = {}
    for name in names:
        parts = PurePosixPath(name).parts
        if name.startswith("/") or ".." in parts or "\\" in name or ":" in name:
            yield f"{name} leaves the folder it is unpacked in"
        if not name.isascii() or len(name) > LONGEST_NAME:
            yield f"{name} is not a name for every file system"
        if any(RESERVED_ON_WINDOWS.fullmatch(p) or p != p.rstrip(". ") for p in parts):
            yield f"{name} cannot be a file on Windows"
        other = folded.setdefault(name.casefold(), name)
        if other != name or names.count(name) > 1:
            yield f"{name} and {other} are one file where case does not count"


def _wheels(archive: zipfile.ZipFile, manifest: dict) -> Iterator[str]:
    listed = manifest.get("wheels", [])
    packed = [name for name in archive.namelist() if name.startswith("wheels/")]
    if sorted(listed) != sorted(f"./{name}" for name in packed):
        yield f"the manifest lists {listed}, and {packed} are there"
    (platform,) = manifest["platforms"]
    expected = {f"wheels/{name}" for name in wheels.names_for(platform)}
    if set(packed) != expected:
        yield f"{platform} needs {sorted(expected)}, and {packed} are there"
    for name in packed:
        try:
            wheels.check(Path(name), archive.read(name))
        except wheels.BuildError as error:
            yield str(error)


def _permissions(names: list[str], manifest: dict) -> Iterator[str]:
    has_setup = any(name.startswith("engine_setup/") for name in names)
    if has_setup != ("network" in manifest["permissions"]):
        yield "the permission 'network' belongs to a zip that can download the GPU engine, alone"
    for permission, reason in manifest["permissions"].items():
        if not 10 <= len(reason) <= 64 or not reason[-1].isalnum():
            yield f"the reason for '{permission}' is not one sentence of at most 64 characters"


def _imports(sources: dict[str, Source], is_for_review: bool) -> Iterator[str]:
    """Own modules relatively, torch only in the child's, the network only where it is asked for."""
    for name, source in sources.items():
        modules = {module for module, level in source.imports if level == 0}
        absolute = {module.split(".")[0] for module in modules}
        if absolute & {"facegen_core", "blender_addon", "training", "tests"}:
            yield f"{name} imports a module of its own by an absolute name"
        if "torch" in absolute and not name.startswith(CHILD_ROOMS):
            yield f"{name} would import torch into Blender"
        is_setup = name.startswith("engine_setup/") and not is_for_review
        network = (absolute | modules) & NETWORK_MODULES
        if network and not is_setup:
            yield f"{name} imports {sorted(network)[0]}, and only engine_setup may download"


def _of_the_platform(
    path: Path, names: list[str], manifest: dict, sources: dict[str, Source]
) -> Iterator[str]:
    size_mb = path.stat().st_size / 1e6
    if size_mb > PLATFORM_LIMIT_MB:
        yield f"the zip has {size_mb:.0f} MB, and the platform takes {PLATFORM_LIMIT_MB}"
    if set(manifest["permissions"]) != {"files"}:
        yield f"permissions are {sorted(manifest['permissions'])}, and only files are needed"
    if any(name.startswith("engine_setup/") for name in names):
        yield "engine_setup downloads functional components"
    if "SPDX:GPL-3.0-or-later" not in manifest["license"] or "LICENSE" not in names:
        yield "add-ons are GPL, with the licence in the zip"
    if "assets/default.facegen" not in names:
        yield "the model is not in the zip, and may not be downloaded"
    for name, source in sources.items():
        if source.touches_module_path and not name.startswith(CHILD_ROOMS):
            yield f"{name} touches sys.path"
        if source.names_pip:
            yield f"{name} starts pip"


def imported(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """(module, level) of every import of a module; level 0 is absolute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level
        elif isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, 0
