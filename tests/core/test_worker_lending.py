"""A GPU worker that a batch keeps and its heads borrow, one after the other."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from facegen_core.errors import BundleError, CancelledError, WorkerError
from facegen_core.landmark_inference import Variation
from facegen_core.motion_engine import MotionRequest
from facegen_core.progress import Progress, no_progress
from facegen_core.worker_client import CORE, RESTARTED, Worker
from facegen_core.worker_lending import Lender, LentWorker
from tests.core.model_fixtures import random_bundle
from tests.core.worker_fixtures import (
    KILL,
    PYTHON,
    TOLERANCE_MM,
    built_in,
    bundle,
    curves,
    false_python,
    is_gone,
    is_running,
    largest_difference,
    path,
    random_requests,
)

__all__ = ["bundle", "path"]  # fixtures

pytest.importorskip("torch", reason="the worker needs a Python with torch")


@pytest.fixture(scope="module")
def kept() -> Iterator[Lender]:
    lender = Lender(PYTHON, CORE)
    yield lender
    lender.close()


def pid_of(lender: Lender) -> int:
    assert lender._worker is not None
    return lender._worker.pid


@contextmanager
def borrowing(lender: Lender, python: Path = PYTHON) -> Iterator[Worker]:
    """A head's worker, borrowed over pipes as from another process; afterwards it is given back."""
    (there, here), (back, answers) = (
        tuple(os.fdopen(end, mode) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
        for _ in range(2)
    )
    lending = threading.Thread(target=lender.lend, args=(there, answers))
    lending.start()
    worker = Worker(python, "cpu", lent=LentWorker(back, here))
    try:
        yield worker
    finally:
        worker.close()
        if not here.closed:  # it was never asked for anything
            here.close()
        lending.join()
        answers.close()


def long_request() -> MotionRequest:
    return MotionRequest(curves(12_000), 30.0, generator="lm4dgan", variation=Variation(1))


def at_work(act) -> Progress:
    """Acts while motion is generated."""

    def listen(fraction: float, message: str) -> None:
        if message == "Generating the motion" and fraction > 0:
            act()

    return listen


def test_heads_one_after_the_other_borrow_the_same_worker(kept, bundle, path):
    used = set()
    for seed in range(3):
        requests = random_requests(bundle, seed, 4)
        with borrowing(kept) as worker:
            assert worker.start().device == "cpu"
            made = worker.motions(bundle, path, requests)
        assert largest_difference(made, list(built_in(bundle, requests))) < TOLERANCE_MM
        used.add(pid_of(kept))
    assert len(used) == 1


def test_what_the_worker_refuses_costs_nobody_the_worker(kept, bundle, path):
    other = random_bundle()
    with borrowing(kept) as worker:
        with pytest.raises(BundleError, match="has changed since it was opened"):
            worker.motions(other, path, [MotionRequest(curves(12), 30.0)])
        before = pid_of(kept)
    with borrowing(kept) as worker:
        assert len(worker.motions(bundle, path, random_requests(bundle, 1, 2))) == 2
    assert pid_of(kept) == before


def test_a_head_that_ends_in_the_midst_costs_the_worker_and_the_next_gets_another(
    kept, bundle, path
):
    def cancel() -> None:
        raise CancelledError

    with borrowing(kept) as worker:
        worker.start()
        before = pid_of(kept)
        with pytest.raises(CancelledError):
            worker.motions(bundle, path, [long_request()], at_work(cancel))
    assert is_gone(before)
    requests = random_requests(bundle, 2, 2)
    with borrowing(kept) as worker:
        made = worker.motions(bundle, path, requests)
    assert largest_difference(made, list(built_in(bundle, requests))) < TOLERANCE_MM
    assert pid_of(kept) != before


def test_a_worker_that_is_killed_is_replaced_by_the_heads_own(kept, bundle, path):
    request = long_request()
    with borrowing(kept) as worker:
        worker.start()
        lent = pid_of(kept)
        kill = at_work(lambda: is_running(lent) and os.kill(lent, KILL))
        (made,) = worker.motions(bundle, path, [request], kill)
        assert worker.notices == [RESTARTED]
        own = worker._process
        assert isinstance(own.pid, int)
        assert own.pid != lent
    assert is_gone(own.pid)
    assert largest_difference([made], list(built_in(bundle, [request]))) < TOLERANCE_MM
    with borrowing(kept) as worker:
        assert worker.start().device == "cpu"
    assert is_running(pid_of(kept))


def test_a_worker_that_cannot_be_had_says_why(tmp_path: Path):
    useless = false_python(tmp_path, "sys.exit('it has no torch')")
    lender = Lender(useless, CORE)
    for _ in range(2):
        with (
            borrowing(lender, useless) as worker,
            pytest.raises(WorkerError, match="cannot be the GPU worker: it has no torch"),
        ):
            worker.start()
    with (
        borrowing(Lender(tmp_path / "none", CORE)) as worker,
        pytest.raises(WorkerError, match="There is no Python at"),
    ):
        worker.start()


def test_a_head_learns_when_the_batch_is_gone_and_a_lender_needs_no_head(kept):
    gone = threading.Event()
    (reading, writing), (nobody, unread) = os.pipe(), os.pipe()
    lent = LentWorker(os.fdopen(reading, "rb"), os.fdopen(unread, "wb"), gone.set)
    time.sleep(0.05)
    assert not gone.is_set()
    os.close(writing)
    assert gone.wait(20)
    lent.close()
    os.close(nobody)
    with borrowing(kept, PYTHON) as worker:
        worker.start(no_progress)
    assert is_running(pid_of(kept))
