"""One request to the GPU worker: what is sent, what comes back, and how waiting for it goes."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from . import errors
from .bundle import Bundle
from .errors import FacegenError, WorkerError
from .models.config import JAW_SIZE
from .motion import FaceMotion
from .motion_engine import MotionRequest
from .progress import Progress
from .worker_channel import WorkerEnd, WorkerEndedError
from .worker_protocol import MAX_FRAMES, Message, split

WAITING = "Waiting for the GPU worker"
# How often whoever waits is asked whether to cancel.
TICK_SECONDS = 0.1
_KINDS = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, FacegenError)
}


class RefusedError(Exception):
    """The worker refused what it was asked for, and is well."""

    def __init__(self, reason: FacegenError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Conversation:
    """Waits for answers; progress is told ten times a second, so that it can cancel.

    notices: takes what the worker has to say to the user. seconds: how long it may stay silent.
    """

    def __init__(
        self,
        process: WorkerEnd,
        progress: Progress,
        notices: list[str],
        message: str = WAITING,
        seconds: float = float("inf"),
    ) -> None:
        self._process, self._progress, self._notices = process, progress, notices
        self._now, self._patience = (0.0, message), seconds

    def answer(self, *kinds: str) -> Message:
        """The next message of these kinds. Raises RefusedError and WorkerEndedError."""
        deadline = time.monotonic() + self._patience
        while True:
            message = self._process.receive(TICK_SECONDS)
            if message is None:
                self._progress(*self._now)
                if time.monotonic() > deadline:
                    self._process.end()
                    raise WorkerEndedError("it did not answer")
            elif message.kind == "progress":
                fraction = min(max(message.fields["fraction"], 0.0), 1.0)
                self._now = fraction, message.fields["message"]
                self._progress(*self._now)
            elif message.kind == "notice":
                self._notices.append(message.fields["sentence"])
            elif message.kind == "refused":
                kind = _KINDS.get(message.fields["error"], WorkerError)
                raise RefusedError(kind(message.fields["sentence"]))
            elif message.kind in kinds:
                return message
            else:
                raise WorkerEndedError(f"it answered '{message.kind}' out of turn")


class Made:
    """The motions of some requests, as far as they have come; rows that never come are at rest."""

    def __init__(self, bundle: Bundle, requests: Sequence[MotionRequest]) -> None:
        self._requests, self._bundle = requests, bundle
        self._motions: dict[int, FaceMotion] = {}
        self._asked: list[int] = []
        self._coming: dict[int, FaceMotion] = {}
        self._counts: dict[int, int] = {}

    @property
    def is_complete(self) -> bool:
        return len(self._motions) == len(self._requests)

    @property
    def motions(self) -> list[FaceMotion]:
        return [self._motions[number] for number in range(len(self._requests))]

    def begin(self) -> list[Message]:
        """Clips to ask for: those that are not complete. Raises WorkerError for one too large."""
        every = range(len(self._requests))
        self._asked = [number for number in every if number not in self._motions]
        self._coming = {}
        self._counts = dict.fromkeys(range(len(self._asked)), 0)
        return [_clip(k, self._requests[number]) for k, number in enumerate(self._asked)]

    def take(self, message: Message) -> None:
        """Rows of a clip, or that it is complete. Raises WorkerEndedError where that cannot be."""
        k = message.fields["number"]
        if k not in self._counts or self._asked[k] in self._motions:
            raise WorkerEndedError("it answered for a clip nobody asked for")
        if k not in self._coming:
            self._coming[k] = self._at_rest(self._requests[self._asked[k]])
        motion = self._coming[k]
        if message.kind == "done":
            if message.fields["count"] != self._counts[k]:
                raise WorkerEndedError("frames of a clip were lost on the way")
            self._motions[self._asked[k]] = self._coming.pop(k)
            return
        skin, jaw, start = message.arrays["skin"], message.arrays["jaw"], message.fields["start"]
        rows = slice(start, start + len(skin))
        is_inside = 0 <= start and start + len(skin) <= motion.num_frames
        if not is_inside or skin.shape[1:] != motion.skin.shape[1:] or len(jaw) != len(skin):
            raise WorkerEndedError("it sent frames that do not fit the clip")
        motion.skin[rows], motion.jaw[rows] = skin, jaw
        self._counts[k] += len(skin)

    def _at_rest(self, request: MotionRequest) -> FaceMotion:
        count = request.num_rows
        skin = np.zeros((count, self._bundle.template.num_vertices, 3), np.float32)
        is_of_mean = request.generator == "lstm" and not self._bundle.config.follows_neutral
        neutral = None if is_of_mean else request.neutral
        return FaceMotion(skin, np.zeros((count, JAW_SIZE), np.float32), neutral)


def _clip(number: int, request: MotionRequest) -> Message:
    if max(len(request.intensities), request.num_rows) > MAX_FRAMES:
        raise WorkerError(
            f"The clip has {len(request.intensities)} frames, the GPU worker takes {MAX_FRAMES}: "
            "use the built-in engine."
        )
    arrays = {"intensities": split(request.intensities)}
    if request.neutral is not None:
        arrays["neutral"] = split(request.neutral)
    if request.rows is not None:
        arrays["rows"] = np.asarray(request.rows, np.float32)
    fields = {
        "number": number,
        "frames_per_second": float(request.frames_per_second),
        "lip_gap": float(request.lip_gap),
        "generator": request.generator,
        "seed": request.variation.seed,
        "amount": float(request.variation.amount),
    }
    return Message("clip", fields, arrays)
