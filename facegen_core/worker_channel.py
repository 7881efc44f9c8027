"""One end of the two pipes between Facegen and a GPU worker, with threads of its own that read and
write, so that whoever waits can be cancelled at any moment.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import IO, BinaryIO, Protocol

from .errors import WorkerError
from .worker_protocol import (
    Form,
    Message,
    ProtocolError,
    StreamEndedError,
    packed,
    read_message,
    write_packed,
)

# Messages that wait to be taken; each may be a hundred megabytes.
_WAITING = 4


class WorkerEndedError(WorkerError):
    """The worker has ended, or what it says is no message; its last words, where it had any."""


class WorkerEnd(Protocol):
    """A worker as who talks to it sees it."""

    @property
    def is_alive(self) -> bool: ...

    def send(self, message: Message) -> None:
        """Returns at once; a worker that is gone is noticed by `receive`.

        Raises ProtocolError for a message that is too large.
        """

    def receive(self, seconds: float) -> Message | None:
        """The next message, None after so many seconds without one. Raises WorkerEndedError."""

    def end(self) -> None:
        """End it at once, whatever it does."""

    def close(self) -> None:
        """Let an idle worker go."""


class Channel:
    """Messages over two streams. known: those that may come. gone: called when the other side is
    gone."""

    def __init__(
        self,
        incoming: IO[bytes],
        outgoing: IO[bytes],
        known: Mapping[str, Form],
        gone: Callable[[], None] = lambda: None,
    ) -> None:
        self._known, self._gone = known, gone
        self._incoming: queue.Queue[Message | WorkerError] = queue.Queue(_WAITING)
        self._outgoing: queue.SimpleQueue[list[bytes | memoryview] | None] = queue.SimpleQueue()
        self._streams = incoming, outgoing
        self._reader = self._start(self._read, incoming)
        self._writer = self._start(self._write, outgoing)

    def send(self, message: Message) -> None:
        """Returns at once. Raises ProtocolError for a message that is too large."""
        self._outgoing.put(packed(message))

    def receive(self, seconds: float) -> Message | None:
        """The next message, None after so many seconds without one.

        Raises StreamEndedError and ProtocolError.
        """
        try:
            found = self._incoming.get(timeout=seconds)
        except queue.Empty:
            return None
        if isinstance(found, Message):
            return found
        raise found

    def close(self) -> None:
        """Close the stream that goes out, after what waits to be sent."""
        self._outgoing.put(None)

    def release(self, seconds: float) -> None:
        """Leave neither a thread nor a pipe behind, once the other side is gone."""
        self.close()
        deadline = time.monotonic() + seconds
        while self._reader.is_alive() and time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):  # the reader may wait for room
                self._incoming.get_nowait()
            self._reader.join(0.01)
        self._writer.join(seconds)
        for stream, thread in zip(self._streams, (self._reader, self._writer), strict=True):
            if not thread.is_alive():
                with contextlib.suppress(OSError):
                    stream.close()

    def _start(self, work: Callable[[IO[bytes]], None], stream: IO[bytes]) -> threading.Thread:
        thread = threading.Thread(
            target=work, args=(stream,), name=f"facegen-worker-{work.__name__}", daemon=True
        )
        thread.start()
        return thread

    def _read(self, stream: IO[bytes]) -> None:
        while True:
            try:
                self._incoming.put(read_message(stream, self._known))
            except StreamEndedError as error:
                self._gone()
                self._incoming.put(error)
                return
            except ProtocolError as error:
                self._incoming.put(error)
                return
            except MemoryError:
                self._incoming.put(ProtocolError("The memory is full."))
                return

    def _write(self, stream: IO[bytes]) -> None:
        while True:
            parts = self._outgoing.get()
            try:
                if parts is None:
                    stream.close()
                    return
                write_packed(stream, parts)
            except (OSError, ValueError):
                return  # the reader meets the end as well, and tells


def own_pipes(prints_to: int) -> tuple[BinaryIO, BinaryIO]:
    """stdin and stdout for messages alone: others read nothing, and print to a descriptor."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(prints_to, 1)
    return incoming, outgoing
