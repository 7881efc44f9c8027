"""The processes of a batch: started, ended all at once, and ending with the batch by themselves.

A batch that is killed can end nobody, and heads that nobody waits for would go on for minutes.
Its processes therefore read a pipe that it holds and never writes to: where that closes, the batch
is gone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

EXIT_ORPHANED = 3
# Set in the environment of the processes.
_ENDS_WITH_STDIN = "FACEGEN_ENDS_WITH_STDIN"
_ROOT = Path(__file__).resolve().parents[2]


def end_with_batch() -> None:
    """Watch the batch, where this process is one of its."""
    if os.environ.pop(_ENDS_WITH_STDIN, ""):  # not for what is started from here
        threading.Thread(target=_watch, args=(os.dup(0),), daemon=True).start()


def _watch(pipe: int) -> None:
    while os.read(pipe, 1):
        pass
    os._exit(EXIT_ORPHANED)  # no clean-up: another thread may be inside Blender for long


class StoppedError(Exception):
    """The batch was interrupted while this head was worked on."""


class Processes:
    """The processes at work, to be ended all at once."""

    def __init__(self) -> None:
        self._alive: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self.is_stopped = False
        # Nobody writes to it, and it closes with this process, however that ends.
        self._held, self._holding = os.pipe()

    def close(self) -> None:
        os.close(self._held)
        os.close(self._holding)

    def run(self, arguments: list[str], folder: Path, timeout: float) -> tuple[int, str]:
        """Exit code and what was said on stderr; raises TimeoutExpired or StoppedError."""
        with self._lock:
            if self.is_stopped:
                raise StoppedError
            process = subprocess.Popen(
                arguments,
                cwd=folder,
                env=environment(),
                stdin=self._held,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
            self._alive.add(process)
        try:
            said = process.communicate(timeout=timeout)[1]
        except subprocess.TimeoutExpired:
            _end(process)
            raise
        finally:
            with self._lock:
                self._alive.discard(process)
        if self.is_stopped:
            raise StoppedError
        return process.returncode, said

    def stop(self) -> None:
        with self._lock:
            self.is_stopped = True
            alive = list(self._alive)
        for process in alive:
            _end(process)


def environment() -> dict[str, str]:
    """Of a process: this same code, and one thread in each numerical library."""
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    threads = {
        name: os.environ.get(name, "1") for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    }
    said = {"PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}
    return {**os.environ, **threads, **said, _ENDS_WITH_STDIN: "1"}


def _end(process: subprocess.Popen[str]) -> None:
    """End a process and what it started."""
    if os.name == "posix":
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    else:
        process.kill()
    process.wait()
