"""Many heads: a process each, a page of all, and nothing half-made whatever happens."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from blender_addon.command import batch_options, batch_page, batch_run
from blender_addon.command.batch_jobs import Job, jobs_of
from blender_addon.command.batch_options import BatchRequest
from facegen_core.errors import FacegenError
from tests.blender.command import ROOT, Run, facegen, files_in, refusal

HAPPY = "happy@1,4,6,9"


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Three heads that work and a file that is none."""
    pytest.importorskip("bpy", reason="the command needs the bpy wheel")
    folder = tmp_path_factory.mktemp("batch")
    assert facegen(folder, "head", "-o", "ann.obj").code == 0
    text = (folder / "ann.obj").read_text()
    for name, scale in (("bob", 0.01), ("cleo", 3.0)):
        lines = [
            "v " + " ".join(f"{scale * float(x):.7g}" for x in line.split()[1:4])
            if line.startswith("v ")
            else line
            for line in text.splitlines()
        ]
        (folder / f"{name}.obj").write_text("\n".join(lines) + "\n")
    (folder / "broken.obj").write_text("this is no head\n")
    rows = [{"head": "cleo.obj", "name": "Cleo <b>", "expressions": ["angry@1,4,6,9=0.7"]}]
    (folder / "more.json").write_text(json.dumps(rows))
    return run(folder)


def run(folder: Path, *more: object) -> Run:
    return facegen(
        folder,
        *("batch", "ann.obj", "bob.obj", "broken.obj", "more.json", "-e", HAPPY),
        *("--out", "out", "--jobs", 2, "--preset", "unity", *more),
    )


def result(folder: Path) -> dict:
    return json.loads((folder / "out" / "batch.json").read_text())


def test_heads_that_work_are_made_and_one_that_is_broken_costs_itself(batch: Run) -> None:
    assert batch.code == 1, batch.err
    out = batch.folder / "out"
    assert files_in(out) == {"ann", "bob", "Cleo_b", "batch.json", "index.html"}
    for name in ("ann", "bob", "Cleo_b"):
        files = {f"{name}.fbx", f"{name}.png", "report.json", "made.json"}
        assert files_in(out / name) == files
    told = result(batch.folder)
    assert (told["asked"], told["failed"]) == (4, 1)
    by_name = {head["name"]: head for head in told["heads"]}
    assert "no mesh with faces" in by_name["broken"]["sentence"]
    assert by_name["broken"]["sentence"] in batch.out
    assert list(by_name["Cleo_b"]["report"]["displacement_mm"]) == ["angry"]
    assert list(by_name["ann"]["report"]["displacement_mm"]) == ["happy"]
    for name in ("ann", "bob", "Cleo_b"):
        assert by_name[name]["report"]["roundtrip"]["max_error_mm"] < 0.01


def test_the_page_stands_alone(batch: Run) -> None:
    page = (batch.folder / "out" / "index.html").read_text()
    assert not re.search(r"(src|href)=\"(https?:)?//", page)
    for address in re.findall(r"(?:src|href)=\"([^\"]+)\"", page):
        assert (batch.folder / "out" / address).is_file(), address
    assert page.count("<tr class=") == 4
    assert "no mesh with faces" in page
    assert len(re.findall(r"<img ", page)) == 3


def test_a_second_run_makes_only_what_is_missing_or_asked_for_anew(batch: Run) -> None:
    out = batch.folder / "out"
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*.fbx")}
    again = run(batch.folder)
    assert again.code == 1
    assert again.out.count("finished already") == 3
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*.fbx")} == before
    page = (out / "index.html").read_text()
    assert page.count("finished by an earlier run") == 3
    (out / "bob" / "made.json").unlink()
    assert run(batch.folder).out.count("finished already") == 2
    after = {p: p.stat().st_mtime_ns for p in out.rglob("*.fbx")}
    assert {p.parent.name for p in after if after[p] != before[p]} == {"bob"}


