"""The GPU worker as the host sees it: `Worker`, a `MotionEngine` in a process of its own.

No torch and no Blender here. Thread-safe: requests of several threads take turns. What an artist
cancels ends the worker, the next request starts it again; so does a crash, once in a request.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary, WeakSet

from .bundle import Bundle, bundle_hash
from .errors import CancelledError, WorkerError
from .motion import FaceMotion
from .motion_engine import MotionEngine, MotionRequest, check_request
from .progress import Progress, no_progress, subprogress
from .worker_channel import WorkerEnd, WorkerEndedError
from .worker_comparison import SelfTest, compare
from .worker_process import WorkerProcess
from .worker_protocol import VERSION, Message
from .worker_talk import TICK_SECONDS, WAITING, Conversation, Made, RefusedError

__all__ = ["MotionRequest", "SelfTest", "Worker", "WorkerReport"]

CORE = Path(__file__).resolve().parent.parent
# Clips the worker is told of at once.
CLIPS_AT_ONCE = 256
# A first start reads gigabytes of torch from disk.
START_SECONDS = 300.0
STARTING = "Starting the GPU worker"
RESTARTED = "The GPU worker ended unexpectedly and was started again."

_open: WeakSet[Worker] = WeakSet()
_hashes: WeakKeyDictionary[Bundle, str] = WeakKeyDictionary()


@dataclass(frozen=True)
class WorkerReport:
    """What runs there. device: "cuda:0", "mps" or "cpu"; memory_bytes: of it, 0 if not told."""

    python: str
    python_version: str
    torch_version: str
    device: str
    device_name: str
    memory_bytes: int
    protocol_version: int


class Worker:
    """A worker of one Python on one device ("auto", "cuda:N", "mps", "cpu"); starts when needed.

    core: the folder that holds `facegen_core`. notices: sentences for the user about requests that
    went another way than asked: smaller batches, the CPU, a restart. lent: one that runs already,
    used as long as it lasts.
    """

    def __init__(
        self,
        python: Path,
        device: str = "auto",
        core: Path = CORE,
        lent: WorkerEnd | None = None,
    ) -> None:
        # A link to a Python stands for its environment: it is made absolute, never followed.
        self.python, self.core = Path(python).absolute(), Path(core).absolute()
        self.device = device
        self.notices: list[str] = []
        self.report: WorkerReport | None = None
        self._lent: WorkerEnd | None = lent
        self._process: WorkerEnd | None = None
        self._lock = threading.RLock()
        self._is_closing = False
        _open.add(self)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_running(self) -> bool:
        process = self._process
        return process is not None and process.is_alive

    def start(self, progress: Progress = no_progress) -> WorkerReport:
        """Start the worker where it does not run, and say what it is.

        Raises WorkerError with one sentence where its Python cannot do it.
        """
        with self._turn(progress):
            return self._started(progress)

    def motions(
        self,
        bundle: Bundle,
        bundle_path: Path,
        requests: Sequence[MotionRequest],
        progress: Progress = no_progress,
    ) -> list[FaceMotion]:
        """The motion of every request, to 1e-4 mm those of the built-in engine.

        bundle_path: the file that `bundle` was loaded from. Raises what the built-in engine
        raises, what progress raises (and the worker is ended), and WorkerError.
        """
        for request in requests:
            check_request(request, bundle)
        made: list[FaceMotion] = []
        with self._turn(progress):
            for start in range(0, len(requests), CLIPS_AT_ONCE):
                part = requests[start : start + CLIPS_AT_ONCE]
                end = start + len(part)
                share = subprogress(progress, start / len(requests), end / len(requests))
                made += self._motions(bundle, bundle_path, part, share)
        return made

    def engine(self, bundle_path: Path) -> MotionEngine:
        """This worker as an engine of the pipeline, for the bundle loaded from a file."""
        return _BundleEngine(self, Path(bundle_path))

    def self_test(
        self, bundle: Bundle, bundle_path: Path, progress: Progress = no_progress
    ) -> SelfTest:
        """Compare worker and built-in engine: what both make, and how long each takes."""
        engine = self.engine(bundle_path)
        return compare(engine, bundle, progress)

    def close(self) -> None:
        """End the worker; one that is at work is ended in the midst of it."""
        self._is_closing = True
        process = self._process
        if process is not None:
            if self._lock.acquire(blocking=False):
                self._lock.release()
                process.close()
            else:
                process.end()

    # ---- one request ---------------------------------------------------------------------------

    @contextmanager
    def _turn(self, progress: Progress) -> Iterator[None]:
        """Wait for requests of other threads, cancellable."""
        while not self._lock.acquire(timeout=TICK_SECONDS):
            progress(0.0, WAITING)
        try:
            self._is_closing = False
            yield
        finally:
            self._lock.release()

    def _motions(
        self,
        bundle: Bundle,
        bundle_path: Path,
        requests: Sequence[MotionRequest],
        progress: Progress,
    ) -> list[FaceMotion]:
        made = Made(bundle, requests)
        try:
            self._generate(bundle, bundle_path, made, progress)
        except WorkerEndedError:
            self._refuse_when_closing()
            self.notices.append(RESTARTED)
            try:
                self._generate(bundle, bundle_path, made, progress)
            except WorkerEndedError as error:
                self._refuse_when_closing()
                raise WorkerError(
                    f"The GPU worker ended twice while it made this motion ({error}): use the "
                    "built-in engine, or test the worker in the preferences."
                ) from error
        return made.motions

    def _generate(self, bundle: Bundle, bundle_path: Path, made: Made, progress: Progress) -> None:
        """Have the worker make what is still missing; whatever stops it half-way ends it."""
        self._started(progress)
        process = self._process
        assert process is not None
        talk = Conversation(process, progress, self.notices)
        path = str(Path(bundle_path).absolute())
        try:
            process.send(Message("load", {"path": path, "hash": _hash_of(bundle)}))
            talk.answer("loaded")
            missing = made.begin()
            for clip in missing:
                process.send(clip)
            process.send(Message("generate", {"count": len(missing)}))
            while not made.is_complete:
                made.take(talk.answer("frames", "done"))
        except RefusedError as refused:  # the worker is well, and waits for the next request
            raise refused.reason from None
        except BaseException:
            process.end()
            raise

    def _started(self, progress: Progress) -> WorkerReport:
        if self.is_running and self.report is not None:
            return self.report
        self.report = None
        if self._process is not None:
            self._process.end()
        progress(0.0, STARTING)
        process = self._process = self._lent or WorkerProcess(self.python, self.core)
        self._lent = None
        try:
            process.send(Message("open", {"device": self.device}))
            talk = Conversation(process, progress, self.notices, STARTING, START_SECONDS)
            facts = talk.answer("report").fields
        except (WorkerEndedError, RefusedError) as error:
            process.end()
            self._refuse_when_closing()
            words = str(error).rstrip(".") or "it ended at once"
            raise WorkerError(
                f"{self.python} cannot be the GPU worker: {words}. Choose another Python in the "
                "preferences."
            ) from error
        except BaseException:
            process.end()
            raise
        self.report = WorkerReport(**facts, protocol_version=VERSION)
        return self.report

    def _refuse_when_closing(self) -> None:
        if self._is_closing:
            raise CancelledError


class _BundleEngine:
    """A worker and the file of the bundle it is to run."""

    def __init__(self, worker: Worker, bundle_path: Path) -> None:
        self._worker, self._path = worker, bundle_path

    def motions(
        self, bundle: Bundle, requests: Sequence[MotionRequest], progress: Progress
    ) -> list[FaceMotion]:
        return self._worker.motions(bundle, self._path, requests, progress)


def _hash_of(bundle: Bundle) -> str:
    """`bundle_hash`, computed once: it reads all weights."""
    known = _hashes.get(bundle)
    if known is None:
        known = _hashes[bundle] = bundle_hash(bundle)
    return known


@atexit.register
def _close_all() -> None:
    for worker in list(_open):
        worker.close()
