"""A few damaged files at every kind of door, and that the watch over them sees what it must."""

import os
import subprocess
import sys
from random import Random

import pytest

from tests.robustness import security_links
from tests.robustness.security import MEMORY_BYTES, Tally, chapter_of, tally_of
from tests.robustness.security_child import damaged
from tests.robustness.security_doors import DOORS, ROOT
from tests.robustness.security_openings import check_sentence


@pytest.mark.parametrize(
    ("name", "count"),
    [("bundle", 40), ("worker message", 150), ("preset", 80), ("PLY", 60), ("clip record", 60)],
)
def test_damaged_files_load_or_are_refused_in_a_sentence(name, count):
    tally = tally_of(name, count, seed=7)
    assert not tally.faults
    assert tally.cases == count
    assert tally.refused > count // 10
    assert tally.grown < MEMORY_BYTES


def test_links_and_shared_folders_lead_nowhere_else():
    found = security_links.cases()
    assert [case for case in found if not case.ok] == []
    assert len(found) > 10 or os.name != "posix"


def test_the_same_seed_damages_the_same_way_and_another_differs():
    door = DOORS["worker message"]
    samples = door.make()
    first, again = (damaged(door, samples, "worker message", 1, 5) for _ in range(2))
    assert first == again
    others = {damaged(door, samples, "worker message", 1, number) for number in range(50)}
    assert len(others) > 40


WATCHED = """
import os, tempfile
from pathlib import Path
from tests.robustness.security_child import Watch
folder = tempfile.TemporaryDirectory()
watch = Watch(folder.name)
def seen(act):
    with watch.watching():
        try:
            act()
        except Exception:
            pass
    return list(watch.seen)
def write():
    Path("elsewhere.txt").write_text("x")
assert not seen(lambda: sorted([3, 1]))
for word, act in {
    "exec": lambda: exec("x = 1"),
    "os.system": lambda: os.system("true"),
    "subprocess": lambda: __import__("subprocess").run(["true"]),
    "import": lambda: __import__("wave"),
    "socket": lambda: __import__("socket").create_connection(("127.0.0.1", 9)),
    "pickle": lambda: __import__("pickle").loads(b"cposix\\ngetpid\\n."),
    "writes": write,
}.items():
    assert any(word in found for found in seen(act)), word
"""


def test_the_watch_sees_code_programs_connections_and_files(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WATCHED],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_a_process_that_dies_is_counted_and_the_rest_goes_on(monkeypatch):
    """The child is told to end at one case, as a crash of a library would end it."""
    monkeypatch.setenv("FACEGEN_CRASH_AT", "3")
    tally = tally_of("worker message", 6, seed=0)
    assert (tally.crashes, tally.cases) == (1, 6)
    assert tally.faults[0][0] == 3
    assert "SIGKILL" in tally.faults[0][1]


def test_faults_and_memory_are_told_as_misses():
    bad = Tally(loaded=1, refused=2, grown=2 * MEMORY_BYTES, faults=[(4, "KeyError: 'a'")], ran=1)
    chapter = chapter_of({"preset": bad})
    missed = " ".join(line.asked for line in chapter.missed)
    for word in ("10000", "no code", "one sentence", "memory"):
        assert word in missed
    assert any("case 4" in case.name and not case.ok for case in chapter.cases)


@pytest.mark.parametrize(
    "text", ["no end", "two\nlines.", "x" * 700 + ".", " blank.", "index 29 for axis 0."]
)
def test_what_is_no_sentence_is_a_fault(text):
    with pytest.raises(AssertionError):
        check_sentence(text)
    check_sentence("The file is damaged: get it again.")


def test_every_kind_of_damage_still_makes_files():
    for name in ("preset", "bundle", "PLY", "worker message"):
        door, rng = DOORS[name], Random(3)
        samples = door.make()
        made = {door.damage(rng, samples[0]) for _ in range(60)}
        assert len(made) > 40
