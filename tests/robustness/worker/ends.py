"""Workers killed at random moments of a request, cancelled ones, and those whose host is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from facegen_core.bundle import Bundle
from facegen_core.errors import CancelledError
from facegen_core.landmark_inference import Variation
from facegen_core.motion_engine import MotionRequest
from facegen_core.worker_client import Worker
from tests.core.worker_fixtures import (
    PYTHON,
    ROOT,
    TOLERANCE_MM,
    built_in,
    curves,
    is_gone,
    is_running,
    largest_difference,
)
from tests.robustness.report import Line

# No process may outlive its host by more, seconds; generous, for busy machines.
GONE_SECONDS = 20.0

HOST = """
import sys
from pathlib import Path
import numpy as np
from facegen_core.bundle import load_bundle
from facegen_core.motion_engine import MotionRequest
from facegen_core.worker_client import Worker
path = Path(sys.argv[1])
bundle, worker = load_bundle(path), Worker(Path(sys.executable), "cpu")
def listen(fraction, message):
    if worker._process is not None:
        print(worker._process.pid, flush=True)
worker.start(listen)
while True:
    worker.motions(bundle, path, [MotionRequest(np.full((4000, 6), 0.4), 30.0)] * 4, listen)
"""


def killed(
    bundle: Bundle, path: Path, num_kills: int, num_cancels: int, rng: np.random.Generator
) -> list[Line]:
    """Requests whose worker is killed after a random time, then requests that are cancelled."""
    asked = [
        MotionRequest(curves(600, k), 30.0, None, 0.0, generator, Variation(k, 1.0))
        for k, generator in enumerate(("lstm", "lm4dgan", "lstm"))
    ]
    expected = list(built_in(bundle, asked))
    pids: set[int] = set()
    with Worker(PYTHON, "cpu") as worker:
        worker.motions(bundle, path, asked)
        started = time.monotonic()
        worker.motions(bundle, path, asked)
        usual = time.monotonic() - started
        good, restarts, worst = 0, 0, 0.0
        for _ in range(num_kills):
            worker.start()
            pid = worker._process.pid
            pids.add(pid)
            worker.notices.clear()
            timer = threading.Timer(rng.uniform(0, usual), _kill, (pid,))
            timer.start()
            difference = largest_difference(worker.motions(bundle, path, asked), expected)
            timer.join()
            is_gone(pid, GONE_SECONDS)  # or the next request would still find it there
            good += difference < TOLERANCE_MM
            restarts += bool(worker.notices)
            worst = max(worst, difference)
        ended = 0
        for _ in range(num_cancels):
            worker.start()
            pid = worker._process.pid
            pids.add(pid)
            ended += _is_cancelled(worker, bundle, path, asked, rng.uniform(0, usual / 2), pid)
        pids.add(worker._process.pid)
    left = sum(not is_gone(pid, GONE_SECONDS) for pid in pids)
    return [
        Line(
            "worker killed at a random moment of a request: started again, the same motion",
            f"{good} of {num_kills} requests answered, {restarts} after a restart, largest "
            f"difference {worst:.1e} mm",
            good == num_kills,
        ),
        Line(
            "cancel at a random moment ends the worker at once",
            f"{ended} of {num_cancels} ended before cancel returned",
            ended == num_cancels,
        ),
        Line("no worker is left behind", f"{left} of {len(pids)} processes left", left == 0),
    ]


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # its threads were still ending
        os.kill(pid, signal.SIGKILL)


def _is_cancelled(
    worker: Worker,
    bundle: Bundle,
    path: Path,
    asked: list[MotionRequest],
    after: float,
    pid: int,
) -> bool:
    deadline = time.monotonic() + after

    def listen(fraction: float, message: str) -> None:
        if time.monotonic() >= deadline:
            raise CancelledError

    try:
        while True:  # a request may be done before
            worker.motions(bundle, path, asked, listen)
    except CancelledError:
        return not is_running(pid)


def orphans(path: Path, num_hosts: int, rng: np.random.Generator) -> Line:
    """Hosts killed with SIGKILL at random moments: while torch loads, while the worker works."""
    slowest, left = 0.0, 0
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for _ in range(num_hosts):
        host = subprocess.Popen(
            [sys.executable, "-c", HOST, path],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment,
        )
        assert host.stdout is not None
        pid = int(host.stdout.readline())
        threading.Thread(target=host.stdout.read, daemon=True).start()
        time.sleep(rng.uniform(0, 10))
        host.kill()
        host.wait()
        killed_at = time.monotonic()
        left += not is_gone(pid, GONE_SECONDS)
        slowest = max(slowest, time.monotonic() - killed_at)
    return Line(
        "host killed with SIGKILL at a random moment: the worker ends with it",
        f"{left} of {num_hosts} workers left after {GONE_SECONDS:.0f} s",
        left == 0,
    )
