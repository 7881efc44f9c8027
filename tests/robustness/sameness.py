"""Endurance: the same inputs make the same bytes, whatever the threads and the process.

python -m tests.robustness sameness
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import build_addon
from tests.blender.blenders import Blender, blenders
from tests.robustness.child import in_blender, in_python
from tests.robustness.report import Chapter, Line

COMMAND = "python -m tests.robustness sameness"
MIDDLE = "4.5"
# Threads of the libraries, parts of a clip at a time, seed of Python's hashes.
SETTINGS = ((1, 1, "0"), (2, 2, "1"), (2, 4, "random"))
PARTS = "motion,bakes,match,bundles"
Digests = Mapping[str, str]


def run(scale: float, seed: int) -> Chapter:
    """All of it, whatever the scale: ten minutes of a processor."""
    core = [made(PARTS, *setting) for setting in SETTINGS]
    # The seed of Python's hashes is drawn in each process.
    trained = [made("training", threads, 1, "random") for threads in (1, 1, 2)]
    blender = next((b for b in blenders() if b.version.startswith(MIDDLE)), None)
    exported: list[Digests] = []
    if blender is not None:
        with tempfile.TemporaryDirectory() as name:
            zip_path = build_addon.build("linux-x64", build_addon.DEFAULT_BUNDLE, Path(name))
            exported = [written(blender, zip_path, threads) for threads in (1, 2)]
    return chapter(core, exported, trained)


def made(parts: str, threads: int, workers: int, hash_seed: str) -> Digests:
    """Hashes of what parts of `same_bytes` make, in a process of its own."""
    options = ("--parts", parts, "--workers", str(workers))
    settings = {**_threads(threads), "PYTHONHASHSEED": hash_seed}
    return in_python("tests.robustness.same_bytes", *options, **settings)


def written(blender: Blender, zip_path: Path, threads: int) -> Digests:
    """Hashes of what Facegen writes in a Blender; its exporter numbers nodes by Python's hashes."""
    settings = {**_threads(threads), "PYTHONHASHSEED": "0"}
    return in_blender(blender, "export_twice.py", zip_path, {}, **settings)


def chapter(
    core: Sequence[Digests], exported: Sequence[Digests], trained: Sequence[Digests]
) -> Chapter:
    """The lines of what processes made: in SETTINGS, in Blenders of 1 and 2 threads, and weights
    of a training twice on 1 thread and once on 2.
    """
    lines = [
        same_line(
            "the same bytes of motion, layers, variations, bakes, a match and a bundle "
            "on 1 and 2 threads, 1, 2 and 4 parts at a time, three hash seeds of Python",
            core,
        ),
        same_line(
            f"the same keys, curves, records and FBX (but its time) from Blender {MIDDLE} on 1 and "
            "on 2 threads",
            exported,
        ),
        same_line("the same weights from a training in two processes", trained[:2]),
        same_line("the same weights from a training on 1 and on 2 threads", trained[1:]),
    ]
    return Chapter("sameness", COMMAND, lines)


def same_line(asked: str, found: Sequence[Digests]) -> Line:
    """Whether all processes made the same; the names of what differs."""
    names = sorted({name for digests in found for name in digests})
    other = [name for name in names if len({digests.get(name) for digests in found}) > 1]
    told = f"{len(names)} products in {len(found)} processes"
    told += f"; other bytes: {', '.join(other)}" if other else ", all the same"
    return Line(asked, told, bool(names) and not other)


def _threads(number: int) -> dict[str, str]:
    return {"OMP_NUM_THREADS": str(number), "OPENBLAS_NUM_THREADS": str(number)}
