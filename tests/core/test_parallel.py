"""Parts of a clip in threads: the order, the progress, and what happens when one fails."""

import threading
import time

import pytest

from facegen_core import parallel
from facegen_core.errors import CancelledError
from facegen_core.progress import no_progress


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_order_of_the_parts(monkeypatch, workers):
    monkeypatch.setattr(parallel, "num_workers", lambda: workers)

    def work(part: int) -> int:
        time.sleep(0.002 * (5 - part))
        return part * part

    heard: list[float] = []
    threads: set[threading.Thread] = set()

    def progress(fraction: float, message: str) -> None:
        assert message == "Working"
        heard.append(fraction)
        threads.add(threading.current_thread())

    assert parallel.each(work, range(5), progress, "Working") == [0, 1, 4, 9, 16]
    assert heard == [0.0, 0.2, 0.4, 0.6, 0.8]
    assert threads == {threading.current_thread()}
    assert parallel.each(work, [], no_progress, "") == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_cancelled_clip_leaves_out_the_parts_that_were_not_begun(monkeypatch, workers):
    monkeypatch.setattr(parallel, "num_workers", lambda: workers)
    begun = []

    def work(part: int) -> None:
        begun.append(part)
        time.sleep(0.01)

    def progress(fraction: float, message: str) -> None:
        if fraction > 0:
            raise CancelledError

    with pytest.raises(CancelledError):
        parallel.each(work, range(40), progress, "")
    assert len(begun) < 10


@pytest.mark.parametrize("workers", [1, 2])
def test_a_part_that_fails_fails_the_whole(monkeypatch, workers):
    monkeypatch.setattr(parallel, "num_workers", lambda: workers)

    def work(part: int) -> None:
        if part == 1:
            raise ValueError("part 1")

    with pytest.raises(ValueError, match="part 1"):
        parallel.each(work, range(4), no_progress, "")
