"""That results are kept and told as they are: misses as misses, faults as faults."""

import json
import sys
from pathlib import Path

import pytest

from tests.robustness import report
from tests.robustness.__main__ import AbsentError, chapter_of, main
from tests.robustness.report import Case, Chapter, Line

DOCS = Path(__file__).parents[2] / "docs"

CHAPTER = Chapter(
    "faults",
    "python -m tests.robustness faults",
    [Line("nothing half-written", "0 of 40 kills", True), Line("all resumed", "39 of 40", False)],
    [
        Case("Kills", "while baking", "The disk | is full.\nFree some.", True),
        Case("Kills", "while training", "KeyError: 'weights'", False),
    ],
    ["Kills fall at random moments."],
)


def test_the_page_is_what_its_data_say():
    results = json.loads((DOCS / report.DATA).read_text(encoding="utf-8"))
    assert list(results) == list(report.TITLES)
    assert (DOCS / report.PAGE).read_text(encoding="utf-8") == report.page(results)


def test_a_miss_and_a_fault_are_told_as_such(tmp_path):
    report.save(CHAPTER, tmp_path)
    page = (tmp_path / report.PAGE).read_text(encoding="utf-8")
    assert "| nothing half-written | 0 of 40 kills | reached |" in page
    assert "| all resumed | 39 of 40 | **missed** |" in page
    assert "| while baking | The disk \\| is full. Free some. |  |" in page
    assert "| while training | KeyError: 'weights' | **fault** |" in page
    assert "Kills fall at random moments." in page


def test_a_chapter_replaces_its_own_results_alone(tmp_path):
    other = Chapter("worker", "python -m tests.robustness worker", [Line("a", "b", True)])
    report.save(CHAPTER, tmp_path)
    report.save(other, tmp_path)
    report.save(Chapter("faults", "again", [Line("c", "d", True)]), tmp_path)
    results = report.load(tmp_path)
    assert results["faults"]["results"]["command"] == "again"
    assert results["worker"]["results"]["lines"] == [{"asked": "a", "measured": "b", "reached": 1}]
    assert results["scenes"]["results"] is None
    assert report.NOT_MEASURED in (tmp_path / report.PAGE).read_text(encoding="utf-8")


def test_an_unknown_chapter_is_not_kept(tmp_path):
    with pytest.raises(ValueError, match="no chapter"):
        report.save(Chapter("fautls", "", []), tmp_path)


@pytest.fixture
def chapters(tmp_path, monkeypatch):
    """A package of chapters: one that misses, one whose library is not there."""
    folder = tmp_path / "some_chapters"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "faults.py").write_text(
        "from tests.robustness.test_report import CHAPTER\ndef run(scale, seed): return CHAPTER\n"
    )
    (folder / "worker.py").write_text("import no_such_library\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder.name
    for name in [n for n in sys.modules if n.startswith(folder.name)]:
        del sys.modules[name]


def test_a_run_ends_with_1_where_a_line_is_missed_and_skips_what_is_absent(
    chapters, tmp_path, capsys
):
    out = tmp_path / "docs"
    assert main(["--out", str(out)], chapters) == 1
    printed = capsys.readouterr().out
    assert "faults: 1 of 2 lines reached, 2 cases, 1 faults" in printed
    assert "missed: all resumed: 39 of 40" in printed
    assert "scenes: skipped: this checkout has no such chapter" in printed
    assert "worker: skipped: no_such_library is not installed" in printed
    assert report.load(out)["faults"]["results"]["notes"] == CHAPTER.notes
    assert report.load(out)["worker"]["results"] is None


def test_rendering_changes_no_results(tmp_path):
    report.save(CHAPTER, tmp_path)
    data = (tmp_path / report.DATA).read_bytes()
    (tmp_path / report.PAGE).unlink()
    assert main(["--render", "--out", str(tmp_path)]) == 0
    assert (tmp_path / report.DATA).read_bytes() == data
    assert "while baking" in (tmp_path / report.PAGE).read_text(encoding="utf-8")


def test_a_chapter_that_is_there_is_found(chapters):
    assert chapter_of("faults", chapters)(1.0, 0) == CHAPTER
    with pytest.raises(AbsentError, match="no such chapter"):
        chapter_of("scenes", chapters)


def test_a_name_that_is_no_chapter_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["fautls", "--out", str(tmp_path)])
    assert "there is no chapter 'fautls'" in capsys.readouterr().err
