"""Runs chapters in full: `make robustness`, or `python -m tests.robustness CHAPTER…`.

Keeps each in docs/robustness.json and renders docs/robustness.md. Ends with 1 where a line was
missed. --render only renders the page from what is kept (after a merge, say).
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.robustness import report
from tests.robustness.report import Chapter

ROOT = Path(__file__).parents[2]
Run = Callable[[float, int], Chapter]


class AbsentError(Exception):
    """A chapter cannot run here; the text says why."""


def main(arguments: Sequence[str] | None = None, package: str = "tests.robustness") -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.robustness", description=__doc__)
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help=", ".join(report.TITLES))
    parser.add_argument("--scale", type=float, default=1.0, help="how much of each; default 1.0")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder; default docs")
    parser.add_argument("--render", action="store_true", help="only render the page")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.chapters) - set(report.TITLES))
    if unknown:
        parser.error(f"there is no chapter '{unknown[0]}', only {', '.join(report.TITLES)}.")
    if options.render:
        report.write(report.load(options.out), options.out)
        return 0
    missed = 0
    for name in options.chapters or report.TITLES:
        try:
            chapter = chapter_of(name, package)(options.scale, options.seed)
        except AbsentError as reason:
            print(f"{name}: skipped: {reason}", flush=True)
            continue
        report.save(chapter, options.out)
        missed += len(chapter.missed)
        print(summary(chapter), flush=True)
    return 1 if missed else 0


def chapter_of(name: str, package: str = "tests.robustness") -> Run:
    """The `run` of a chapter. Raises AbsentError where this checkout or this Python lacks it."""
    try:
        return importlib.import_module(f"{package}.{name}").run
    except ModuleNotFoundError as error:
        if error.name == f"{package}.{name}":
            raise AbsentError("this checkout has no such chapter") from error
        raise AbsentError(f"{error.name} is not installed") from error


def summary(chapter: Chapter) -> str:
    """The lines of a chapter for the terminal, misses and faults last."""
    faults = [case for case in chapter.cases if not case.ok]
    text = f"{chapter.name}: {len(chapter.lines) - len(chapter.missed)} of {len(chapter.lines)}"
    text += f" lines reached, {len(chapter.cases)} cases, {len(faults)} faults"
    for line in chapter.missed:
        text += f"\n  missed: {line.asked}: {line.measured}"
    for case in faults:
        text += f"\n  fault: {case.group}, {case.name}: {case.sentence}"
    return text


if __name__ == "__main__":
    sys.exit(main())
