"""JSON on data-blocks is read as what it must be; what is damaged tells nothing and fails not."""

from __future__ import annotations

import pytest

from blender_addon.scene import kept

DAMAGED = ["", "{not JSON", "null", "7", '"text"', "[" * 100_000, 7, None, 1.5, b"{}", ["{}"]]


@pytest.mark.parametrize("text", DAMAGED, ids=lambda text: repr(text)[:20])
def test_what_is_damaged_tells_nothing(text):
    assert kept.mapping(text) == {}
    assert kept.names(text) == {}
    assert kept.rows(text) == []
    assert kept.numbers(text) == []


def test_what_facegen_wrote_is_read_as_it_was():
    assert kept.mapping('{"a": 1, "b": [2]}', "a") == {"a": 1, "b": [2]}
    assert kept.names('{"clip": ["FG_clip_01"], "none": []}') == {
        "clip": ["FG_clip_01"],
        "none": [],
    }
    assert kept.rows('[{"sentence": "x"}]', "sentence") == [{"sentence": "x"}]
    assert kept.numbers("[3, 7]") == [3, 7]


def test_what_lacks_a_name_or_is_of_another_kind_is_left_out():
    assert kept.mapping('{"a": 1}', "a", "b") == {}
    assert kept.names('{"clip": "FG_clip_01", "two": [1], "good": ["x"]}') == {"good": ["x"]}
    assert kept.rows('[{"sentence": "x"}, 7, {}]', "sentence") == [{"sentence": "x"}]
    assert kept.numbers('[1, "2", true, 2.5, 4]') == [1, 4]
