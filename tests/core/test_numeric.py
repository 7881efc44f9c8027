"""What counts as a number, and the words for what does not."""

import numpy as np
import pytest

from facegen_core import memory
from facegen_core.errors import TooLargeError
from facegen_core.numeric import finite, real_array, shown, size


@pytest.mark.parametrize("value", [0, -2.5, np.float32(1.5), np.int8(3)])
def test_a_real_number_is_one(value):
    assert finite(value) == float(value)


@pytest.mark.parametrize("value", [np.nan, np.inf, 10**400, "3", None, 1j, [1.0], np.ones(2)])
def test_anything_else_is_none(value):
    assert finite(value) is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.25, "0.25"),
        (np.nan, "no number"),
        (10**400, "a number too large"),
        (None, "nothing"),
        ("two\nlines", "'two lines'"),
        ("x" * 99, "'" + "x" * 39 + "…'"),
        (np.ones(3), "a list"),
        ({"a": 1}, "a group of values"),
        (1j, "no number"),
    ],
)
def test_a_value_is_quoted_short(value, words):
    assert shown(value) == words


def test_arrays_of_real_numbers_only():
    assert real_array([[1, 2], [3, 4]]).shape == (2, 2)
    for values in (["a"], [None], [1j], [[1, 2], [3]]):
        assert real_array(values) is None


def test_sizes_are_told_for_people():
    assert [size(shape) for shape in ((), (5,), (4, 6))] == [
        "a single number",
        "one row of 5",
        "4 × 6",
    ]


def test_what_does_not_fit_is_refused_and_what_does_is_not(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 2e9)
    memory.check_fits(1.9e9, "A clip", "shorten it")
    with pytest.raises(TooLargeError, match=r"^A clip needs about 3\.0 GB of memory, and 2\.0 GB"):
        memory.check_fits(3e9, "A clip", "shorten it")
    with pytest.raises(TooLargeError, match="more than a million GB"):
        memory.check_fits(float("inf"), "A clip", "shorten it")
    monkeypatch.setattr(memory, "available_bytes", lambda: None)
    memory.check_fits(1e30, "A clip", "shorten it")


def test_this_machine_tells_how_much_is_free():
    free = memory.available_bytes()
    assert free is None or free > 0
