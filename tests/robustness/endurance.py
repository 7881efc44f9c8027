"""Endurance: random acts in every Blender, memory over 200 generations, and the same bytes again.

python -m tests.robustness endurance [--scale 1.0] [--seed 0]
python -m tests.robustness.endurance_part acts 4.5      (one part, here in one Blender)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

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
GENERATIONS = 200
# What 200 generations may add at most, MB each: a leaked clip of the head would be above 1.
MOST_MB = 0.05
# Threads of the libraries, parts of a clip at a time, seed of Python's hashes.
SETTINGS = ((1, 1, "0"), (2, 2, "1"), (2, 4, "random"))
PARTS = "motion,bakes,match,bundles"
# What can be measured alone.
MEASURED = ("acts", "memory", "exports", "bytes", "training")
FAULTS_IN = "Faults in Blender"
Result = dict[str, Any]


class DiedError(Exception):
    """Blender ended without a word; the text says in which act."""


def run(scale: float, seed: int, measured: Sequence[str] = MEASURED, version: str = "") -> Chapter:
    """All of it, or some of MEASURED: some 15 minutes of a processor at full scale.

    version: random acts in the Blenders whose version begins so.
    """
    results: Result = {"acts": {}, "seed": seed}
    with tempfile.TemporaryDirectory() as name:
        zip_path = build_addon.build("linux-x64", build_addon.DEFAULT_BUNDLE, Path(name))
        for blender in blenders() if "acts" in measured else ():
            if blender.version.startswith(version):
                most = MOST_ACTS if blender.version.startswith(MOST_IN) else ACTS
                count = max(1, round(scale * most))
                results["acts"][blender.version] = random_acts(blender, zip_path, seed, count)
        middle = next((b for b in blenders() if b.version.startswith(MOST_IN)), None)
        generations = max(20, round(scale * GENERATIONS))
        if "memory" in measured:
            results["core memory"] = core_memory(generations)
        if "memory" in measured and middle is not None:
            results["memory"] = in_blender(
                middle, "steady_memory.py", zip_path, {"generations": generations}
            )
        if "exports" in measured and middle is not None:
            results["exports"] = [
                in_blender(middle, "export_twice.py", zip_path, {}, threads)
                for threads, _, _ in SETTINGS[:2]
            ]
    if "bytes" in measured:
        results["bytes"] = [same_bytes(*setting) for setting in SETTINGS]
    if "training" in measured:
        results["training"] = [same_bytes(*s, parts="training") for s in SETTINGS[:2]]
        results["training again"] = same_bytes(1, 1, "random", parts="training")
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


def core_memory(generations: int) -> list[float]:
    """MB after each of so many generations in the core alone, in a process of its own."""
    return json.loads(_python("tests.robustness.core_memory", str(generations)))


def same_bytes(threads: int, workers: int, hash_seed: str, parts: str = PARTS) -> dict[str, str]:
    """Hashes of everything that is made, in a process of its own."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "PYTHONHASHSEED": hash_seed,
    }
    options = ("--parts", parts, "--workers", str(workers))
    return json.loads(_python("tests.robustness.same_bytes", *options, environment=environment))


def slope(memory: Sequence[float]) -> float:
    """MB that each generation adds, by least squares over all but the first tenth."""
    later = np.asarray(memory, float)[len(memory) // 10 :]
    return float(np.polyfit(np.arange(len(later)), later, 1)[0])


def chapter(results: Result) -> Chapter:
    """The lines of what was measured."""
    lines, cases = [], []
    for version, result in results["acts"].items():
        lines.append(_acts_line(version, result, results["seed"]))
        cases += [_fault(version, fault) for fault in result["faults"]]
    lines += [*_memory_lines(results), *_byte_lines(results)]
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


def _memory_lines(results: Result) -> list[Line]:
    lines = []
    places = (("core memory", "the core"), ("memory", "Blender, baked and removed each time"))
    for name, where in places:
        if name not in results:
            continue
        found = results[name]
        memory = found if isinstance(found, list) else found["memory_mb"]
        growth = slope(memory)
        lines.append(
            Line(
                f"memory flat over {GENERATIONS} generations in {where}: at most {MOST_MB} MB each",
                f"{growth:+.3f} MB each over {len(memory)}",
                growth <= MOST_MB and len(memory) >= GENERATIONS,
            )
        )
    if "memory" in results:
        found = results["memory"]
        same = found["before"] == found["after"]
        files, threads = found["files"], len(found["threads"])
        lines.append(
            Line(
                "no data-block, open file or thread is left behind by them",
                f"{'the same data-blocks' if same else 'other data-blocks'}, {files[0]} files "
                f"before and {files[1]} after, {threads} thread",
                same and files[0] == files[1] and threads == 1,
            )
        )
    return lines


def _byte_lines(results: Result) -> list[Line]:
    settings = "1 and 2 threads, 1, 2 and 4 parts at a time, three hash seeds of Python"
    named = (
        ("bytes", f"the same bytes from {settings}"),
        ("exports", "the same keys, curves, records and FBX (but its time) from two Blenders"),
        ("training", "the same weights from a training on 1 and on 2 threads"),
    )
    lines = []
    for name, asked in named:
        if name in results:
            lines.append(_same_line(asked, results[name]))
    if "training again" in results:
        twice = [results["training"][0], results["training again"]]
        lines.append(_same_line("the same weights from a training in two processes", twice))
    return lines


def _same_line(asked: str, made: Sequence[dict[str, str]]) -> Line:
    other = sorted(n for n in made[0] if any(m.get(n) != made[0][n] for m in made[1:]))
    told = f"{len(made[0])} products in {len(made)} processes"
    told += f"; other bytes: {', '.join(other)}" if other else ", all the same"
    return Line(asked, told, not other)


def _python(module: str, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """The last line that a module of the tests prints."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=7200
    )
    if done.returncode:
        raise RuntimeError(f"{module} failed: {done.stderr[-2000:]}")
    return done.stdout.splitlines()[-1]