def test_the_record_of_a_clip_is_played_again(batch: Run) -> None:
    told = ("generate", "ann.obj", "-e", HAPPY, "-o", "take.glb", "--record", "take.json")
    assert facegen(batch.folder, *told).code == 0
    again = facegen(
        batch.folder, "batch", "take.json", "--out", "again", "--preset", "unity", "--jobs", 1
    )
    assert again.code == 0, again.out + again.err
    assert files_in(batch.folder / "again" / "take") == {"take.fbx", "report.json", "made.json"}
    (head,) = json.loads((batch.folder / "again" / "batch.json").read_text())["heads"]
    assert head["report"]["replay"]["bit_equal"]
    assert "bit for bit" in (batch.folder / "again" / "index.html").read_text()


def request(folder: Path, *names: str, seconds: float = 30.0, processes: int = 2) -> BatchRequest:
    jobs = []
    for name in names:
        (folder / f"{name}.obj").write_text("v 0 0 0\n")
        jobs.append(Job(name, folder / f"{name}.obj", (HAPPY,)))
    out = folder / "out"
    return BatchRequest(tuple(jobs), out, ("fbx",), (), processes, seconds, False, False)


def plays(monkeypatch: pytest.MonkeyPatch, scripts: dict[str, str]) -> None:
    """Let the process of each head run a few lines of Python instead."""

    def arguments(_: BatchRequest, job: Job) -> list[str]:
        return [sys.executable, "-c", f"import os, signal, sys, time\n{scripts[job.name]}"]

    monkeypatch.setattr(batch_run, "_arguments", arguments)


def statuses(outcomes: list[batch_run.Outcome]) -> dict[str, str]:
    return {outcome.job.name: outcome.sentence or outcome.status for outcome in outcomes}


def test_a_process_that_crashes_hangs_or_lies_costs_one_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays(
        monkeypatch,
        {
            "good": "open('good.fbx', 'w').write('x')",
            "crash": "open('half.fbx', 'w'); os.kill(os.getpid(), signal.SIGSEGV)",
            "hang": "open('half.fbx', 'w'); time.sleep(60)",
            "says": "sys.exit('facegen: One sentence.')",
            "traceback": "raise ValueError('odd')",
        },
    )
    names = ("good", "crash", "hang", "says", "traceback")
    told: list[str] = []
    found = statuses(batch_run.run_batch(request(tmp_path, *names, seconds=2.0), told.append))
    assert found["good"] == "done"
    assert "crashed (SIGSEGV)" in found["crash"]
    assert "longer than 2 s" in found["hang"]
    assert found["says"] == "One sentence."
    assert found["traceback"] == "ValueError: odd"
    assert files_in(tmp_path / "out") == {"good", "batch.json", "index.html"}
    assert len(told) == 5


def test_an_interrupt_ends_the_processes_and_leaves_no_half_products(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = "open('half.fbx', 'w'); open(r'{}', 'w').write(str(os.getpid())); time.sleep(60)"
    marks = [tmp_path / "pid1", tmp_path / "pid2"]
    plays(
        monkeypatch,
        {"a": "pass", "b": slow.format(marks[0]), "c": slow.format(marks[1]), "d": "pass"},
    )

    def interrupt(_: str) -> None:
        while not all(mark.is_file() and mark.read_text() for mark in marks):
            time.sleep(0.01)
        raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        batch_run.run_batch(request(tmp_path, "a", "b", "c", "d", processes=2), interrupt)
    assert time.monotonic() - started < 20
    left = files_in(tmp_path / "out")
    assert left <= {"a", "d", "batch.json", "index.html"}, left
    assert json.loads((tmp_path / "out" / "batch.json").read_text())["asked"] == 4
    for mark in marks:
        assert not Path(f"/proc/{mark.read_text()}/cwd").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
def test_ctrl_c_stops_the_command(batch: Run) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "blender_addon.cli", "batch", "ann.obj", "bob.obj", "-e", HAPPY]
        + ["--out", "stopped", "--jobs", "1"],
        cwd=batch.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        # A test run that a script put into the background ignores Ctrl-C, and would hand that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    working = batch.folder / "stopped" / ".ann.unfinished"
    wait_for(working.exists)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130, said
    assert "stopped" in said
    assert files_in(batch.folder / "stopped") == {"batch.json", "index.html"}


