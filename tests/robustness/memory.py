"""Endurance: memory over hundreds of generations, in the core and in Blender.

python -m tests.robustness memory [--scale 1.0]

What is in use the C library tells: handed out and not given back. What is resident is more: freed
pieces between those in use are kept for later, and how many depends on the order in which pieces
of all sizes came and went. So Blender is run once more with a C library that gives every larger
piece back at once: what is resident there is in use.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import build_addon
from tests.blender.blenders import blenders
from tests.robustness.child import in_blender, in_python
from tests.robustness.report import Chapter, Line

COMMAND = "python -m tests.robustness memory"
MIDDLE = "4.5"
GENERATIONS = 200
# Of the run as an artist's Blender makes it: what is kept for later grows in ever rarer steps.
LONG_GENERATIONS = 3 * GENERATIONS
# What a generation may add at most, MB: a leaked clip of the head would be above 1.
MOST_MB = 0.05
# Rounds of every mode before memory is compared: caches are full by then.
WARM_UP = 15
# Blender keeps 32 undo steps; until there are so many, each round adds one.
UNDO_WARM_UP, UNDO_GENERATIONS = 36, 60
# glibc: pieces of more bytes come from the system alone, and go back there when they are freed.
AT_ONCE_GENERATIONS = 60
AT_ONCE = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "131072"}
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
Result = dict[str, Any]


def run(scale: float, seed: int) -> Chapter:
    """Quarter of an hour of a processor at full scale, two runs at a time."""
    blender = next((b for b in blenders() if b.version.startswith(MIDDLE)), None)
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        zip_path = build_addon.build("linux-x64", build_addon.DEFAULT_BUNDLE, Path(name))

        def begin(how: str, count: int, warm_up: int = WARM_UP, **settings: str) -> Future[Result]:
            assert blender is not None
            generations = max(20, round(scale * count))
            plan = {"how": how, "generations": generations, "warm_up": warm_up}
            settings = {**ONE_THREAD, **settings}
            return pool.submit(in_blender, blender, "steady_memory.py", zip_path, plan, **settings)

        begun = {}
        if blender is not None:
            begun = {
                "as it comes": begin("facegen", LONG_GENERATIONS),
                "undo": begin("undo", UNDO_GENERATIONS, UNDO_WARM_UP),
                "at once": begin("facegen", AT_ONCE_GENERATIONS, **AT_ONCE),
                "alone": begin("blender", AT_ONCE_GENERATIONS, **AT_ONCE),
            }
        count = max(20, round(scale * GENERATIONS))
        core = pool.submit(in_python, "tests.robustness.core_memory", str(count), **ONE_THREAD)
        found = {name: future.result() for name, future in begun.items()}
    return chapter(core.result(), found, blender.version if blender else MIDDLE)


def chapter(core: Sequence[float], found: Mapping[str, Result], version: str) -> Chapter:
    """The lines of what the core said, resident MB, and of what was said in Blender."""
    where = f"in Blender {version}, baked and removed each time"
    lines = [flat_line("resident memory in the core", core, GENERATIONS)]
    if "as it comes" in found:
        memory = found["as it comes"]
        lines.append(flat_line(f"memory in use {where}", memory["in_use_mb"], GENERATIONS))
        lines.append(_settled_line(where, memory["resident_mb"]))
    if "undo" in found:
        asked = f"memory in use {where}, with undo steps"
        lines.append(flat_line(asked, found["undo"]["in_use_mb"], UNDO_GENERATIONS))
    if "at once" in found:
        lines.append(
            flat_line(
                f"resident memory {where}, glibc giving freed memory back at once",
                found["at once"]["resident_mb"],
                AT_ONCE_GENERATIONS,
                f"; the same keys written by Blender alone "
                f"{slope(found['alone']['resident_mb']):+.4f}",
            )
        )
    if found:
        lines.append(_nothing_left([found[name] for name in found if name != "alone"]))
    else:
        lines.append(Line("memory in Blender", f"no Blender {MIDDLE} here", False))
    return Chapter("memory", COMMAND, lines, notes=NOTES)


NOTES = [
    "In use: what glibc handed out to Blender, Python and NumPy and did not get back "
    "(`mallinfo2`). Resident: what Linux counts (`/proc/self/statm`), with code and with freed "
    "pieces that glibc keeps between those in use. These pieces are what grows in an artist's "
    "Blender, in ever rarer steps: the other lines tell it apart from a leak. Giving back at once: "
    "every piece above 64 kB (`MALLOC_MMAP_THRESHOLD_`).",
]


def flat_line(what: str, memory: Sequence[float], wanted: int, besides: str = "") -> Line:
    """Whether so many generations as are wanted add next to nothing."""
    growth = slope(memory)
    return Line(
        f"{what}, flat over {wanted} generations: at most {MOST_MB} MB each",
        f"{growth:+.4f} MB each over {len(memory)}{besides}",
        growth <= MOST_MB and len(memory) >= wanted,
    )


def _settled_line(where: str, resident: Sequence[float]) -> Line:
    """What is resident as it comes: it settles, so the last generations count."""
    third = len(resident) // 3
    early, late = slope(resident[:third]), slope(resident[-third:])
    return Line(
        f"resident memory {where}, flat over the last {GENERATIONS} generations of "
        f"{LONG_GENERATIONS}: at most {MOST_MB} MB each",
        f"{late:+.4f} MB each over the last {third}, {early:+.4f} over the first {third}; from "
        f"{resident[0]:.0f} to {resident[-1]:.0f} MB over all {len(resident)}",
        late <= MOST_MB and third >= GENERATIONS,
    )


def slope(memory: Sequence[float]) -> float:
    """MB that each generation adds, by least squares."""
    return float(np.polyfit(np.arange(len(memory)), np.asarray(memory, float), 1)[0])


def _nothing_left(results: Sequence[Result]) -> Line:
    same = all(result["before"] == result["after"] for result in results)
    files = [count for result in results for count in result["files"]]
    threads = [thread for result in results for thread in result["threads"]]
    told = f"{'the same' if same else 'other'} data-blocks, {files[0]} files before and "
    told += f"{max(files)} after, {len(threads) // len(results)} thread"
    is_kept = same and len(set(files)) == 1 and threads == ["MainThread"] * len(results)
    return Line("no data-block, open file or thread is left behind by any of them", told, is_kept)
