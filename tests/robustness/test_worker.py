"""A little of the worker's chapter; `make robustness` runs all of it."""

import pytest

pytest.importorskip("torch", reason="the worker needs a Python with torch")

from tests.robustness import worker


def test_the_worker_stands_a_little_of_everything():
    chapter = worker.run(0.03, 3)
    assert not chapter.missed
    assert [case for case in chapter.cases if not case.ok] == []
    assert len(chapter.cases) > 15
