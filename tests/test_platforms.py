"""Nothing in the code depends on one system: encodings, modules, names, open files."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("blender_addon", "facegen_core", "training", ".ci")
ONLY_POSIX = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix", "syslog"}
ONLY_WINDOWS = {"msvcrt", "winreg", "winsound", "_winapi"}
POSIX_CALLS = {
    *("os.fork", "os.getuid", "os.geteuid", "os.killpg", "os.setsid", "os.getpgid", "os.mkfifo"),
    *("os.uname", "os.chown", "os.statvfs", "signal.SIGKILL", "signal.SIGALRM", "signal.alarm"),
    *("os.sched_getaffinity", "os.nice", "os.getloadavg", "signal.SIGHUP", "signal.SIGUSR1"),
}
PLACES_OF_ONE_SYSTEM = re.compile(r"^(/tmp|/usr|/proc|/dev|/etc|/home|/var|[A-Za-z]:\\)")
# Asks each system by what it has, and goes on where it has nothing.
ASKS_EACH_SYSTEM = "facegen_core/memory.py"
RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def _files(*rooms: str) -> list[Path]:
    return [*(p for room in rooms for p in sorted((ROOT / room).rglob("*.py")))]


def _calls_without_encoding(tree: ast.Module) -> Iterator[int]:
    """Lines that read or write text in whatever encoding the system is set to."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        keywords = {k.arg: k.value for k in node.keywords}
        if "encoding" in keywords or None in keywords:
            continue
        name = ast.unparse(node.func)
        method = name.rsplit(".", 1)[-1]
        if name in ("files.write_text", "write_text", "read_text"):  # our own, always UTF-8
            continue
        if method in ("read_text", "write_text"):
            yield node.lineno
        elif name in ("open", "os.fdopen", "io.open") or method in ("open", "NamedTemporaryFile"):
            first = 0 if method == "open" and name not in ("open", "io.open") else 1
            mode = keywords.get("mode") or (node.args[first] if len(node.args) > first else None)
            is_own = name in ("open", "os.fdopen", "io.open") or mode is not None
            text = mode.value if isinstance(mode, ast.Constant) else "r" if mode is None else "b"
            if is_own and isinstance(text, str) and re.fullmatch("[rwax]t?[+]?", text):
                yield node.lineno
        elif method in ("run", "Popen", "check_output") and name.startswith("subprocess."):
            is_text = {"text", "universal_newlines"} & set(keywords)
            if is_text:
                yield node.lineno


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ("open('x')", True),
        ("open('x', 'wt')", True),
        ("open('x', 'rb')", False),
        ("open('x', encoding='utf-8')", False),
        ("path.open('w')", True),
        ("path.open('rb')", False),
        ("path.read_text()", True),
        ("path.write_text('a', encoding='utf-8')", False),
        ("os.fdopen(handle, 'w')", True),
        ("subprocess.run(['x'], text=True)", True),
        ("subprocess.run(['x'], encoding='utf-8')", False),
        ("bpy.ops.wm.open_mainfile(filepath=x)", False),
    ],
)
def test_the_search_for_encodings_finds_them(source: str, is_found: bool) -> None:
    assert bool(list(_calls_without_encoding(ast.parse(source)))) == is_found


def test_every_text_file_has_its_encoding_said() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in [*_files(*ROOMS), ROOT / "build_addon.py"]
        for line in _calls_without_encoding(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found


def test_modules_of_one_system_are_imported_nowhere() -> None:
    found = []
    for path in _files(*ROOMS):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [(path.name, n) for n in names if n in ONLY_POSIX | ONLY_WINDOWS]
    assert not found


def test_what_only_some_systems_can_is_asked_for_behind_a_check() -> None:
    found = []
    for path in _files(*ROOMS):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        guarded = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and re.search(r"os\.name|platform|hasattr", _test_of(node))
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            is_call = isinstance(node, ast.Attribute) and ast.unparse(node) in POSIX_CALLS
            if is_call and id(node) not in guarded:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node)}")
    assert not found


def _test_of(node: ast.If) -> str:
    return ast.unparse(node.test)


def test_no_place_of_one_system_is_written_down() -> None:
    found = []
    for path in _files("blender_addon", "facegen_core", ".ci"):
        if path == ROOT / ASKS_EACH_SYSTEM:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if PLACES_OF_ONE_SYSTEM.match(node.value):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.value[:40]}")
    assert not found


def test_files_of_the_repository_can_be_checked_out_everywhere() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    if listed.returncode:
        pytest.skip("this checkout is no git repository")
    names = listed.stdout.strip("\0").split("\0")
    assert len(names) > 500
    folded: dict[str, str] = {}
    clashes = [n for n in names if folded.setdefault(n.casefold(), n) != n]
    odd = [
        n
        for n in names
        if not n.isascii()
        or len(n) > 120
        or re.search(r'[<>:"\\|?*]', n)
        or any(RESERVED.fullmatch(part) or part != part.rstrip(". ") for part in n.split("/"))
    ]
    assert not clashes
    assert not odd
