"""The results of the chapters: kept in docs/robustness.json, told in docs/robustness.md."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

DATA, PAGE = "robustness.json", "robustness.md"
# In the order of the page. A chapter is the module `tests.robustness.<name>`.
TITLES = {
    "inputs": "Bad input: meshes, files, curves, bundles",
    "scenes": "Bad input: states of a scene, and other versions",
    "worker": "The GPU worker",
    "faults": "Faults: kills, full disks, read-only folders",
    "security": "Security",
    "endurance": "Endurance",
    "memory": "Endurance: memory",
    "sameness": "Endurance: the same bytes",
    "platforms": "Platforms",
}
HEADER = """# What it takes to break it

Written by `make robustness`; do not edit. The same results are in `robustness.json`; one chapter
alone is `python -m tests.robustness CHAPTER`. A line that is missed is told as missed.
"""
NOT_MEASURED = "Not measured yet."


@dataclass(frozen=True)
class Line:
    """One demand: what was asked, what was measured, and whether that is enough."""

    asked: str
    measured: str
    reached: bool


@dataclass(frozen=True)
class Case:
    """One thing done to the product, and the sentence its user read (or what happened instead)."""

    group: str
    name: str
    sentence: str
    ok: bool


@dataclass(frozen=True)
class Chapter:
    """What a chapter found. Neither dates nor machines: the same commit says the same again.

    name: a key of TITLES. command: what makes these results again.
    notes: sentences for the page, below the lines.
    """

    name: str
    command: str
    lines: list[Line]
    cases: list[Case] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def missed(self) -> list[Line]:
        return [line for line in self.lines if not line.reached]


def save(chapter: Chapter, folder: Path) -> None:
    """Put the chapter in the place of its last results, and render the page anew."""
    if chapter.name not in TITLES:
        raise ValueError(f"'{chapter.name}' is no chapter: TITLES has {', '.join(TITLES)}.")
    results = load(folder)
    results[chapter.name]["results"] = {k: v for k, v in asdict(chapter).items() if k != "name"}
    write(results, folder)


def load(folder: Path) -> dict[str, Any]:
    """{chapter: {title, results}} of every chapter; results are None where there are none yet."""
    path = folder / DATA
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {
        name: {"title": title, "results": known.get(name, {}).get("results")}
        for name, title in TITLES.items()
    }


def load_chapter(name: str, folder: Path) -> Chapter | None:
    """What is kept of a chapter, None where it was never measured."""
    found = load(folder)[name]["results"]
    if found is None:
        return None
    lines = [Line(**line) for line in found["lines"]]
    cases = [Case(**case) for case in found["cases"]]
    return Chapter(name, found["command"], lines, cases, found["notes"])


def write(results: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results, indent=1, ensure_ascii=False)
    (folder / DATA).write_text(text + "\n", encoding="utf-8", newline="\n")
    (folder / PAGE).write_text(page(results), encoding="utf-8", newline="\n")


def page(results: dict[str, Any]) -> str:
    """The whole page."""
    return HEADER + "".join(_chapter(**chapter) for chapter in results.values())


def _chapter(title: str, results: dict[str, Any] | None) -> str:
    text = f"\n## {title}\n\n"
    if results is None:
        return text + NOT_MEASURED + "\n"
    text += f"`{results['command']}`\n\n"
    text += _row("asked", "measured", "") + _row(*["---"] * 3)
    for line in results["lines"]:
        verdict = "reached" if line["reached"] else "**missed**"
        text += _row(line["asked"], line["measured"], verdict)
    for note in results["notes"]:
        text += f"\n{note}\n"
    groups = dict.fromkeys(case["group"] for case in results["cases"])
    for group in groups:
        text += f"\n### {group}\n\n" + _row("case", "what the user reads", "")
        text += _row(*["---"] * 3)
        for case in results["cases"]:
            if case["group"] == group:
                text += _row(case["name"], case["sentence"], "" if case["ok"] else "**fault**")
    return text


def _row(*cells: str) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |\n"


def _cell(text: str) -> str:
    """On one line, with nothing in it that Markdown would take for its own."""
    plain = re.sub(r"[\x00-\x1f\x7f]+", " ", text)
    return re.sub(r"([|<>])", r"\\\1", plain).strip()
