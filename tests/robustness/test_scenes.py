"""A few states of a scene, each with a few acts: the chapter in small, and that it sees faults."""

from __future__ import annotations

import sys

import pytest

from tests.blender.blenders import blenders
from tests.robustness import scenes

STATES = [
    ("Selection", "nothing selected"),
    ("Keys", "Basis in one point"),
    ("Mesh", "a vertex that is no number"),
    ("Transform", "scale that is no number"),
    ("Kept", "corrections damaged"),
    ("Kept", "schema of the future"),
    ("Modifiers", "a mask of nothing"),
    ("Files", "the folder of exports may not be written to"),
]
ACTS = ("look at the panels", "match", "generate", "clip_new", "export_clip")
ROW = {"group": "Mesh", "state": "flat", "act": "match", "outcome": "refused", "faults": []}


@pytest.mark.skipif(sys.platform != "linux", reason="the zip under test is the Linux one")
@pytest.mark.skipif(not blenders(), reason="no Blender: run 'make setup-test'")
def test_acts_in_odd_states_are_done_or_refused_in_words() -> None:
    rows = scenes.tried(1.0, 0, STATES, ACTS)
    assert len(rows) == len(STATES) * len(ACTS)
    assert [row for row in rows if row["faults"]] == []
    outcomes = {row["outcome"] for row in rows}
    assert outcomes == {"done", "grey", "refused"}


def test_faults_are_told_as_missed_lines_and_cases() -> None:
    fault = {**ROW, "faults": ["refused, but changed Object[Head].name"], "sentence": "No."}
    good = {**ROW, "sentence": "It is flat: select a head."}
    chapter = scenes.chapter([good] * 99 + [fault], 1.0)
    assert [line.reached for line in chapter.lines] == [True, False, False]
    assert [case.ok for case in chapter.cases] == [True, False]
