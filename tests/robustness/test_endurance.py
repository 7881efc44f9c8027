"""A sample of the endurance chapter: some random acts and every fault found before, in a Blender.

The full run is `python -m tests.robustness endurance`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.blender.blenders import blenders
from tests.robustness import endurance, endurance_part, endurance_plan
from tests.robustness.report import Case, Chapter, Line

FOUND = Path(__file__).with_name("endurance_found.json")
BLENDERS = [blender for blender in blenders() if blender.version.startswith(endurance.MOST_IN)]
NUM_ACTS, SEED = 25, 11


@pytest.mark.skipif(not BLENDERS, reason="no Blender: run 'make setup-test'")
@pytest.mark.skipif(sys.platform != "linux", reason="the zip under test is the Linux one")
def test_random_acts_and_the_faults_they_found(built_zip: Path) -> None:
    acts = [act for found in json.loads(FOUND.read_text()) for act in found["acts"]]
    acts += endurance_plan.draw(SEED, NUM_ACTS)
    result = endurance.play(BLENDERS[0], built_zip, acts, stops=False)
    told = "\n".join(f"{fault['act']}: {fault['text']}" for fault in result["faults"])
    assert not result["faults"], told
    assert result["done"] == len(acts)


def test_acts_are_drawn_the_same_from_the_same_seed() -> None:
    assert endurance_plan.draw(3, 200) == endurance_plan.draw(3, 200)
    assert endurance_plan.draw(3, 50) != endurance_plan.draw(4, 50)
    assert {act["act"] for act in endurance_plan.draw(0, 5000)} == set(endurance_plan.WEIGHTS)


def test_a_failing_list_is_shrunk_to_the_acts_that_matter() -> None:
    acts = endurance_plan.draw(0, 60)
    needed = [acts[7], acts[31], acts[59]]

    def fails(some: list[endurance_plan.Act]) -> bool:
        return all(act in some for act in needed)

    assert endurance_plan.shrunk(acts, fails, most_tries=400) == needed


def test_a_part_measured_alone_takes_the_place_of_its_lines() -> None:
    asked = [
        "300 random acts in Blender 4.2.1, true",
        "300 random acts in Blender 5.0.1, true",
        "x",
    ]
    faults = [Case(f"Faults in Blender {v}", "acts", "wrong", False) for v in ("4.2.1", "5.0.1")]
    read = [Case("Acts that were refused", "match", "No.", True)]
    kept = Chapter("endurance", "c", [Line(a, "before", False) for a in asked], faults + read, [])
    now = [Line(asked[1], "now", True), Line("y", "now", True)]
    joined = endurance_part.joined(kept, Chapter("endurance", "c", now, read, ["note"]))
    assert [line.measured for line in joined.lines] == ["before", "now", "before", "now"]
    assert joined.cases == [faults[0], *read]
    assert joined.notes == ["note"]


def test_a_fault_is_told_without_places_of_this_machine() -> None:
    frames = 'Traceback (most recent call last):\n  File "/tmp/x.py", line 1\nKeyError: 3\n'
    assert endurance._plain(f"match says: {frames}Location: /tmp/y.py:1\n") == (
        "match says: KeyError: 3"
    )
    assert endurance._plain("left a file") == "left a file"
