"""A sample of the chapter on sameness. The full run is `python -m tests.robustness sameness`."""

from __future__ import annotations

import pytest

from tests.robustness import sameness


@pytest.mark.parametrize("part", ["bundles", "match"])
def test_the_same_bytes_on_one_and_two_threads(part: str) -> None:
    one, two = (sameness.made(part, *setting) for setting in sameness.SETTINGS[:2])
    line = sameness.same_line(part, [one, two])
    assert line.reached, line.measured


def test_other_bytes_are_named() -> None:
    line = sameness.same_line("bytes", [{"a": "1", "b": "2"}, {"a": "1", "b": "3"}])
    assert not line.reached
    assert line.measured.endswith("other bytes: b")


def test_what_only_one_process_made_is_no_sameness() -> None:
    assert not sameness.same_line("bytes", [{"a": "1", "b": "2"}, {"a": "1"}]).reached
    assert not sameness.same_line("bytes", [{}, {}]).reached
