"""Which engine generates the motion: the built-in one, or a GPU worker that stays for the session.

The worker is a process of its own with PyTorch (`facegen_core.worker_client`). It is started when
first asked for something, and ended when its work is cancelled, when another engine is chosen, when
the add-on goes, and with Blender. Where it cannot be used the built-in engine does the work and
says so: the two agree within 0.0001 mm. Nothing in here touches Blender, so any thread may call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from facegen_core.bundle import Bundle
from facegen_core.errors import CancelledError, WorkerError
from facegen_core.motion_engine import MotionEngine
from facegen_core.progress import Progress, no_progress
from facegen_core.worker_client import SelfTest, Worker, WorkerReport
from facegen_core.worker_lending import LentWorker

Made = TypeVar("Made")

# What the two engines may differ by, mm; asserted in tests and measured by the self-test.
TOLERANCE_MM = 1e-4
BUILT_IN_WORDS = "built-in"


@dataclass(frozen=True)
class Choice:
    """An engine to use. python: of the worker, None where none is known. device: "auto" or one."""

    is_worker: bool = False
    python: Path | None = None
    device: str = "auto"


BUILT_IN = Choice()


@dataclass(frozen=True)
class Used:
    """What made a motion. words: for a record. notes: sentences for the artist, mostly none."""

    words: str = BUILT_IN_WORDS
    notes: tuple[str, ...] = ()

    @property
    def is_worker(self) -> bool:
        return self.words != BUILT_IN_WORDS


BY_BUILT_IN = Used()

_lock = threading.Lock()
# The worker of the session and the choice it is of; and what is known of choices, to be shown.
_resident: tuple[Choice, Worker] | None = None
# One that somebody else keeps, for the first worker of this process.
_borrowed: LentWorker | None = None
_problems: dict[Choice, str] = {}
_tests: dict[Choice, SelfTest] = {}


def run(
    choice: Choice,
    bundle_file: Path,
    make: Callable[[MotionEngine | None], Made],
    progress: Progress = no_progress,
) -> tuple[Made, Used]:
    """What `make` makes with the chosen engine, None being the built-in one, and which it was.

    A worker that cannot be used costs a note, never the work. Raises what `make` raises otherwise.
    """
    if not choice.is_worker:
        return make(None), BY_BUILT_IN
    try:
        worker = _worker_of(choice)
        num_told = len(worker.notices)
        report = worker.start(progress)
        made = make(worker.engine(bundle_file))
    except WorkerError as error:
        _problems[choice] = why = str(error)
        note = f"The built-in engine did this, for the GPU worker could not be used: {why}"
        return make(None), Used(notes=(note,))
    except CancelledError:
        progress(0.0, "Going on with the built-in engine")  # raises where the artist cancelled
        note = "The built-in engine did this, for the GPU worker was closed meanwhile."
        return make(None), Used(notes=(note,))
    _problems.pop(choice, None)
    return made, Used(words_of(report), tuple(worker.notices[num_told:]))


def check(choice: Choice, progress: Progress = no_progress) -> WorkerReport:
    """Start the worker, or ask the one that runs, what it is. Raises WorkerError."""
    return _remembering(choice, lambda worker: worker.start(progress))


def self_test(
    choice: Choice, bundle: Bundle, bundle_file: Path, progress: Progress = no_progress
) -> SelfTest:
    """The same motions by both engines: seconds of each, and how far they differ at most."""
    tested = _remembering(choice, lambda worker: worker.self_test(bundle, bundle_file, progress))
    _tests[choice] = tested
    return tested


def is_equal(tested: SelfTest) -> bool:
    """Whether both engines made the same motion."""
    return tested.largest_difference_mm <= TOLERANCE_MM


def test_sentence(tested: SelfTest) -> str:
    """A self-test in one line."""
    return (
        f"{tested.frames} frames: GPU worker {tested.worker_seconds:.2f} s, built-in "
        f"{tested.built_in_seconds:.2f} s, largest difference {tested.largest_difference_mm:.6f} mm"
    )


def words_of(report: WorkerReport) -> str:
    """A worker in one line: "GPU worker on NVIDIA L4 (cuda:0), torch 2.9.0"."""
    return f"GPU worker on {report.device_name} ({report.device}), torch {report.torch_version}"


def running_report(choice: Choice) -> WorkerReport | None:
    """What the worker of a choice told of itself, None where it does not run."""
    resident = _resident
    if resident is None or resident[0] != choice or not resident[1].is_running:
        return None
    return resident[1].report


def last_problem(choice: Choice) -> str:
    """Why the worker of a choice could not be used when it was last tried, else empty."""
    return _problems.get(choice, "")


def last_test(choice: Choice) -> SelfTest | None:
    return _tests.get(choice)


def borrow(lent: LentWorker) -> None:
    """Use a worker that runs already, of the engine this process will be asked for."""
    global _borrowed
    _borrowed = lent


def close() -> None:
    """End the worker, if there is one; the next act that needs it starts it again."""
    global _resident
    with _lock:
        resident, _resident = _resident, None
    if resident is not None:
        resident[1].close()


def _remembering(choice: Choice, act: Callable[[Worker], Made]) -> Made:
    """Do something with the worker, and keep why it could not be done."""
    try:
        made = act(_worker_of(choice))
    except WorkerError as error:
        _problems[choice] = str(error)
        raise
    _problems.pop(choice, None)
    return made


def _worker_of(choice: Choice) -> Worker:
    """The worker of a choice, which takes the place of another. Raises WorkerError."""
    global _borrowed, _resident
    if choice.python is None:
        raise WorkerError(
            "No Python with PyTorch is chosen: choose one in the preferences of Facegen, or set "
            "up the GPU engine there."
        )
    with _lock:
        if _resident is not None and _resident[0] == choice:
            return _resident[1]
        if _resident is not None:
            _resident[1].close()
        lent, _borrowed = _borrowed, None
        _resident = choice, Worker(choice.python, choice.device, lent=lent)
        return _resident[1]
