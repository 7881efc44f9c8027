"""Hundreds of heads, a process each, so that one that crashes costs one head.

A head works in a folder of its own, `.<name>.unfinished`, which becomes `<name>` when all is
written; what is there is whole. A head whose folder was made of the same file by the same arguments
is not made again.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter
from typing import Any

import facegen_core
from facegen_core import files
from facegen_core.errors import FacegenError
from facegen_core.held import alone
from facegen_core.json_text import read_json
from facegen_core.worker_lending import Lender

from ..engine import Choice
from . import batch_page
from .batch_jobs import Job
from .batch_options import BatchRequest
from .batch_processes import Processes, lenders
from .engine_options import arguments_of

BATCH_VERSION = 1
# In the folder of a head: how it was made. Its presence says that all else is there.
_STAMP = "made.json"
# Of the folder of a head, while another takes its place.
_ASIDE = ".before.unfinished"
# Held while a batch is at work in a folder.
_LOCK = ".facegen-batch.lock"
# What a head is made with: the engine, and who keeps its GPU worker.
Seat = tuple[Choice, Lender | None]
# Options of the batch that `facegen replay` has too.
_OF_RECORDS = ("--preset", "--root-bone", "--no-root-bone", "--bundle")


@dataclass(frozen=True)
class Outcome:
    """What came of a head. status: done, skipped (was finished) or failed; sentence: why failed."""

    job: Job
    status: str
    seconds: float = 0.0
    sentence: str = ""
    report: dict[str, Any] = field(default_factory=dict)
    files: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.job.name,
            "head": str(self.job.source),
            "expressions": list(self.job.expressions),
            "status": self.status,
            "seconds": round(self.seconds, 2),
            "sentence": self.sentence,
            "files": list(self.files),
            "report": self.report,
        }


def run_batch(request: BatchRequest, tell: Callable[[str], None]) -> list[Outcome]:
    """Make every head, then batch.json and index.html; returns what came of each, in order.

    On KeyboardInterrupt the processes are ended, nothing unfinished stays, and the page tells of
    what is finished; then it is raised again. Raises FacegenError when the folder cannot be used
    or another batch is at work in it.
    """
    folder = request.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise files.unwritable(folder, error) from error
    held = f"Another batch is at work in {folder}: wait until it is done, or choose another --out."
    with alone(folder / _LOCK, held):
        _clear(folder)
        return _run(request, tell)


def _run(request: BatchRequest, tell: Callable[[str], None]) -> list[Outcome]:
    processes = Processes()
    outcomes: dict[str, Outcome] = {}
    try:
        with (
            _seats(request) as seats,
            ThreadPoolExecutor(request.num_processes, "facegen-batch") as pool,
        ):
            try:
                waiting = [
                    pool.submit(_make, request, job, processes, seats) for job in request.jobs
                ]
                for done in as_completed(waiting):
                    outcome = done.result()
                    outcomes[outcome.job.name] = outcome
                    tell(_line(outcome, len(outcomes), len(request.jobs)))
            except BaseException:
                processes.stop()
                pool.shutdown(cancel_futures=True)
                raise
    finally:
        processes.close()
        ordered = [outcomes[job.name] for job in request.jobs if job.name in outcomes]
        _write_results(request, ordered)
    return ordered


def _clear(folder: Path) -> None:
    """Remove what a batch that was killed left unfinished; no other batch may be at work here."""
    try:
        for left in folder.glob(".*.unfinished"):
            final = folder / left.name.removeprefix(".").removesuffix(_ASIDE)
            if left.name.endswith(_ASIDE) and not final.exists():
                os.replace(left, final)  # killed before another took its place
            else:
                shutil.rmtree(left)
    except OSError as error:
        raise files.unwritable(folder, error) from error


@contextmanager
def _seats(request: BatchRequest) -> Iterator[SimpleQueue[Seat]]:
    """An engine for every process: the devices in turn, so that each has as many as the others.

    Their GPU workers stay from head to head, and end here, once all seats are free: where Ctrl-C
    comes while a thread of the pool is being started, the pool itself does not wait for that one.
    """
    seats: SimpleQueue[Seat] = SimpleQueue()
    choices = [request.engines[k % len(request.engines)] for k in range(request.num_processes)]
    kept = lenders(choices)
    for seat in zip(choices, kept, strict=True):
        seats.put(seat)
    try:
        yield seats
    finally:
        for _ in kept:
            lender = seats.get()[1]
            if lender is not None:
                lender.close()


def _make(
    request: BatchRequest, job: Job, processes: Processes, seats: SimpleQueue[Seat]
) -> Outcome:
    """One head, from start to its finished folder; what goes wrong becomes its sentence."""
    started, (engine, lender) = perf_counter(), seats.get()
    final, work = request.folder / job.name, request.folder / f".{job.name}.unfinished"
    try:
        stamp = _stamp(request, job)
        if not request.is_again and _is_made(final, stamp):
            return _read(job, final, "skipped", _read_json(final / _STAMP).get("seconds", 0.0))
        work.mkdir()
        command = [*_arguments(request, job), *arguments_of(engine)]
        code, said = processes.run(command, work, request.timeout_seconds, lender)
        if code != 0:
            return Outcome(job, "failed", perf_counter() - started, _sentence(code, said))
        seconds = perf_counter() - started
        text = json.dumps({**stamp, "seconds": round(seconds, 2)}, indent=1) + "\n"
        files.write_text(work / _STAMP, text)
        _put_in_place(work, final)
        return _read(job, final, "done", seconds)
    except subprocess.TimeoutExpired:
        late = f"It took longer than {request.timeout_seconds:g} s and was given up."
        return Outcome(job, "failed", perf_counter() - started, late)
    except FacegenError as error:
        return Outcome(job, "failed", perf_counter() - started, str(error))
    except OSError as error:
        sentence = str(files.unwritable(final, error))
        return Outcome(job, "failed", perf_counter() - started, sentence)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        seats.put((engine, lender))


def _put_in_place(work: Path, final: Path) -> None:
    """The folder that is finished takes the place of the one before, which is whole until then."""
    aside = final.parent / f".{final.name}{_ASIDE}"
    if final.exists():
        os.replace(final, aside)
    try:
        files.replace(work, final)
    except OSError:
        if aside.exists():
            os.replace(aside, final)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _arguments(request: BatchRequest, job: Job) -> list[str]:
    """The command line of one head, run in its unfinished folder; without the engine, which
    decides nothing that anybody could see.
    """
    verb = "replay" if job.is_record else "generate"
    found = [sys.executable, "-m", "blender_addon.cli", verb, str(job.source.resolve())]
    # Each in one piece with its value, so that no name of a head can be taken for an option.
    found += [f"--expression={expression}" for expression in job.expressions]
    if job.is_record:  # which knows how it is played, but not where the clip goes
        found += [text for text in request.arguments if text.partition("=")[0] in _OF_RECORDS]
    else:
        found += request.arguments
        found += [f"--picture={job.name}.png"] if request.has_pictures else []
    found += ["--report", "report.json"]
    return found + [f"--output={job.name}.{f}" for f in request.formats]


def _stamp(request: BatchRequest, job: Job) -> dict[str, Any]:
    """What a head is made of; equal stamps make equal heads."""
    stat = job.source.stat()
    return {
        "facegen": facegen_core.__version__,
        "head": str(job.source.resolve()),
        "size": stat.st_size,
        "modified_ns": stat.st_mtime_ns,
        "arguments": _arguments(request, job)[3:],
    }


def _is_made(folder: Path, stamp: dict[str, Any]) -> bool:
    made = _read_json(folder / _STAMP)
    return bool(made) and {key: made.get(key) for key in stamp} == stamp


def _read(job: Job, folder: Path, status: str, seconds: float) -> Outcome:
    files = sorted(p.name for p in folder.iterdir() if p.name != _STAMP)
    return Outcome(job, status, seconds, "", _read_json(folder / "report.json"), tuple(files))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _sentence(code: int, said: str) -> str:
    """Why a process failed, from its exit code and stderr."""
    own = [line for line in said.splitlines() if line.startswith("facegen: ")]
    if own and code > 0:
        return own[-1].removeprefix("facegen: ")
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        return f"Blender crashed ({name}); the other heads went on."
    last = [line.strip() for line in said.splitlines() if line.strip()]
    return last[-1] if last else f"The process ended with code {code}."


def _line(outcome: Outcome, number: int, total: int) -> str:
    told = {"done": f"{outcome.seconds:.0f} s", "skipped": "finished already"}
    fit = outcome.report.get("registration", {})
    words = told.get(outcome.status, f"FAILED: {outcome.sentence}")
    verdict = f"{fit['verdict']}, " if fit and outcome.status != "failed" else ""
    return f"[{number}/{total}] {outcome.job.name}: {verdict}{words}"


def _write_results(request: BatchRequest, outcomes: list[Outcome]) -> None:
    content = {
        "batch_version": BATCH_VERSION,
        "facegen": facegen_core.__version__,
        "asked": len(request.jobs),
        "failed": sum(outcome.status == "failed" for outcome in outcomes),
        "heads": [outcome.as_json() for outcome in outcomes],
    }
    texts = {
        "batch.json": json.dumps(content, indent=1) + "\n",
        "index.html": batch_page.page(content),
    }
    for name, text in texts.items():
        files.write_text(request.folder / name, text)
