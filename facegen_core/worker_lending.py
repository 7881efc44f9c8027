"""One GPU worker for many processes, one after the other: a batch keeps it, its heads borrow it.

A worker takes seconds to load PyTorch and the model, and every head of a batch is a Blender of its
own. So the batch holds the worker and carries messages to and fro, over stdin and stdout of the
head's process. A head that ends in the midst of a request costs the worker; the next head gets
another one.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, BinaryIO

from .errors import WorkerError
from .worker_channel import Channel, WorkerEndedError
from .worker_process import WorkerProcess
from .worker_protocol import (
    TO_HOST,
    TO_WORKER,
    Message,
    ProtocolError,
    StreamEndedError,
    read_message,
    write_message,
)

# How often a worker that is silent is asked whether somebody still waits for it, seconds.
_TICK_SECONDS = 0.1
# What answers a message; "generate" is answered once for each clip.
_ANSWERS = {"open": "report", "load": "loaded", "generate": "done"}


class Lender:
    """Keeps a worker of one Python; starts it when first asked for, and again when it has ended.

    core: the folder that holds `facegen_core`. added: to the environment of the worker.
    """

    def __init__(self, python: Path, core: Path, added: Mapping[str, str] | None = None) -> None:
        self._python, self._core, self._added = python, core, added
        self._worker: WorkerProcess | None = None

    def lend(self, incoming: IO[bytes], outgoing: IO[bytes]) -> None:
        """Carry messages between one process and the worker until that process closes `incoming`.

        Afterwards the worker is at rest, or ended where it was still at work.
        """
        loan = _Loan(outgoing)
        try:
            while not loan.is_over:
                message = read_message(incoming, TO_WORKER)
                if not loan.is_over:
                    loan.ask(self._running(), message)
        except (StreamEndedError, ProtocolError):
            pass  # it has ended, or says what nobody understands: no more for it
        except WorkerError as error:  # the worker cannot be started
            loan.tell_end(str(error))
        if not loan.is_at_rest():
            self.close()

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.end()

    def _running(self) -> WorkerProcess:
        if self._worker is None or not self._worker.is_alive:
            self._worker = WorkerProcess(self._python, self._core, self._added)
        return self._worker


class _Loan:
    """One process at the worker: who owes whom an answer."""

    def __init__(self, outgoing: IO[bytes]) -> None:
        self._outgoing, self._lock = outgoing, threading.Lock()
        self._owed = {answer: 0 for answer in _ANSWERS.values()}
        self._carrier: threading.Thread | None = None
        self._is_done = threading.Event()
        self.is_over = False

    def ask(self, worker: WorkerProcess, message: Message) -> None:
        """Hand a message on; what the worker answers is carried back from now on."""
        with self._lock:
            if message.kind in _ANSWERS:
                self._owed[_ANSWERS[message.kind]] += message.fields.get("count", 1)
        worker.send(message)
        if self._carrier is None:
            self._carrier = threading.Thread(target=self._carry, args=(worker,), daemon=True)
            self._carrier.start()

    def is_at_rest(self) -> bool:
        """Stop carrying: whether all that was asked for has been answered."""
        self._is_done.set()
        if self._carrier is not None:
            self._carrier.join()
        return not self.is_over and not any(self._owed.values())

    def tell_end(self, words: str) -> None:
        """Say that there is no worker any more."""
        self.is_over = True
        with contextlib.suppress(OSError, ValueError):
            write_message(self._outgoing, Message("ended", {"words": words}))

    def _carry(self, worker: WorkerProcess) -> None:
        while not self._is_done.is_set():
            try:
                message = worker.receive(_TICK_SECONDS)
                if message is not None:
                    write_message(self._outgoing, message)
                    self._settle(message.kind)
            except WorkerEndedError as error:
                self.tell_end(str(error))
                return
            except (OSError, ValueError):  # the process is gone; what is owed says in the midst
                return

    def _settle(self, kind: str) -> None:
        with self._lock:
            if kind == "refused":  # and what was asked with it is forgotten
                self._owed = dict.fromkeys(self._owed, 0)
            elif kind in self._owed:
                self._owed[kind] -= 1


class LentWorker:
    """What a process has borrowed, to be talked to as to a `WorkerProcess`; it can end it once.

    gone: called from another thread when the lender is.
    """

    def __init__(
        self, incoming: BinaryIO, outgoing: BinaryIO, gone: Callable[[], None] = lambda: None
    ) -> None:
        self._channel = Channel(incoming, outgoing, TO_HOST, gone)
        self.is_alive = True

    def send(self, message: Message) -> None:
        self._channel.send(message)

    def receive(self, seconds: float) -> Message | None:
        try:
            message = self._channel.receive(seconds)
        except WorkerError as error:
            self.end()
            raise WorkerEndedError(str(error).rstrip(".")) from error
        if message is not None and message.kind == "ended":
            self.end()
            raise WorkerEndedError(message.fields["words"])
        return message

    def end(self) -> None:
        """Give it back in the midst of its work: the lender ends it."""
        self.is_alive = False
        self._channel.close()

    def close(self) -> None:
        """Give it back."""
        self.end()