def test_ctrl_c_while_heads_are_still_handed_out_stops_those_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = tmp_path / "out" / ".a.unfinished" / "half.fbx"

    class Interrupted(ThreadPoolExecutor):
        def submit(self, *asked: Any) -> Any:
            if half.parent.exists():
                wait_for(half.exists)
                raise KeyboardInterrupt
            handed = super().submit(*asked)
            wait_for(half.parent.exists)
            return handed

    monkeypatch.setattr(batch_run, "ThreadPoolExecutor", Interrupted)
    plays(monkeypatch, {"a": "open('half.fbx', 'w')\ntime.sleep(5)"})
    with pytest.raises(KeyboardInterrupt):
        batch_run.run_batch(request(tmp_path, "a", "b"), lambda _: None)
    assert files_in(tmp_path / "out") == {"batch.json", "index.html"}


@pytest.mark.skipif(
    not Path("/proc/self/cwd").exists(), reason="processes are asked where they are"
)
def test_the_heads_of_a_batch_that_is_killed_end_with_it(tmp_path: Path) -> None:
    """SIGKILL leaves it no moment to end them."""
    head = (
        "import os, time\nfrom blender_addon.command import batch_processes\n"
        "batch_processes.end_with_batch()\n"
        "open('at_work', 'w').write(str(os.getpid()))\ntime.sleep(120)\n"
    )
    batch = (
        "import sys\nfrom pathlib import Path\n"
        "from blender_addon.command.batch_processes import Processes\n"
        f"Processes().run([sys.executable, '-c', {head!r}], Path('.'), 100.0)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", batch], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    mark = tmp_path / "at_work"
    wait_for(lambda: mark.is_file() and bool(mark.read_text()))
    process.kill()
    process.wait()
    wait_for(lambda: not Path(f"/proc/{mark.read_text()}/cwd").exists(), seconds=30.0)


