"""Times of several works that take turns, so that a busy machine meets all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Work = Callable[[], object]

# A work shorter than this is repeated within its turn: its median then rests on more runs.
TURN_SECONDS = 0.1
MOST_RUNS_A_TURN = 10


@dataclass(frozen=True)
class Timing:
    """Seconds of one work over all its runs; processor_seconds counts every thread."""

    median: float
    fastest: float
    slowest: float
    processor_seconds: float
    num_runs: int


def take_turns(
    works: Mapping[str, Work], repetitions: int, finish: Work = lambda: None
) -> dict[str, Timing]:
    """Each work's times over `repetitions` rounds in which every work has its turn.

    finish: waits for what a work has started elsewhere (a GPU). A first round, not counted, warms
    caches and allocators up and tells how many runs of a work fill its turn.
    """
    runs_a_turn = {name: _runs_a_turn(work, finish) for name, work in works.items()}
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for _ in range(repetitions):
        for name, work in works.items():
            samples[name] += [_seconds(work, finish) for _ in range(runs_a_turn[name])]
    return {name: _timing(times) for name, times in samples.items()}


def _runs_a_turn(work: Work, finish: Work) -> int:
    elapsed, _ = _seconds(work, finish)
    return max(1, min(MOST_RUNS_A_TURN, round(TURN_SECONDS / elapsed)))


def _seconds(work: Work, finish: Work) -> tuple[float, float]:
    started, processor_started = time.perf_counter(), time.process_time()
    work()
    finish()
    return time.perf_counter() - started, time.process_time() - processor_started


def _timing(samples: list[tuple[float, float]]) -> Timing:
    elapsed, processor = zip(*samples, strict=True)
    return Timing(
        statistics.median(elapsed),
        min(elapsed),
        max(elapsed),
        statistics.median(processor),
        len(samples),
    )
