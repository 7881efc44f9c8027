"""The command's engine: what is asked for, where it runs, and what is told of it."""

from __future__ import annotations

import argparse
import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from blender_addon.command import batch_run, engine_options
from blender_addon.command.batch_jobs import Job
from blender_addon.command.batch_options import BatchRequest
from blender_addon.engine import BUILT_IN, Choice
from facegen_core.errors import FacegenError
from facegen_core.worker_lending import Lender
from tests.blender.command import facegen

PYTHON = Path(sys.executable)


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    engine_options.add_engine(parser)
    return parser.parse_args(words)


def test_the_built_in_engine_is_the_default() -> None:
    assert engine_options.choice_of(options()) == BUILT_IN
    assert engine_options.arguments_of(BUILT_IN) == []


def test_devices_make_a_choice_each_and_go_through_the_command_line() -> None:
    words = ("--engine", "gpu", "--engine-python", str(PYTHON), "--devices", "cuda:0, cuda:1,cpu")
    choices = engine_options.choices_of(options(*words))
    assert [choice.device for choice in choices] == ["cuda:0", "cuda:1", "cpu"]
    for choice in choices:
        assert choice == engine_options.choice_of(options(*engine_options.arguments_of(choice)))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--devices", "cpu"), "add --engine gpu"),
        (("--engine-python", "/usr/bin/python3"), "add --engine gpu"),
        (("--engine", "gpu", "--engine-python", "/no/python"), "There is no Python at /no/python"),
        (("--engine", "gpu", "--engine-python", sys.executable, "--devices", "tpu"), "no device"),
        (
            ("--engine", "gpu", "--engine-python", sys.executable, "--devices", "cpu,mps"),
            "facegen batch",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(FacegenError, match=sentence):
        engine_options.choice_of(options(*words))


def test_a_batch_spreads_its_processes_over_the_devices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = []

    def run(
        self: object, arguments: list[str], folder: Path, timeout: float, lender: Lender
    ) -> tuple[int, str]:
        commands.append(arguments)
        return 0, ""

    monkeypatch.setattr(batch_run.Processes, "run", run)
    monkeypatch.setattr(batch_run.batch_page, "page", lambda content: "")
    head = tmp_path / "head.obj"
    head.write_text("")
    jobs = tuple(Job(f"head_{k}", head, ("happy@1,4,6,9",)) for k in range(9))
    engines = tuple(Choice(True, PYTHON, f"cuda:{k}") for k in range(3))
    request = BatchRequest(jobs, tmp_path / "out", ("fbx",), (), 3, 10.0, False, False, engines)
    outcomes = batch_run.run_batch(request, lambda line: None)
    assert [outcome.status for outcome in outcomes] == ["done"] * 9
    used = {word for command in commands for word in command if word.startswith("--devices=")}
    assert used == {"--devices=cuda:0", "--devices=cuda:1", "--devices=cuda:2"}
    with batch_run._seats(request) as seats:
        taken = [seats.get() for _ in range(3)]
        assert [choice.device for choice, _ in taken] == ["cuda:0", "cuda:1", "cuda:2"]
        for seat in taken:
            seats.put(seat)
    # Which engine made a head does not make it another one: what is finished stays finished.
    again = batch_run.run_batch(request, lambda line: None)
    assert [outcome.status for outcome in again] == ["skipped"] * 9
    assert not any("engine" in word for word in batch_run._stamp(request, jobs[0])["arguments"])


@pytest.mark.skipif(find_spec("torch") is None, reason="needs torch")
def test_a_clip_of_the_worker_says_so_and_is_replayed_within_its_tolerance(tmp_path: Path) -> None:
    pytest.importorskip("bpy", reason="the command needs the bpy wheel")
    assert facegen(tmp_path, "head", "-o", "head.obj").code == 0
    made = facegen(
        tmp_path,
        *("generate", "head.obj", "-e", "happy@1,4,6,9", "--record", "clip.json"),
        *("--engine", "gpu", "--devices", "cpu", "--report", "report.json"),
    )
    assert made.code == 0, made.err
    assert made.report["engine"].startswith("GPU worker on ")
    assert "by the GPU worker" in made.out
    record = json.loads((tmp_path / "clip.json").read_text())
    assert record["engine"] == made.report["engine"]
    again = facegen(tmp_path, "replay", "clip.json", "--report", "report.json")
    assert again.code == 0, again.err
    assert again.report["engine"] == "built-in"
    assert again.report["replay"]["recorded_engine"] == made.report["engine"]
    assert again.report["replay"]["bit_equal"] or "within 0.0001 mm" in again.out
