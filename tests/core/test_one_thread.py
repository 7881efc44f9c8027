"""BLAS on one thread while Facegen reckons, and on as many as before when it is done."""

import threading

import pytest
import scipy.linalg  # noqa: F401 - brings a BLAS of its own
from threadpoolctl import ThreadpoolController, threadpool_limits

from facegen_core import one_thread, pipeline, posing, rigging
from facegen_core.one_thread import on_one_thread


def threads() -> set[int]:
    found = ThreadpoolController().select(user_api="blas").info()
    assert found, "no BLAS to test with"
    return {library["num_threads"] for library in found}


@on_one_thread
def asked() -> set[int]:
    return threads()


@on_one_thread
def asked_within() -> set[int]:
    assert asked() == {1}
    return threads()


@on_one_thread
def failing() -> None:
    raise ValueError("of the work")


def test_the_threads_come_back_also_after_an_error_and_from_within() -> None:
    with threadpool_limits(2, "blas"):
        before = threads()
        assert asked() == asked_within() == {1}
        with pytest.raises(ValueError, match="of the work"):
            failing()
        assert threads() == before


def test_who_ends_first_does_not_end_it_for_the_other() -> None:
    begun, may_end, found = threading.Event(), threading.Event(), []

    @on_one_thread
    def long() -> None:
        begun.set()
        may_end.wait(60)
        found.append(threads())

    with threadpool_limits(2, "blas"):
        before = threads()
        other = threading.Thread(target=long)
        other.start()
        assert begun.wait(60)
        assert asked() == {1}
        may_end.set()
        other.join()
        assert found == [{1}]
        assert threads() == before


def test_the_work_is_done_without_the_library_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_thread, "ThreadpoolController", None)
    monkeypatch.setattr(one_thread, "_HOLD", one_thread._Hold())
    with threadpool_limits(2, "blas"):
        assert asked() == threads()


def test_whatever_makes_what_is_kept_is_on_one_thread() -> None:
    made = [
        *(pipeline.match, pipeline.move_landmarks, pipeline.correct_parts, pipeline.generate),
        *(pipeline.variations, pipeline.face_shapes, pipeline.bake, posing.Poser.pose),
        *(rigging.make_rig, rigging.solve_into, rigging.accuracy_of),
    ]
    assert {work.__code__ for work in made} == {asked.__code__}
