"""Which heads are tried, and the checks one after the other."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.benchmarks import machine
from tests.benchmarks.heads import invariance_check, landmark_check, not_a_face, speed
from tests.benchmarks.heads.motion_checks import MOTION_CHECKS
from tests.benchmarks.heads.motion_trials import MAKEHUMAN, Measures, measure
from tests.benchmarks.heads.outcome import CHECKS, Outcome
from tests.benchmarks.heads.sheet_rows import SHEET_ROWS, draw_sheets
from tests.benchmarks.heads.variations import MAKEHUMAN_VARIATIONS, TESSELLATIONS, VARIATIONS

Job = tuple[int | str, str]

# Identities whose motion is looked at: the first as many as asked for.
FACES = (5, 0, 1, 2, 3, 4, 6, 7, 8, 9)


@dataclass(frozen=True)
class Plan:
    """How much is measured; the quick plan is for a test.

    heads: whose motion is looked at, each as every tessellation; the first as all variations.
    """

    landmark_heads: int = 200
    heads: tuple[int, ...] = FACES[:2]
    tessellations: tuple[str, ...] = TESSELLATIONS
    others: tuple[str, ...] = tuple(
        name for name in VARIATIONS
        if name not in TESSELLATIONS and name not in invariance_check.MOVED
    )  # fmt: skip
    makehuman: tuple[str, ...] = MAKEHUMAN_VARIATIONS
    moved: tuple[str, ...] = (*invariance_check.MOVED, invariance_check.OBJECT)
    things: tuple[str, ...] = tuple(not_a_face.THINGS)
    sizes: tuple[int, ...] = (20_000, 200_000)
    memory_size: int = 1_000_000
    sheet_rows: tuple[Job, ...] = SHEET_ROWS
    threads: int = field(default_factory=lambda: min(2, os.cpu_count() or 1))

    def trials(self) -> list[Job]:
        """(head, variation) of every head that is moved."""
        jobs: list[Job] = [(head, name) for head in self.heads for name in self.tessellations]
        jobs += [(self.heads[0], name) for name in self.others]
        return jobs + [(MAKEHUMAN, name) for name in self.makehuman]


QUICK = Plan(
    landmark_heads=1,
    heads=FACES[1:2],
    tessellations=("decimated to 500",),
    others=("mouth sealed",),
    makehuman=(),
    moved=("turned",),
    things=("cube",),
    sizes=(20_000,),
    memory_size=20_000,
    sheet_rows=((2, "decimated to 500"),),
)


def run(
    plan: Plan, checks: Sequence[str], jobs: int, figures: Path, tell: Callable[[str], None]
) -> tuple[dict[str, Outcome], dict[str, Any]]:
    """Outcomes by check, and how it was run, as JSON values."""
    started, load = time.perf_counter(), _load()
    outcomes: dict[str, Outcome] = {}
    runs: dict[int, speed.Run] = {}
    if "time" in checks:
        tell("time")
        runs = {size: speed.measure(size, plan.threads) for size in plan.sizes}
        outcomes["time"] = speed.speed(runs, plan.threads)
    if "memory" in checks:
        tell("memory")
        size = plan.memory_size
        outcomes["memory"] = speed.memory(runs.get(size) or speed.measure(size, plan.threads))
    with _workers(jobs, tell) as spread:
        if any(name in checks for name in MOTION_CHECKS):
            tell(f"{len(plan.trials())} heads matched and moved")
            trials: list[Measures] = spread(_measure, plan.trials())
            for name, check in MOTION_CHECKS.items():
                if name in checks:
                    outcomes[name] = check(trials)
        if "landmarks" in checks:
            tell(f"landmarks of {plan.landmark_heads} heads")
            found = spread(landmark_check.find_landmarks, list(range(plan.landmark_heads)))
            outcomes["landmarks"] = landmark_check.landmarks(found)
    if "invariance" in checks:
        tell("rotation, scale, unit, object transform")
        outcomes["invariance"] = invariance_check.invariance(plan.heads[0], plan.moved)
    if "not_a_face" in checks:
        tell("what is no face")
        outcomes["not_a_face"] = not_a_face.not_a_face(plan.things)
    if "sheets" in checks:
        tell(f"contact sheets of {len(plan.sheet_rows)} heads")
        outcomes["sheets"] = draw_sheets(plan.sheet_rows, figures)
    about = {
        "commit": machine.commit(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "seconds": time.perf_counter() - started,
        "load_before": load,
        "machine": asdict(machine.describe(plan.threads)),
    }
    return {name: outcomes[name] for name in CHECKS if name in outcomes}, about


def _measure(job: Job) -> Measures:
    return measure(*job)


Spread = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]


@contextmanager
def _workers(jobs: int, tell: Callable[[str], None]) -> Iterator[Spread]:
    """A way to do the same for many, here or in so many processes of their own."""

    def collect(results: Iterable[Any], count: int) -> list[Any]:
        found = []
        for number, result in enumerate(results, 1):
            found.append(result)
            tell(f"{number:5d} of {count}: {result.summary()}")
        return found

    if jobs == 1:
        yield lambda work, items: collect(map(work, items), len(items))
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield lambda work, items: collect(pool.map(work, items), len(items))


def _load() -> float | None:
    """Processes that wanted to run in the last minute, where the system tells."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None
