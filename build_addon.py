"""Pack the add-on into extension zips that Blender installs without a network.

    python build_addon.py [--platform linux-x64]      ->  dist/facegen-VERSION-PLATFORM.zip

Inside: blender_addon at the root, facegen_core as its sub-package (imports made relative, because
the installed name of an extension is not ours to choose), the model bundle, the licences, and
SciPy's own wheels for the Pythons of Blender 4.2 to 5.x. The same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ADDON, CORE = ROOT / "blender_addon", ROOT / "facegen_core"
WHEEL_CACHE = ROOT / ".cache" / "wheels"
DEFAULT_BUNDLE = ADDON / "assets" / "default.facegen"

# The newest SciPy that runs on every NumPy of Blender 4.2 to 5.x (1.24 to 2.3).
SCIPY = "1.15.3"
# Blender 4.2, 4.5 and 5.0 run on the first, 5.1 and 5.2 on the second.
PYTHONS = ("311", "313")
# Blender's platform names and the wheel tags that fit them.
PLATFORMS = {
    "linux-x64": "manylinux_2_17_x86_64",
    "windows-x64": "win_amd64",
    "macos-arm64": "macosx_12_0_arm64",
    "macos-x64": "macosx_10_13_x86_64",
}
# Every file in the zip carries this date, or two builds would differ.
ZIP_DATE = (2020, 1, 1, 0, 0, 0)


class BuildError(Exception):
    """The package cannot be built; the text says what to do."""


class DownloadError(BuildError):
    """A wheel that is not in the cache could not be downloaded."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--platform", choices=[*PLATFORMS, "all"], default="linux-x64")
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="model to ship")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for the zips")
    arguments = parser.parse_args()
    chosen = list(PLATFORMS) if arguments.platform == "all" else [arguments.platform]
    try:
        for platform in chosen:
            path = build(platform, arguments.bundle, arguments.out)
            print(f"{path}  {path.stat().st_size / 1e6:.1f} MB  {validate(path)}")
    except BuildError as error:
        print(f"build_addon: {error}", file=sys.stderr)
        return 1
    return 0


def build(platform: str, bundle: Path, out: Path) -> Path:
    """Write the zip of one platform and return its path. Raises BuildError."""
    if not bundle.is_file():
        raise BuildError(f"{bundle} is missing: make it with 'python -m training export'.")
    wheels = [_wheel(platform, python) for python in PYTHONS]
    content = dict(_addon_files()) | dict(_core_files())
    content["assets/default.facegen"] = bundle.read_bytes()
    content["blender_manifest.toml"] = _manifest(platform, wheels).encode()
    for licence in [ROOT / "LICENSE", *sorted((ROOT / "LICENSES").iterdir())]:
        content[str(licence.relative_to(ROOT))] = licence.read_bytes()
    for wheel in wheels:
        content[f"wheels/{wheel.name}"] = wheel.read_bytes()
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"facegen-{_version()}-{platform}.zip"
    _write_zip(path, content)
    return path


def validate(path: Path) -> str:
    """Let Blender's own validator look at a zip, where a bpy wheel is at hand."""
    places = [Path(p) for p in sys.path] + sorted(ROOT.glob(".venv*/lib/python*/site-packages"))
    pattern = "bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"
    tool = next((t for place in places for t in sorted(place.glob(pattern))), None)
    if tool is None:
        return "not validated: no bpy wheel at hand"
    done = subprocess.run(
        [sys.executable, str(tool), "validate", str(path)], capture_output=True, text=True
    )
    if done.returncode:
        raise BuildError(
            f"Blender refuses {path.name}: {done.stdout.strip()} {done.stderr.strip()}"
        )
    return "valid"


def relative_imports(source: str, depth: int) -> str:
    """The same module with `facegen_core` imported relatively, from `depth` folders below the root.

    Raises BuildError for an import of it that has no relative form (`import facegen_core.x`).
    """
    tree = ast.parse(source)
    lines = source.splitlines(keepends=True)
    dots = "." * (depth + 1)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and _is_core(node.module) and node.level == 0:
            before, after = "from facegen_core", f"from {dots}facegen_core"
        elif isinstance(node, ast.Import) and any(_is_core(name.name) for name in node.names):
            before, after = "import facegen_core", f"from {dots} import facegen_core"
            if len(node.names) > 1 or node.names[0].name != "facegen_core":
                raise BuildError(f"line {node.lineno}: write 'from facegen_core.x import y'.")
        else:
            continue
        line = lines[node.lineno - 1]
        lines[node.lineno - 1] = line[: node.col_offset] + line[node.col_offset :].replace(
            before, after, 1
        )
    result = "".join(lines)
    _check_rewritten(tree, ast.parse(result))
    return result


