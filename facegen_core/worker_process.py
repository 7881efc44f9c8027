"""The host's side of one GPU worker process: start it, talk to it, end it.

Threads of its own read and write the pipes, so that whoever waits can be cancelled at any moment
and a worker that hangs never holds Blender up.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import tempfile
import threading
import time
from collections import deque
from pathlib import Path

from .errors import WorkerError
from .file_words import why_unrun
from .worker_protocol import (
    TO_HOST,
    Message,
    ProtocolError,
    StreamEndedError,
    packed,
    read_message,
    write_packed,
)

BOOT = Path(__file__).with_name("worker_boot.py")
# Messages that wait to be taken; each may be a hundred megabytes.
_WAITING = 4
# How long an idle worker may take to end by itself before it is ended.
_CLOSE_SECONDS = 2.0
_WORDS_KEPT, _LONGEST_LINE = 20, 1000


class WorkerEndedError(WorkerError):
    """The worker has ended, or what it says is no message; `last_words` of it where it had any."""


class WorkerProcess:
    """A running worker. Raises WorkerError where its Python cannot be run at all."""

    def __init__(self, python: Path, core: Path) -> None:
        if not Path(python).is_file():
            raise WorkerError(
                f"There is no Python at {python}: choose the program itself, python or python.exe, "
                "in the preferences."
            )
        try:
            self._process = subprocess.Popen(
                [str(python), str(BOOT), str(core)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_environment(),
                cwd=tempfile.gettempdir(),  # a folder in use cannot be removed on Windows
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise WorkerError(
                f"{python} cannot be run ({why_unrun(error)}): choose a Python in the preferences."
            ) from error
        self._incoming: queue.Queue[Message | WorkerError] = queue.Queue(_WAITING)
        self._outgoing: queue.SimpleQueue[list[bytes | memoryview] | None] = queue.SimpleQueue()
        self._words: deque[str] = deque(maxlen=_WORDS_KEPT)
        self._is_closed = threading.Event()
        self._threads = [
            threading.Thread(target=work, name=f"facegen-worker-{name}", daemon=True)
            for name, work in (("in", self._read), ("out", self._write), ("err", self._hear))
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None and not self._is_closed.is_set()

    @property
    def last_words(self) -> str:
        """The last line it wrote to stderr, without the full stop."""
        lines = [line for line in self._words if line.strip()]
        return lines[-1].strip().rstrip(".")[:300] if lines else ""

    def send(self, message: Message) -> None:
        """Returns at once; a worker that is gone is noticed by `receive`.

        Raises ProtocolError for a message that is too large.
        """
        self._outgoing.put(packed(message))

    def receive(self, seconds: float) -> Message | None:
        """The next message, None after so many seconds without one. Raises WorkerEndedError."""
        try:
            found = self._incoming.get(timeout=seconds)
        except queue.Empty:
            return None
        if isinstance(found, Message):
            return found
        if isinstance(found, StreamEndedError):
            self.end()  # it cannot say more, and its last words are waited for
            raise WorkerEndedError(self.last_words) from found
        self.end()
        raise WorkerEndedError(str(found).rstrip(".")) from found

    def end(self) -> None:
        """End it at once, whatever it does."""
        self._is_closed.set()
        with contextlib.suppress(OSError):
            self._process.kill()
        self._release()

    def close(self) -> None:
        """Let an idle worker end by itself: its stdin is closed."""
        if self._is_closed.is_set():
            return
        self._is_closed.set()
        self._outgoing.put(None)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSE_SECONDS)
        self.end()

    def _release(self) -> None:
        """Leave neither a process nor a thread nor a pipe behind."""
        self._outgoing.put(None)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSE_SECONDS)
        deadline = time.monotonic() + _CLOSE_SECONDS
        while self._threads[0].is_alive() and time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):  # the reader may wait for room
                self._incoming.get_nowait()
            self._threads[0].join(0.01)
        for thread in self._threads[1:]:
            thread.join(_CLOSE_SECONDS)
        for pipe, thread in zip(
            (self._process.stdout, self._process.stdin, self._process.stderr),
            self._threads,
            strict=True,
        ):
            if pipe is not None and not thread.is_alive():
                with contextlib.suppress(OSError):
                    pipe.close()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while True:
            try:
                self._incoming.put(read_message(stream, TO_HOST))
            except (StreamEndedError, ProtocolError, MemoryError) as error:
                is_ours = isinstance(error, WorkerError)
                self._incoming.put(error if is_ours else ProtocolError("The memory is full."))  # type: ignore[arg-type]
                return

    def _write(self) -> None:
        stream = self._process.stdin
        assert stream is not None
        while True:
            parts = self._outgoing.get()
            try:
                if parts is None:
                    stream.close()
                    return
                write_packed(stream, parts)
            except (OSError, ValueError):
                return  # the reader meets the end as well, and tells

    def _hear(self) -> None:
        stream = self._process.stderr
        assert stream is not None
        with contextlib.suppress(OSError, ValueError):
            while line := stream.readline(_LONGEST_LINE):
                self._words.append(line.decode("utf-8", errors="replace"))


def _environment() -> dict[str, str]:
    """The host's, without what Blender's own Python was told: another would stumble on it."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON") and name != "__PYVENV_LAUNCHER__"
    }
    return kept | {
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",  # the add-on's folder is Blender's to remove
        "PYTORCH_ENABLE_MPS_FALLBACK": "1",
    }
