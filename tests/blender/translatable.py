"""What the add-on says, read from its sources: labels, tooltips, menu items, sentences."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ADDON = Path(__file__).resolve().parents[2] / "blender_addon"
# What the window shows; the command speaks English alone.
ROOMS = ("engine_setup", "operators", "panels", "properties", "scene")
FILES = ("preferences.py", "engine.py", "engine_view.py", "generators.py", "jobs.py", "handlers.py")
# Names of arguments that are shown, wherever they are given.
SHOWN = {"text", "name", "description", "heading", "placeholder", "title", "message"}
# Calls whose arguments are shown, whatever they are called.
SPEAKING = {"poll_message_set", "report", "draw_sentence", "said", "draw_steps"}


def sources() -> list[Path]:
    found = [ADDON / name for name in FILES if (ADDON / name).is_file()]
    for room in ROOMS:
        found += sorted((ADDON / room).glob("**/*.py"))
    return found


def texts_of(path: Path) -> dict[str, int]:
    """{text: line} of one source; a formatted value is written {}."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: dict[str, int] = {}
    for node in ast.walk(tree):
        for text, line in _said_by(node, path):
            if re.search("[A-Za-z]{2}", re.sub(r"\{\}", "", text)):
                found.setdefault(text, line)
    return found


def without_names(template: str) -> str:
    """A template with {name} written {}, to be compared with what the sources say."""
    return re.sub(r"\{[^{}]*\}", "{}", template)


def _said_by(node: ast.AST, path: Path) -> Iterator[tuple[str, int]]:
    if isinstance(node, ast.ClassDef):
        yield from _of_class(node)
    elif isinstance(node, ast.Call):
        yield from _of_call(node, path)
    elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        for argument in node.exc.args:
            yield from _strings(argument)
    elif isinstance(node, ast.Tuple) and _is_menu_item(node):
        for part in node.elts[1:3]:
            yield from _strings(part)


def _of_class(node: ast.ClassDef) -> Iterator[tuple[str, int]]:
    labels = {
        target.id: statement.value
        for statement in node.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    if "bl_label" in labels:
        yield from _strings(labels["bl_label"])
    if "bl_idname" in labels and "bl_label" in labels and ast.get_docstring(node):
        yield ast.get_docstring(node), node.lineno


def _of_call(node: ast.Call, path: Path) -> Iterator[tuple[str, int]]:
    called = (
        node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    )
    is_panel = (
        path.parent.name in ("engine_setup", "panels", "operators", "properties")
        or path.name in FILES
    )
    for keyword in node.keywords:
        if is_panel and keyword.arg in SHOWN and called not in ("dict", "new", "replace"):
            yield from _strings(keyword.value)
    if called in SPEAKING:
        for argument in node.args:
            yield from _strings(argument)
    if called == "Finding":
        for argument in [*node.args[2:], *(word.value for word in node.keywords)]:
            yield from _strings(argument)


def _is_menu_item(node: ast.Tuple) -> bool:
    """(identifier, name, description[, icon, number]) of an EnumProperty."""
    if not 3 <= len(node.elts) <= 5 or not isinstance(node.ctx, ast.Load):
        return False
    name, description = node.elts[1:3]
    return (
        all(
            isinstance(part, ast.Constant) and isinstance(part.value, str)
            for part in (name, description)
        )
        and (" " in description.value or not description.value)
        and description.value != ""
    )


def _strings(node: ast.AST) -> Iterator[tuple[str, int]]:
    """Texts an expression may be: constants, formats and both branches of a choice."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value, node.lineno
    elif isinstance(node, ast.JoinedStr):
        parts = [p.value if isinstance(p, ast.Constant) else "{}" for p in node.values]
        yield "".join(map(str, parts)), node.lineno
    elif isinstance(node, ast.IfExp):
        yield from _strings(node.body)
        yield from _strings(node.orelse)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = [list(_strings(side)) for side in (node.left, node.right)]
        for left, line in sides[0] or [("{}", node.lineno)]:
            for right, _ in sides[1] or [("{}", node.lineno)]:
                yield left + right, line
    elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("said", "str"):
        for argument in node.args:
            yield from _strings(argument)
