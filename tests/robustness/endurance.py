"""Endurance: random acts in every Blender; memory and sameness have chapters of their own.

python -m tests.robustness endurance [--scale 1.0] [--seed 0]
python -m tests.robustness.endurance_part acts 4.5      (one part, here in one Blender)
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import build_addon
from tests.blender.blenders import Blender, blenders, run_in_blender
from tests.robustness import endurance_plan
from tests.robustness.endurance_plan import Act
from tests.robustness.report import Case, Chapter, Line

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "in_blender"
COMMAND = "python -m tests.robustness endurance"
# Acts by Blender; the LTS in the middle does most.
MOST_ACTS, ACTS = 1000, 300
MOST_IN = "4.5"
# What can be measured alone.
MEASURED = ("acts",)
FAULTS_IN = "Faults in Blender"
Result = dict[str, Any]


class DiedError(Exception):
    """Blender ended without a word; the text says in which act."""


def run(scale: float, seed: int, measured: Sequence[str] = MEASURED, version: str = "") -> Chapter:
    """All of it, or some of MEASURED, in the Blenders whose version begins so."""
    results: Result = {"acts": {}, "seed": seed}
    with tempfile.TemporaryDirectory() as name:
        zip_path = build_addon.build("linux-x64", build_addon.DEFAULT_BUNDLE, Path(name))
        for blender in blenders() if "acts" in measured else ():
            if blender.version.startswith(version):
                most = MOST_ACTS if blender.version.startswith(MOST_IN) else ACTS
                count = max(1, round(scale * most))
                results["acts"][blender.version] = random_acts(blender, zip_path, seed, count)
    return chapter(results)


def random_acts(blender: Blender, zip_path: Path, seed: int, count: int) -> Result:
    """`count` acts in one Blender; each fault with the fewest acts that were found to make it."""
    acts = endurance_plan.draw(seed, count)
    result = play(blender, zip_path, acts, stops=False)
    for fault in result["faults"]:
        some = acts[fault["first"] : fault["number"] + 1]

        def fails(fewer: Sequence[Act]) -> bool:
            return bool(play(blender, zip_path, fewer, stops=True)["faults"])

        fault["acts"] = endurance_plan.shrunk(some, fails, most_tries=12)
    return result


def play(blender: Blender, zip_path: Path, acts: Sequence[Act], stops: bool) -> Result:
    """What came of a list of acts. A Blender that died is a fault of the act it died in."""
    plan = {"acts": list(acts), "stops": stops}
    try:
        return in_blender(blender, "random_acts.py", zip_path, plan, threads=1)
    except DiedError as error:
        number = error.args[1]
        fault = {"number": number, "first": 0, "act": acts[number], "text": error.args[0]}
        return {"done": number, "ended": {}, "faults": [fault], "sentences": {}, "memory": []}


def in_blender(
    blender: Blender, script: str, zip_path: Path, plan: Result, threads: int | None = None
) -> Result:
    """What a script of `in_blender` writes as its result. Raises DiedError."""
    before = os.environ.get("OMP_NUM_THREADS")
    if threads is not None:
        os.environ["OMP_NUM_THREADS"] = str(threads)
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "plan.json").write_text(json.dumps(plan))
            done = run_in_blender(blender, SCRIPTS / script, zip_path, folder, 7200.0)
            result, journal = folder / "result.json", folder / "journal.txt"
            number = journal.read_text() if journal.is_file() else "0"
            if not result.is_file() or number not in ("ended", "0"):
                told = (done.stdout + done.stderr)[-2000:]
                number = int(number) if number.isdigit() else 0
                raise DiedError(f"Blender ended with {done.returncode}: {told}", number)
            return json.loads(result.read_text())
    finally:
        if threads is not None:
            os.environ.pop("OMP_NUM_THREADS")
            if before is not None:
                os.environ["OMP_NUM_THREADS"] = before


def chapter(results: Result) -> Chapter:
    """The lines of what was measured."""
    lines, cases = [], []
    for version, result in results["acts"].items():
        lines.append(_acts_line(version, result, results["seed"]))
        cases += [_fault(version, fault) for fault in result["faults"]]
    read: dict[str, str] = {}
    for result in results["acts"].values():
        read |= {said: name.partition(":")[0] for name, said in result["sentences"].items()}
    for said, name in sorted(read.items(), key=lambda entry: (entry[1], entry[0])):
        plain = said.removeprefix("Error: ")
        if not plain.startswith("Operator bpy."):
            cases.append(Case("Acts that were refused", name, plain, True))
    return Chapter("endurance", COMMAND, lines, cases, NOTES)


NOTES = [
    "After every act: the artist's own keys, curves and other heads are as they were, weights are "
    "in [0, 1], the face in the viewport is finite, the list of clips fits the act, no data-block "
    "is left that nobody uses, no thread goes on. A refused or cancelled act leaves the file "
    "exactly as it was; an undo brings back exactly the file before the act and a redo the one "
    "after it; a file that is saved and opened again is exactly the same; an export is read back.",
    "Each fault is told with its acts; `endurance_plan.draw(seed, count)` draws them again. Faults "
    "found this way and mended are replayed by `make test` (`endurance_found.json`).",
    "A part alone is `python -m tests.robustness.endurance_part PART`: its lines take the place of "
    "those that were kept, and the others stay, so they may be of several runs.",
]


def _acts_line(version: str, result: Result, seed: int) -> Line:
    kinds = len(result["ended"])
    undone = sum(sum(result["ended"].get(k, {}).values()) for k in ("undo", "redo"))
    refused = sum(ended.get("refused", 0) for ended in result["ended"].values())
    told = f"{result['done']} acts of {kinds} kinds (seed {seed}), {undone} of them undo and redo, "
    told += f"{refused} refused or cancelled; {len(result['faults'])} faults"
    wanted = MOST_ACTS if version.startswith(MOST_IN) else ACTS
    is_reached = not result["faults"] and result["done"] >= wanted
    asked = f"{wanted} random acts in Blender {version}, the model of the file true after each"
    return Line(asked, told, is_reached)


def _fault(version: str, fault: Result) -> Case:
    if "acts" in fault:
        name = endurance_plan.told(fault["acts"])
    else:  # not shrunk
        last = endurance_plan.told([fault["act"]])
        name = f"acts {fault['first']} to {fault['number']} as drawn; at the last: {last}"
    return Case(f"{FAULTS_IN} {version}", name, _plain(fault["text"]), False)


def _plain(text: str) -> str:
    """A fault without the frames of a traceback, whose paths are this machine's."""
    head, has_frames, frames = text.partition("Traceback (most recent call last):")
    ends = [line for line in frames.splitlines() if line and not line.startswith((" ", "Location"))]
    return f"{head}{ends[-1] if ends else 'an error nobody expected'}" if has_frames else text
