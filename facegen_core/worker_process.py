"""The host's side of one GPU worker process: start it, talk to it, end it.

A worker that hangs never holds Blender up: whoever waits for it can be cancelled at any moment.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from .errors import WorkerError
from .file_words import why_unrun
from .worker_channel import Channel, WorkerEndedError
from .worker_protocol import TO_HOST, Message, StreamEndedError

BOOT = Path(__file__).with_name("worker_boot.py")
# How long an idle worker may take to end by itself before it is ended.
_CLOSE_SECONDS = 2.0
_WORDS_KEPT, _LONGEST_LINE = 20, 1000


class WorkerProcess:
    """A running worker. Raises WorkerError where its Python cannot be run at all.

    core: the folder that holds `facegen_core`. added: to the environment of the process.
    """

    def __init__(self, python: Path, core: Path, added: Mapping[str, str] | None = None) -> None:
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
                env=_environment() | dict(added or {}),
                cwd=tempfile.gettempdir(),  # a folder in use cannot be removed on Windows
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise WorkerError(
                f"{python} cannot be run ({why_unrun(error)}): choose a Python in the preferences."
            ) from error
        assert self._process.stdout is not None
        assert self._process.stdin is not None
        self._words: deque[str] = deque(maxlen=_WORDS_KEPT)
        self._is_closed = threading.Event()
        self._channel = Channel(self._process.stdout, self._process.stdin, TO_HOST)
        self._hearing = threading.Thread(target=self._hear, name="facegen-worker-err", daemon=True)
        self._hearing.start()

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
        self._channel.send(message)

    def receive(self, seconds: float) -> Message | None:
        try:
            return self._channel.receive(seconds)
        except StreamEndedError as error:
            self.end()  # it cannot say more, and its last words are waited for
            raise WorkerEndedError(self.last_words) from error
        except WorkerError as error:
            self.end()
            raise WorkerEndedError(str(error).rstrip(".")) from error

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
        self._channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSE_SECONDS)
        self.end()

    def _release(self) -> None:
        """Leave neither a process nor a thread nor a pipe behind."""
        self._channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSE_SECONDS)
        self._channel.release(_CLOSE_SECONDS)
        self._hearing.join(_CLOSE_SECONDS)
        if self._process.stderr is not None and not self._hearing.is_alive():
            with contextlib.suppress(OSError):
                self._process.stderr.close()

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