def test_a_second_batch_in_one_folder_is_refused_while_the_first_is_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would clear away the heads that the first is making."""
    first = (
        "import sys\nfrom pathlib import Path\n"
        "from blender_addon.command import batch_run\n"
        "from tests.blender.test_cli_batch import request\n"
        "slow = ['-c', \"open('half.fbx', 'w'); import time; time.sleep(120)\"]\n"
        "batch_run._arguments = lambda *_: [sys.executable, *slow]\n"
        "batch_run.run_batch(request(Path(sys.argv[1]), 'a', seconds=100.0), print)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", first, str(tmp_path)], cwd=ROOT)
    half = tmp_path / "out" / ".a.unfinished" / "half.fbx"
    plays(monkeypatch, {"a": "pass"})
    try:
        wait_for(half.exists)
        with pytest.raises(FacegenError, match="Another batch is at work in "):
            batch_run.run_batch(request(tmp_path, "a"), lambda _: None)
        assert half.exists()
    finally:
        process.kill()
        process.wait()
    assert statuses(batch_run.run_batch(request(tmp_path, "a"), lambda _: None)) == {"a": "done"}
    assert files_in(tmp_path / "out") == {"a", "batch.json", "index.html"}


def test_a_finished_head_stays_until_the_one_that_replaces_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays(monkeypatch, {"a": "open('a.fbx', 'w').write(str(time.time()))"})
    asked = request(tmp_path, "a")
    batch_run.run_batch(asked, lambda _: None)
    first = (asked.folder / "a" / "a.fbx").read_text()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt  # as near to a kill as a test can come

    again = dataclasses.replace(asked, is_again=True)
    with monkeypatch.context() as patch:
        patch.setattr(batch_run.files, "replace", killed)
        patch.setattr(batch_run, "_write_results", lambda *_: None)
        patch.setattr(batch_run.shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            batch_run.run_batch(again, lambda _: None)
    assert statuses(batch_run.run_batch(asked, lambda _: None)) == {"a": "skipped"}
    assert (asked.folder / "a" / "a.fbx").read_text() == first
    assert statuses(batch_run.run_batch(again, lambda _: None)) == {"a": "done"}
    assert (asked.folder / "a" / "a.fbx").read_text() != first
    assert files_in(asked.folder) == {"a", "batch.json", "index.html"}


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_job_lists_are_read_and_names_made_unique(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(
        "head,expressions,name\na.obj,happy@1,x\n".replace(
            "happy@1", f"{HAPPY};sad@1,4,6,9".join('""')
        )
        + "b/a.obj,,\n"
    )
    jobs = jobs_of([tmp_path / "list.csv", Path("a.obj"), Path("Ä.obj")], [HAPPY])
    assert [(job.name, job.expressions) for job in jobs] == [
        ("x", (HAPPY, "sad@1,4,6,9")),
        ("a", (HAPPY,)),
        ("a_2", (HAPPY,)),
        ("head", (HAPPY,)),
    ]
    assert jobs[1].source == tmp_path / "b" / "a.obj"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[", "is not JSON"),
        ("3", "no job list"),
        ("[]", "no heads"),
        ('[{"name": "a"}]', "row 1 names no head"),
        ('[{"head": "a.obj", "color": 1}]', "has 'color'"),
        ('[{"head": "a.obj", "expressions": "happy"}]', "expressions is a list"),
        ('[{"head": "a.obj"}]', "plays nothing"),
        ('[{"head": "a.obj", "expressions": ["happy"]}]', "not an expression event"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text(text)
    with pytest.raises(FacegenError, match=re.escape(words)):
        jobs_of([tmp_path / "list.json"], [])


def test_the_command_refuses_before_anything_is_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("bpy", reason="the command needs the bpy wheel")
    out = tmp_path / "out"
    base = ("batch", tmp_path / "a.obj", "--out", out)
    assert "plays nothing" in refusal(capfd, *base)
    assert "--jobs" in refusal(capfd, *base, "-e", HAPPY, "--jobs", 0)
    assert "--timeout" in refusal(capfd, *base, "-e", HAPPY, "--timeout", 0)
    (tmp_path / "file").write_text("")
    assert "Cannot write" in refusal(
        capfd, "batch", tmp_path / "a.obj", "-e", HAPPY, "--out", tmp_path / "file"
    )
    assert not out.exists()


def test_what_is_said_for_all_heads_reaches_each(tmp_path: Path) -> None:
    said = ["--bake=frames", "--no-contact", "--asymmetry=-0.5", "--region=brows=0.5"]
    said += ["--region=mouth=1.5", "--blinks=12.0", "--preset=unity", "--no-root-bone"]
    parser = argparse.ArgumentParser()
    batch_options.add_arguments(parser)
    parser.add_argument("--bundle", type=Path)
    options = parser.parse_args(["a.obj", "-e", HAPPY, "--out", "out", "--fps", "24", *said])
    assert sorted(batch_options.request_of(options).arguments) == sorted([*said, "--fps=24.0"])


def test_what_others_wrote_cannot_break_the_page() -> None:
    head = {
        "name": "a",
        "head": "a.obj",
        "expressions": ["<script>alert(1)</script>"],
        "status": "failed",
        "seconds": 1.0,
        "sentence": "<img src=x onerror=alert(1)>",
        "files": [],
        "report": {},
    }
    page = batch_page.page({"asked": 1, "facegen": "1", "heads": [head]})
    assert "<script>alert" not in page
    assert "<img" not in page