def _is_core(module: str | None) -> bool:
    return module is not None and module.split(".")[0] == "facegen_core"


def _check_rewritten(before: ast.Module, after: ast.Module) -> None:
    """Nothing but imports of the core differs, and none of them is absolute any more."""
    absolute = [m for m, level in _imports(after) if _is_core(m) and level == 0]
    if absolute:
        raise BuildError(f"'{absolute[0]}' is still imported by its absolute name.")
    if _without_imports(before) != _without_imports(after):
        raise BuildError("Making imports relative changed something else.")


def _imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """(module, level) of every import of a module; level 0 is absolute."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level
        elif isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, 0


def _without_imports(tree: ast.Module) -> list[str]:
    kept = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign, ast.Expr, ast.Name, ast.Call)
    return [type(node).__name__ for node in ast.walk(tree) if isinstance(node, kept)]


def _addon_files() -> Iterator[tuple[str, bytes]]:
    """(name in the zip, content) of every source of the add-on, imports made relative; presets."""
    for path in sorted(ADDON.rglob("*.py")):
        name = path.relative_to(ADDON)
        yield name.as_posix(), relative_imports(path.read_text(), len(name.parts) - 1).encode()
    presets = ADDON / "assets" / "presets"
    for path in sorted([*presets.glob("*.json"), *presets.glob("*.png")]):
        yield path.relative_to(ADDON).as_posix(), path.read_bytes()


def _core_files() -> Iterator[tuple[str, bytes]]:
    """(name in the zip, content) of every module of the core that works without torch."""
    for path in sorted(CORE.rglob("*.py")):
        source = path.read_text()
        if any(module.split(".")[0] == "torch" for module, _ in _imports(ast.parse(source))):
            continue
        yield path.relative_to(ROOT).as_posix(), source.encode()


def _version() -> str:
    """The one version of core and add-on. Raises BuildError when they differ."""
    found = re.search(r'^__version__ = "(.+)"$', (CORE / "__init__.py").read_text(), re.MULTILINE)
    manifest = tomllib.loads((ADDON / "blender_manifest.toml").read_text())
    if found is None or found[1] != manifest["version"]:
        raise BuildError("facegen_core and blender_manifest.toml name different versions.")
    return found[1]


def _manifest(platform: str, wheels: list[Path]) -> str:
    """The manifest with the lines that belong to one package, put before its first table."""
    text = (ADDON / "blender_manifest.toml").read_text()
    names = "".join(f'  "./wheels/{wheel.name}",\n' for wheel in wheels)
    added = f'platforms = ["{platform}"]\nwheels = [\n{names}]\n\n'
    head, table, tail = text.partition("[permissions]")
    return head + added + table + tail


def _wheel(platform: str, python: str) -> Path:
    """SciPy's wheel as the package index has it, from the cache or downloaded with pip."""
    tag = PLATFORMS[platform]
    pattern = f"scipy-{SCIPY}-cp{python}-cp{python}-*{tag}*.whl"
    if not any(WHEEL_CACHE.glob(pattern)):
        _download(tag, python)
    found = sorted(WHEEL_CACHE.glob(pattern))
    if not found:
        raise BuildError(f"pip brought no SciPy {SCIPY} wheel for Python {python} on {platform}.")
    return found[0]


def _download(tag: str, python: str) -> None:
    """Into a folder of its own first: another build may be looking into the cache meanwhile."""
    WHEEL_CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WHEEL_CACHE) as folder:
        command = [sys.executable, "-m", "pip", "download", f"scipy=={SCIPY}", "--no-deps"]
        command += ["--only-binary=:all:", "--platform", tag, "--implementation", "cp"]
        command += ["--python-version", python, "--abi", f"cp{python}", "--dest", folder]
        done = subprocess.run([*command, "--quiet"], capture_output=True, text=True)
        if done.returncode:
            raise DownloadError(
                f"SciPy {SCIPY} for Python {python} ({tag}) could not be downloaded: "
                f"{done.stderr.strip().splitlines()[-1]}"
            )
        for wheel in Path(folder).glob("*.whl"):
            wheel.replace(WHEEL_CACHE / wheel.name)


def _write_zip(path: Path, content: dict[str, bytes]) -> None:
    temporary = path.with_suffix(".tmp")
    with zipfile.ZipFile(temporary, "w") as archive:
        for name in sorted(content):
            info = zipfile.ZipInfo(name, ZIP_DATE)
            info.external_attr = 0o644 << 16
            is_packed = name.endswith((".whl", ".facegen"))
            info.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
            archive.writestr(info, content[name])
    temporary.replace(path)


if __name__ == "__main__":
    sys.exit(main())
