"""A sample of the chapter on memory. The full run is `python -m tests.robustness memory`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.blender.blenders import blenders
from tests.robustness import memory
from tests.robustness.child import in_blender

BLENDERS = [blender for blender in blenders() if blender.version.startswith(memory.MIDDLE)]


@pytest.mark.skipif(not BLENDERS, reason="no Blender: run 'make setup-test'")
@pytest.mark.skipif(sys.platform != "linux", reason="the zip under test is the Linux one")
def test_no_memory_stays_in_use_in_blender(built_zip: Path) -> None:
    plan = {"how": "facegen", "generations": 10, "warm_up": 10}
    found = in_blender(BLENDERS[0], "steady_memory.py", built_zip, plan, **memory.ONE_THREAD)
    assert memory.slope(found["in_use_mb"]) <= memory.MOST_MB
    assert found["before"] == found["after"]
    assert found["files"][0] == found["files"][1]
    assert found["threads"] == ["MainThread"]


def test_memory_that_grows_is_told() -> None:
    assert memory.flat_line("it", [100.0] * 50, 50).reached
    line = memory.flat_line("it", [100.0 + 0.5 * k for k in range(50)], 50)
    assert not line.reached
    assert line.measured.startswith("+0.5000 MB each over 50")


def test_a_short_run_is_not_taken_for_a_long_one() -> None:
    assert not memory.flat_line("it", [100.0] * 49, 50).reached
