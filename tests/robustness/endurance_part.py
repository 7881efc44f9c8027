"""One part of the endurance chapter measured alone; the other lines stay as they are kept.

python -m tests.robustness.endurance_part acts 4.5 [--first 776] [--seed 0] [--scale 1.0]

--first plays the acts of one Blender again from that number on, from a new file: after what was
found there was mended.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import build_addon
from tests.blender.blenders import blenders
from tests.robustness import endurance, endurance_plan, report
from tests.robustness.__main__ import summary
from tests.robustness.report import Chapter, Line

DOCS = endurance.ROOT / "docs"
_PLAYED = re.compile(r"\d+ random acts in Blender ([\d.]+),")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.robustness.endurance_part")
    parser.add_argument("measured", choices=endurance.MEASURED)
    parser.add_argument("version", nargs="?", default="", help="of Blender, for random acts")
    parser.add_argument("--first", type=int, default=0, help="number of the first act")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.first:
        found = again(options.version, options.first, options.seed)
    else:
        measured = [options.measured]
        found = endurance.run(options.scale, options.seed, measured, options.version)
    print(summary(found), flush=True)
    report.save(joined(report.load_chapter("endurance", DOCS), found), DOCS)
    return 1 if found.missed else 0


def again(version: str, first: int, seed: int) -> Chapter:
    """The acts of a Blender from one of them on, in a new file."""
    blender = next(b for b in blenders() if b.version.startswith(version))
    is_most = blender.version.startswith(endurance.MOST_IN)
    acts = endurance_plan.draw(seed, endurance.MOST_ACTS if is_most else endurance.ACTS)[first:]
    with tempfile.TemporaryDirectory() as name:
        zip_path = build_addon.build("linux-x64", build_addon.DEFAULT_BUNDLE, Path(name))
        result = endurance.play(blender, zip_path, acts, stops=False)
    return played_again(blender.version, first, len(acts), seed, result)


def played_again(
    version: str, first: int, count: int, seed: int, result: endurance.Result
) -> Chapter:
    """The line of acts that were played again; faults stay with those of all acts."""
    found = endurance.chapter({"acts": {version: result}, "seed": seed})
    asked = f"acts {first} to {first + count - 1} again in Blender {version}, what was found mended"
    told = f"{result['done']} acts (seed {seed}), {len(result['faults'])} faults"
    is_reached = not result["faults"] and result["done"] == count
    line = Line(asked, told, is_reached)
    return Chapter(found.name, found.command, [line], found.cases, found.notes)


def joined(kept: Chapter | None, found: Chapter) -> Chapter:
    """A chapter with what was found now in the place of what was kept; the rest of it as it was."""
    if kept is None:
        return found
    now = {line.asked: line for line in found.lines}
    lines = [now.pop(line.asked, line) for line in kept.lines] + list(now.values())
    versions = [_PLAYED.match(line.asked) for line in found.lines]
    played = {f"{endurance.FAULTS_IN} {version[1]}" for version in versions if version}
    cases = [case for case in kept.cases if case.group not in played]
    cases += [case for case in found.cases if case not in cases]
    return Chapter(found.name, found.command, lines, cases, found.notes)


if __name__ == "__main__":
    sys.exit(main())
