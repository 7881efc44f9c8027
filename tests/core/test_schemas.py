"""What older versions wrote is brought up step by step; what newer ones wrote is left alone."""

from __future__ import annotations

import copy

import pytest

from facegen_core.errors import FacegenError, PresetError
from facegen_core.schemas import BUNDLE, SCHEMAS, Schema

# A file in its third form: first it told `size` in centimetres, then in millimetres, then by axis.
GROWN = Schema(
    3,
    {
        1: lambda content: {**content, "size": content["size"] * 10},
        2: lambda content: {**content, "size": [content["size"]] * 3},
    },
)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_every_chain_reaches_the_present_without_a_gap(schema):
    assert sorted(schema.steps) == list(range(schema.oldest, schema.version))


def test_steps_are_taken_in_order_from_where_the_content_is():
    assert GROWN.brought_up({"size": 2}, 1, "It") == {"size": [20, 20, 20]}
    assert GROWN.brought_up({"size": 20}, 2, "It") == {"size": [20, 20, 20]}
    assert GROWN.brought_up({"size": [1, 2, 3]}, 3, "It") == {"size": [1, 2, 3]}


def test_what_is_brought_up_stays_as_it_was():
    content = {"size": 2, "unknown": {"to": "us"}}
    before = copy.deepcopy(content)
    assert GROWN.brought_up(content, 1, "It")["unknown"] == {"to": "us"}
    assert content == before


@pytest.mark.parametrize("found", [4, 99])
def test_the_future_is_refused_with_what_to_do(found):
    with pytest.raises(PresetError) as caught:
        GROWN.brought_up({"size": 1}, found, "grin.json", PresetError)
    assert str(caught.value) == (
        f"grin.json was made by a newer Facegen (schema version {found}, expected at most version "
        "3): update Facegen; nothing was changed."
    )


@pytest.mark.parametrize("found", [None, "1", 1.0, True, -1, [1]])
def test_what_is_no_version_is_refused(found):
    with pytest.raises(FacegenError, match="expected version 3"):
        GROWN.check(found, "It")


def test_older_than_the_oldest_is_refused():
    with pytest.raises(FacegenError, match="It has version 1, expected version 3"):
        Schema(3, {2: dict}).check(1, "It")


@pytest.mark.parametrize("content", [{}, {"size": None}])
def test_content_that_a_step_cannot_read_is_damaged(content):
    with pytest.raises(FacegenError, match="no whole version 1"):
        GROWN.brought_up(content, 1, "It")


def test_a_bundle_of_the_first_version_is_told_what_it_was():
    header = BUNDLE.brought_up({"schema_version": 1, "model": {"decoder": "hybrid"}}, 1, "It")
    assert header["schema_version"] == BUNDLE.version
    assert header["model"]["expressions"][0] == "happy"
    assert header["model"]["decoder"] == "hybrid"
    assert not header["model"]["reads_lip_gap"]
