"""The processes of a batch: started, ended all at once, and ending with the batch by themselves.

A batch that is killed can end nobody, and heads that nobody waits for would go on for minutes.
Its processes therefore read a pipe that it holds: where that closes, the batch is gone. Nothing
comes through it but what a GPU worker answers that the batch lends to the process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from facegen_core.worker_channel import own_pipes
from facegen_core.worker_client import CORE
from facegen_core.worker_lending import Lender, LentWorker

from .. import engine
from ..engine import Choice

EXIT_ORPHANED = 3
# Set in the environment of the processes: what their stdin is.
_STDIN, _EMPTY, _WORKER = "FACEGEN_STDIN_OF_BATCH", "empty", "worker"
_ROOT = Path(__file__).resolve().parents[2]


def end_with_batch() -> None:
    """Watch the batch, where this process is one of its."""
    stdin = os.environ.pop(_STDIN, "")  # not for what is started from here
    if stdin == _EMPTY:
        threading.Thread(target=_watch, args=(os.dup(0),), daemon=True).start()
    elif stdin == _WORKER:
        with open(os.devnull, "wb") as nothing:
            pipes = own_pipes(prints_to=nothing.fileno())
        engine.borrow(LentWorker(*pipes, gone=_end_orphaned))


def _watch(pipe: int) -> None:
    while os.read(pipe, 1):
        pass
    _end_orphaned()


def _end_orphaned() -> None:
    os._exit(EXIT_ORPHANED)  # no clean-up: another thread may be inside Blender for long


class StoppedError(Exception):
    """The batch was interrupted while this head was worked on."""


class Processes:
    """The processes at work, to be ended all at once."""

    def __init__(self) -> None:
        self._alive: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self.is_stopped = False
        # Nobody writes to it, and it closes with this process, however that ends.
        self._held, self._holding = os.pipe()

    def close(self) -> None:
        os.close(self._held)
        os.close(self._holding)

    def run(
        self, arguments: list[str], folder: Path, timeout: float, lender: Lender | None = None
    ) -> tuple[int, str]:
        """Exit code and what was said on stderr; raises TimeoutExpired or StoppedError.

        lender: of the GPU worker that the process may borrow.
        """
        with tempfile.TemporaryFile() as said:
            with self._lock:
                if self.is_stopped:
                    raise StoppedError
                process = subprocess.Popen(
                    arguments,
                    cwd=folder,
                    env={**environment(), _STDIN: _WORKER if lender else _EMPTY},
                    stdin=subprocess.PIPE if lender else self._held,
                    stdout=subprocess.PIPE if lender else subprocess.DEVNULL,
                    stderr=said,
                    start_new_session=True,
                )
                self._alive.add(process)
            try:
                with _lending(process, lender):
                    process.wait(timeout)
            except subprocess.TimeoutExpired:
                _end(process)
                raise
            finally:
                with self._lock:
                    self._alive.discard(process)
            if self.is_stopped:
                raise StoppedError
            said.seek(0)
            return process.returncode, said.read().decode("utf-8", errors="replace")

    def stop(self) -> None:
        with self._lock:
            self.is_stopped = True
            alive = list(self._alive)
        for process in alive:
            _end(process)


@contextmanager
def _lending(process: subprocess.Popen[bytes], lender: Lender | None) -> Iterator[None]:
    """Lend the worker to a process for as long as that runs; it is ended where this fails."""
    if lender is None:
        yield
        return
    assert process.stdout is not None
    assert process.stdin is not None
    pipes = process.stdout, process.stdin
    lending = threading.Thread(target=lender.lend, args=pipes, name="facegen-lending", daemon=True)
    lending.start()
    try:
        yield
    except BaseException:
        _end(process)
        raise
    finally:
        lending.join()
        for pipe in pipes:
            with suppress(OSError):
                pipe.close()


def lenders(choices: Iterable[Choice]) -> list[Lender | None]:
    """A worker for each choice that is one, not started yet."""
    return [
        Lender(choice.python, CORE, _threads()) if choice.is_worker and choice.python else None
        for choice in choices
    ]


def environment() -> dict[str, str]:
    """Of a process: this same code, and one thread in each numerical library."""
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    said = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}
    return {**os.environ, **_threads(), **said}


def _threads() -> dict[str, str]:
    return {name: os.environ.get(name, "1") for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it started."""
    if os.name == "posix":
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    else:
        process.kill()
    process.wait()
