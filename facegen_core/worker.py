"""The GPU worker: a process with its own Python and torch that generates motion for Facegen.

`python -m facegen_core.worker` reads messages from stdin and answers on stdout
(`worker_protocol`). It ends when its stdin closes or its parent is gone, also in the midst of work,
and is cancelled by being ended. Blender never imports this file.
"""

from __future__ import annotations

import contextlib
import os
import platform
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from .bundle import Bundle, bundle_hash, load_bundle
from .errors import BundleError, FacegenError, WorkerError
from .landmark_inference import Variation
from .motion_engine import MotionRequest, check_request
from .worker_channel import own_pipes
from .worker_protocol import (
    MAX_FRAMES,
    TO_WORKER,
    Message,
    ProtocolError,
    StreamEndedError,
    joined,
    read_message,
    write_message,
)

if TYPE_CHECKING:
    import torch

    from .worker_engine import TorchEngine

# Clips that may wait for one "generate".
MAX_CLIPS = 4096
# How often the parent is looked for where its end does not close the pipe.
_PARENT_SECONDS = 1.0
# Reports of progress are no closer than this, seconds.
_PROGRESS_SECONDS = 0.05


def main() -> None:
    """Answer messages until the host is gone; prints of libraries go to stderr."""
    incoming, outgoing = own_pipes(prints_to=2)
    with contextlib.suppress(ValueError, OSError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the host
    messages: queue.SimpleQueue[Message | ProtocolError] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(incoming, messages), daemon=True).start()
    threading.Thread(target=_watch_parent, daemon=True).start()
    try:
        Service(lambda message: write_message(outgoing, message)).serve(messages)
    except OSError:  # the host is gone
        _end()


class Service:
    """What the worker knows: its device, one bundle, and the clips that wait."""

    def __init__(self, answer: Callable[[Message], None]) -> None:
        self._answer = answer
        self._device: torch.device | None = None
        self._bundle: Bundle | None = None
        self._hash = ""
        self._engine: TorchEngine | None = None
        self._clips: dict[int, Message] = {}
        self._told = 0.0

    def serve(self, messages: queue.SimpleQueue[Message | ProtocolError]) -> None:
        """Answer one message after the other; a message that is none ends the worker."""
        while True:
            message = messages.get()
            try:
                if isinstance(message, ProtocolError):
                    raise message
                self.take(message)
            except FacegenError as error:
                self._clips.clear()
                fields = {"error": type(error).__name__, "sentence": str(error)}
                self._answer(Message("refused", fields))
                if isinstance(error, ProtocolError):
                    return  # nobody knows where the next message begins

    def take(self, message: Message) -> None:
        """Do what one message asks for. Raises FacegenError where that cannot be."""
        if message.kind == "open":
            self._open(message.fields["device"])
        elif message.kind == "load":
            self._load(Path(message.fields["path"]), message.fields["hash"])
        elif message.kind == "clip":
            if len(self._clips) >= MAX_CLIPS:
                raise WorkerError(f"More than {MAX_CLIPS} clips wait: generate them in parts.")
            self._clips[message.fields["number"]] = message
        else:
            self._generate(message.fields["count"])

    def _open(self, wanted: str) -> None:
        self._progress(0.0, "Starting the GPU worker")
        try:
            import torch

            from .worker_devices import choose_device, device_facts
        except Exception as error:  # a library of another system, a broken installation
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise WorkerError(f"torch cannot be loaded: {lines[0].rstrip('.')}.") from error
        self._device = choose_device(wanted, self._notice)
        memory, name = device_facts(self._device)
        facts = {
            "python": sys.executable or "",
            "python_version": platform.python_version(),
            "torch_version": str(torch.__version__),
            "device": str(self._device),
            "device_name": name,
            "memory_bytes": memory,
        }
        self._answer(Message("report", facts))

    def _load(self, path: Path, expected: str) -> None:
        if self._device is None:
            raise WorkerError("The GPU worker was asked for a model before it had a device.")
        if self._bundle is None or self._hash != expected:
            from .worker_engine import TorchEngine

            self._progress(0.0, "Loading the model")
            self._bundle = self._engine = None  # never two in memory
            bundle = load_bundle(path)
            if bundle_hash(bundle) != expected:
                raise BundleError(
                    f"{path.name} has changed since it was opened: open the model again."
                )
            self._engine = TorchEngine(bundle, self._device, self._notice)
            self._bundle, self._hash = bundle, expected
        self._answer(Message("loaded", {"hash": self._hash}))

    def _generate(self, count: int) -> None:
        waiting, self._clips = self._clips, {}
        if self._bundle is None or self._engine is None:
            raise WorkerError("The GPU worker was asked for motion before it had a model.")
        if count != len(waiting) or any(number not in waiting for number in range(count)):
            raise ProtocolError(f"{count} clips were announced, others came.")
        requests = [_request(waiting[number]) for number in range(count)]
        for request in requests:
            check_request(request, self._bundle)
        sent = [0] * count
        for piece in self._engine.pieces(requests, self._progress):
            arrays = {"skin": piece.skin, "jaw": piece.jaw}
            self._answer(Message("frames", {"number": piece.number, "start": piece.start}, arrays))
            sent[piece.number] += len(piece.skin)
        for number in range(count):
            self._answer(Message("done", {"number": number, "count": sent[number]}))

    def _progress(self, fraction: float, message: str) -> None:
        if time.monotonic() - self._told > _PROGRESS_SECONDS:
            self._told = time.monotonic()
            self._answer(Message("progress", {"fraction": float(fraction), "message": message}))

    def _notice(self, sentence: str) -> None:
        self._answer(Message("notice", {"sentence": sentence}))


def _request(message: Message) -> MotionRequest:
    fields, arrays = message.fields, message.arrays
    neutral, rows = arrays.get("neutral"), arrays.get("rows")
    intensities = arrays["intensities"]
    if intensities.shape[1] > MAX_FRAMES:
        raise WorkerError(
            f"The clip has {intensities.shape[1]} frames, the GPU worker takes {MAX_FRAMES}: use "
            "the built-in engine."
        )
    if rows is not None and not (np.isfinite(rows).all() and (rows == np.round(rows)).all()):
        raise ProtocolError("The rows of a clip are no numbers of frames.")
    if rows is not None and len(rows) and np.abs(rows).max() > MAX_FRAMES:
        raise ProtocolError("The rows of a clip are no numbers of frames.")
    return MotionRequest(
        joined(intensities),
        fields["frames_per_second"],
        None if neutral is None else joined(neutral),
        fields["lip_gap"],
        fields["generator"],
        Variation(fields["seed"], fields["amount"]),
        None if rows is None else rows.astype(np.int64),
    )


def _listen(incoming: BinaryIO, messages: queue.SimpleQueue[Message | ProtocolError]) -> None:
    """Hand messages over; when the pipe closes, end at once whatever is being computed."""
    while True:
        try:
            messages.put(read_message(incoming, TO_WORKER))
        except StreamEndedError:
            _end()
        except ProtocolError as error:
            messages.put(error)
            return  # the watch over the parent goes on


def _watch_parent() -> None:
    """End with the parent also where a copy of the pipe outlives it (a process that it forked)."""
    if os.name != "posix":
        return  # elsewhere a process never learns of it; closing the pipe is enough there
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(_PARENT_SECONDS)
    _end()


def _end() -> None:
    os._exit(0)  # no clean-up: another thread may be inside torch for long


if __name__ == "__main__":
    main()
