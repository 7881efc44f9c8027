"""Pack the add-on into extension zips that Blender installs without a network.

    python build_addon.py [--platform linux-x64|all]  ->  dist/facegen-VERSION-PLATFORM.zip
    python build_addon.py --for-extension-platform    ->  dist/facegen-VERSION-PLATFORM-review.zip

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
import tomllib
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from facegen_core.errors import WriteError
from facegen_core.files import put_in_place, unwritable

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / ".ci"))  # what every release is held to

from release import rules, wheels  # noqa: E402
from release.errors import BuildError, DownloadError  # noqa: E402
from release.rules import broken_rules, imported  # noqa: E402
from release.wheels import PLATFORMS  # noqa: E402

__all__ = [
    "PLATFORMS",
    "BuildError",
    "DownloadError",
    "build",
    "rules",
    "validate",
    "wheels",
]

ADDON, CORE = ROOT / "blender_addon", ROOT / "facegen_core"
WHEEL_CACHE = ROOT / ".cache" / "wheels"
DEFAULT_BUNDLE = ADDON / "assets" / "default.facegen"

# The folder that installs PyTorch on request. Blender's extension platform takes no such add-on.
ENGINE_SETUP = "engine_setup/"
# Every file in the zip carries this date, and comes from this system, or two builds would differ.
ZIP_DATE, ZIP_SYSTEM_UNIX = (2020, 1, 1, 0, 0, 0), 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--platform", choices=[*PLATFORMS, "all"], default="linux-x64")
    parser.add_argument("--bundle", type=Path, default=DEFAULT_BUNDLE, help="model to ship")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for the zips")
    parser.add_argument(
        "--for-extension-platform",
        action="store_true",
        help="the zip for extensions.blender.org: it downloads nothing and asks for no network",
    )
    arguments = parser.parse_args()
    chosen = list(PLATFORMS) if arguments.platform == "all" else [arguments.platform]
    try:
        for platform in chosen:
            is_for_review = arguments.for_extension_platform
            path = build(platform, arguments.bundle, arguments.out, is_for_review)
            check(path, is_for_review)
            print(f"{path}  {path.stat().st_size / 1e6:.1f} MB  {validate(path)}")
    except BuildError as error:
        print(f"build_addon: {error}", file=sys.stderr)
        return 1
    return 0


def build(platform: str, bundle: Path, out: Path, is_for_review: bool = False) -> Path:
    """Write the zip of one platform and return its path. Raises BuildError.

    is_for_review: the zip for Blender's extension platform, without what installs PyTorch.
    """
    if not bundle.is_file():
        raise BuildError(f"{bundle} is missing: make it with 'python -m training export'.")
    packed = [wheels.fetch(name, WHEEL_CACHE) for name in wheels.names_for(platform)]
    content = dict(_own_files())
    if is_for_review:
        content = {n: c for n, c in content.items() if not n.startswith(ENGINE_SETUP)}
    has_setup = any(name.startswith(ENGINE_SETUP) for name in content)
    content["assets/default.facegen"] = bundle.read_bytes()
    content["blender_manifest.toml"] = _manifest(platform, packed, has_setup).encode()
    for licence in [ROOT / "LICENSE", *sorted((ROOT / "LICENSES").iterdir())]:
        content[licence.relative_to(ROOT).as_posix()] = _text(licence).encode()
    for wheel in packed:
        content[f"wheels/{wheel.name}"] = wheel.read_bytes()
    path = out / f"facegen-{_version()}-{platform}{'-review' if is_for_review else ''}.zip"
    try:
        out.mkdir(parents=True, exist_ok=True)
        _write_zip(path, content)
    except WriteError as error:
        raise BuildError(str(error)) from error
    except OSError as error:
        raise BuildError(str(unwritable(path, error))) from error
    return path


def check(path: Path, is_for_review: bool = False) -> None:
    """Raise BuildError with each rule of a zip that installs anywhere and this one breaks."""
    broken = broken_rules(path, is_for_review)
    if broken:
        raise BuildError(f"{path.name} breaks a rule: " + "; ".join(broken) + ".")


def validate(path: Path) -> str:
    """Let Blender's own validator look at a zip, where a bpy wheel is at hand."""
    places = [Path(p) for p in sys.path] + sorted(ROOT.glob(".venv*/lib/python*/site-packages"))
    pattern = "bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"
    tool = next((t for place in places for t in sorted(place.glob(pattern))), None)
    if tool is None:
        return "not validated: no bpy wheel at hand"
    done = subprocess.run(
        [sys.executable, str(tool), "validate", str(path)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
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
    absolute = [m for m, level in imported(after) if _is_core(m) and level == 0]
    if absolute:
        raise BuildError(f"'{absolute[0]}' is still imported by its absolute name.")
    if _without_imports(before) != _without_imports(after):
        raise BuildError("Making imports relative changed something else.")


def _without_imports(tree: ast.Module) -> list[str]:
    kept = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign, ast.Expr, ast.Name, ast.Call)
    return [type(node).__name__ for node in ast.walk(tree) if isinstance(node, kept)]


@cache
def _own_files() -> tuple[tuple[str, bytes], ...]:
    """(name in the zip, content) of everything of ours but the model: the same on each platform."""
    return (*_addon_files(), *_core_files())


def _text(path: Path) -> str:
    """UTF-8 with plain line ends, whatever this system's own are."""
    return path.read_text(encoding="utf-8")


def _sources(folder: Path) -> list[Path]:
    """Modules below a folder; not what editors and systems hide beside them."""
    return sorted(p for p in folder.rglob("*.py") if not p.name.startswith("."))


def _addon_files() -> Iterator[tuple[str, bytes]]:
    """(name in the zip, content) of every source of the add-on, imports made relative; presets."""
    for path in _sources(ADDON):
        name = path.relative_to(ADDON)
        yield name.as_posix(), relative_imports(_text(path), len(name.parts) - 1).encode()
    presets = ADDON / "assets" / "presets"
    for path in sorted(presets.glob("*.json")):
        yield path.relative_to(ADDON).as_posix(), _text(path).encode()
    for path in sorted(presets.glob("*.png")):
        yield path.relative_to(ADDON).as_posix(), path.read_bytes()


def _core_files() -> Iterator[tuple[str, bytes]]:
    """(name in the zip, content) of every module of the core.

    Those that import torch are for the GPU worker, a process with a Python of its own; Blender
    never imports them.
    """
    for path in _sources(CORE):
        yield path.relative_to(ROOT).as_posix(), _text(path).encode()


def _version() -> str:
    """The one version of core and add-on. Raises BuildError when they differ."""
    found = re.search(r'^__version__ = "(.+)"$', _text(CORE / "__init__.py"), re.MULTILINE)
    manifest = tomllib.loads(_text(ADDON / "blender_manifest.toml"))
    if found is None or found[1] != manifest["version"]:
        raise BuildError("facegen_core and blender_manifest.toml name different versions.")
    return found[1]


def _manifest(platform: str, packed: list[Path], has_setup: bool) -> str:
    """The manifest with the lines that belong to one package, put before its first table.

    has_setup: the package can download PyTorch, and says so; else it asks for no network.
    """
    text = _text(ADDON / "blender_manifest.toml")
    names = "".join(f'  "./wheels/{wheel.name}",\n' for wheel in packed)
    added = f'platforms = ["{platform}"]\nwheels = [\n{names}]\n\n'
    head, table, tail = text.partition("[permissions]")
    if not has_setup:
        tail = re.sub(r"^network = .*\n", "", tail, flags=re.MULTILINE)
    return head + added + table + tail


def _write_zip(path: Path, content: dict[str, bytes]) -> None:
    """Stored, not deflated: what is large is packed already, and zlib's bytes differ by version."""
    with put_in_place(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name in sorted(content):
            info = zipfile.ZipInfo(name, ZIP_DATE)
            info.create_system, info.external_attr = ZIP_SYSTEM_UNIX, 0o644 << 16
            archive.writestr(info, content[name])


if __name__ == "__main__":
    sys.exit(main())
