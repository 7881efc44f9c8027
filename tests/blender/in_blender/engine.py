"""The GPU engine in the add-on: used, resident, cancelled, killed, and never in the way.

The worker runs on the processor, by the Python with torch that the tests themselves run in; where
there is none, what needs it is left out.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import harness
import numpy as np
from drawn import StubLayout, drawn
from harness import FOLDER, PACKAGE, addon
from sample import know_sample_head

engine, jobs, preferences = addon("engine"), addon("jobs"), addon("preferences")
generate, regenerate = addon("operators.generate"), addon("operators.regenerate")
variations, state = addon("operators.variations"), addon("scene.state")
errors = addon("facegen_core.errors")
TORCH = os.environ["FACEGEN_TORCH_PYTHON"]


def settings() -> Any:
    return bpy.context.preferences.addons[PACKAGE].preferences


def choose(python: str, device: str = "cpu") -> None:
    settings().engine, settings().engine_python = "worker", python
    settings().engine_device = device


def head() -> bpy.types.Object:
    return bpy.data.objects["Facegen Head"]


def told_by(act: Callable[..., set[str]], kind: str = "Info", **options: Any) -> list[str]:
    """The sentences of a kind that an operator reports, which Blender prints to its console."""
    sys.stdout.flush()
    printed, console = FOLDER / "printed.txt", os.dup(1)
    with printed.open("wb") as file:
        os.dup2(file.fileno(), 1)
        try:
            done = act(**options)
        finally:
            sys.stdout.flush()
            ctypes.CDLL(None).fflush(None)
            os.dup2(console, 1)
            os.close(console)
    assert done == {"FINISHED"}
    lines = printed.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(f"{kind}: ") for line in lines if line.startswith(f"{kind}: ")]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:  # a child that has ended and was not waited for
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def gone(pid: int, seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    return not is_alive(pid)


def worker() -> Any:
    return engine._resident[1]


def pid() -> int:
    return worker()._process.pid


def moved(progress: Callable[[float, str], None] = lambda fraction, message: None) -> Any:
    """(displacements in mm, what made them) of the head as Generate asks for it."""
    request = generate.request_generate(bpy.context, head())
    matched = addon("operators.match").run_match(request.match)
    clip, used = generate.run_motion(request, matched, progress)
    return clip.displacements * clip.mm_per_unit, used


def smiling_head() -> None:
    harness.empty_scene()
    bpy.ops.facegen.add_head()
    know_sample_head()
    bpy.ops.facegen.match()
    marks = {"onset_start": 1, "apex_start": 6, "apex_end": 9, "offset_end": 14}
    bpy.ops.facegen.add_expression(expression="happy", **marks)


kept: dict[str, Any] = {}


def test_the_built_in_engine_is_the_default_and_starts_nothing() -> None:
    assert settings().engine == "built_in"
    smiling_head()
    kept["expected"], used = moved()
    assert not used.is_worker
    assert told_by(bpy.ops.facegen.generate, "Warning") == []
    assert engine._resident is None
    assert "torch" not in sys.modules
    assert regenerate.record_now(head())["engine"] == "built-in"
    assert head().facegen.made_by == "Steady"


def test_a_worker_that_cannot_be_used_never_costs_the_clip() -> None:
    for python, words in (
        ("", "No Python with PyTorch is chosen"),
        (str(FOLDER / "no python"), "There is no Python at"),
        (sys.executable, "torch"),  # of this Blender, which has none
    ):
        choose(python)
        (warning,) = told_by(bpy.ops.facegen.generate, "Warning")
        assert "The built-in engine did this" in warning, warning
        assert words in warning, warning
        assert head().facegen.made_by == "Steady"
        same, used = moved()
        assert not used.is_worker
        assert np.array_equal(same, kept["expected"]), "not bit for bit what it makes itself"
    assert engine._problems


def needs_torch(test: Callable[[], None]) -> Callable[[], None]:
    def skipped() -> None:
        print(f"SKIP {test.__name__}: no Python with torch", flush=True)

    skipped.__name__ = test.__name__
    return test if TORCH else skipped


@needs_torch
def test_generate_uses_the_worker_which_stays() -> None:
    choose(TORCH)
    assert told_by(bpy.ops.facegen.generate, "Warning") == []
    first = pid()
    assert head().facegen.made_by == "Steady, GPU worker"
    record = regenerate.record_now(head())
    assert record["engine"].startswith("GPU worker on ")
    assert "torch 2." in record["engine"]
    found, used = moved()
    assert used.is_worker
    assert np.abs(found - kept["expected"]).max() < 1e-3  # contact may add to 1e-4 mm
    assert pid() == first
    assert "torch" not in sys.modules


@needs_torch
def test_the_varied_generator_and_its_sheet_use_it_too() -> None:
    head().facegen.generator, head().facegen.variation_seed = "lm4dgan", 3
    found, used = moved()
    assert used.is_worker
    settings().engine = "built_in"
    assert engine._resident is None, "another engine was chosen, and the worker stays"
    expected, _ = moved()
    assert np.abs(found - expected).max() < 1e-3
    choose(TORCH)
    request = generate.request_generate(bpy.context, head())
    drawn_by_it = variations.run_variations(request, head().name, (0, 1))
    assert drawn_by_it.engine.is_worker
    head().facegen.generator = "lstm"


@needs_torch
def test_regenerate_repeats_the_engine_of_the_record() -> None:
    alike = "the same bit for bit", "as a GPU worker repeats it"
    bpy.ops.facegen.generate()
    assert told_by(bpy.ops.facegen.regenerate)[-1].endswith(alike)
    assert regenerate.record_now(head())["engine"].startswith("GPU worker")
    settings().engine = "built_in"
    assert told_by(bpy.ops.facegen.regenerate)[-1].endswith(alike)
    bpy.ops.facegen.generate()
    choose(TORCH)
    assert told_by(bpy.ops.facegen.regenerate)[-1].endswith("the same bit for bit")
    assert head().facegen.made_by == "Steady"


@needs_torch
def test_a_killed_worker_is_started_again_and_one_that_always_dies_is_done_without() -> None:
    choose(TORCH)
    moved()
    first = pid()
    times = []

    def kill_once(fraction: float, message: str) -> None:
        if not times and worker().is_running:
            times.append(pid())
            os.kill(pid(), 9)

    _, used = moved(kill_once)
    assert times == [first]
    assert used.is_worker
    assert any("started again" in note for note in used.notes), used.notes

    def kill_always(fraction: float, message: str) -> None:
        if worker().is_running:
            times.append(pid())
            os.kill(pid(), 9)

    same, used = moved(kill_always)
    assert not used.is_worker
    assert any("The built-in engine did this" in note for note in used.notes), used.notes
    assert np.array_equal(same, kept["expected"])
    assert all(gone(number) for number in times)


@needs_torch
def test_cancel_ends_the_worker_and_changes_nothing() -> None:
    choose(TORCH)
    moved()
    number = pid()
    request = generate.request_generate(bpy.context, head())

    pressed = []

    def cancel(fraction: float, message: str) -> None:
        """ESC, while the worker is waited for."""
        if any(frame.filename.endswith("worker_talk.py") for frame in traceback.extract_stack()):
            pressed.append(message)
        if pressed:
            raise errors.CancelledError

    harness.refused(lambda: generate.run_generate(request, cancel), "cancelled")
    assert gone(number)
    assert moved()[1].is_worker, "the next act starts it again"

    def choose_another(fraction: float, message: str) -> None:
        if settings().engine_device == "cpu":
            settings().engine_device = "auto"

    same, used = moved(choose_another)
    assert not used.is_worker or used.notes == ()
    assert np.abs(same - kept["expected"]).max() < 1e-3
    choose(TORCH)


@needs_torch
def test_check_and_self_test_are_shown_in_the_preferences() -> None:
    assert told_by(bpy.ops.facegen.check_engine)[-1].startswith("The GPU worker is ready")
    tested = told_by(bpy.ops.facegen.test_engine)[-1]
    assert "largest difference 0.0000" in tested, tested
    seen = preferences_drawn()
    for text in ("Device", "PyTorch", tested[:30], "facegen.test_engine", "engine_device"):
        assert any(text in word for word in seen), (text, seen)


@needs_torch
def test_disabling_the_add_on_while_it_works_leaves_no_process() -> None:
    choose(TORCH)
    moved()
    number = pid()
    request = generate.request_generate(bpy.context, head())

    def endless(progress: Callable[[float, str], None]) -> None:
        while True:
            generate.run_generate(request, progress)

    job = jobs.Job(endless)
    job.start()
    time.sleep(0.3)
    python = settings().engine_python
    bpy.ops.preferences.addon_disable(module=PACKAGE)
    assert job.update(), "the job goes on without its add-on"
    assert gone(number)
    bpy.ops.preferences.addon_enable(module=PACKAGE)
    settings().engine, settings().engine_python = "built_in", python


def preferences_drawn() -> list[str]:
    seen: list[str] = []
    stub = {"layout": StubLayout(seen), "bundle": "", "show_event_handles": True}
    addon("preferences").FacegenPreferences.draw(type("Stub", (), stub)(), bpy.context)
    return seen


def test_the_report_holds_what_answers_a_question_and_nothing_private() -> None:
    settings().engine = "built_in"
    secret = FOLDER / "Jane Doe" / "secret project"
    secret.mkdir(parents=True)
    bpy.context.active_object.name = "Jane's Secret"
    settings().bundle = str(secret / "gone.facegen")
    harness.refused(bpy.ops.facegen.match, "secret project")
    settings().bundle = ""
    text = addon("report_text").report_text(bpy.context)
    for words in (
        bpy.app.version_string,
        "NumPy",
        "default.facegen, sha256",
        "built-in",
        "vertices",
        "modifiers: none",
        "scale (1, 1, 1)",
        "in Match",
        "gone.facegen",
        "BundleError",
        "scene/state.py:",
    ):
        assert words in text, (words, text)
    for words in ("Jane", "Doe", "secret", "Secret", str(FOLDER), str(Path.home()), "/tmp"):
        assert words not in text, (words, text)
    assert bpy.ops.facegen.copy_report() == {"FINISHED"}
    assert "facegen.copy_report" in drawn()


def test_the_engine_is_set_up_only_online_and_removed_without_a_trace() -> None:
    recipes = addon("engine_setup.recipes")
    folder = preferences.set_up_folder()
    assert not bpy.app.online_access
    harness.refused(bpy.ops.facegen.install_engine, "Allow Online Access")
    harness.refused(bpy.ops.facegen.remove_engine, "No GPU engine was set up")
    bpy.context.preferences.system.use_online_access = True
    assert bpy.app.online_access
    wheels = os.environ["FACEGEN_TINY_WHEELS"]
    step = recipes.Step(("tinytorch",), ("--no-index", "--find-links", wheels))
    recipes.recipe_of = lambda build, index="": recipes.Recipe((step,), 1, 30)
    settings().engine, settings().engine_python = "worker", ""
    assert bpy.ops.facegen.install_engine() == {"FINISHED"}
    python = preferences.set_up_python()
    assert python is not None
    assert folder in python.parents
    assert json.loads((folder / "facegen-engine.json").read_text())["packages"] == ["tinytorch"]
    assert preferences.engine_choice(bpy.context).python == python
    assert bpy.ops.facegen.remove_engine() == {"FINISHED"}
    assert not folder.exists()
    assert list(folder.parent.glob("gpu_engine*")) == []
    assert preferences.set_up_python() is None
    bpy.context.preferences.system.use_online_access = False
    settings().engine = "built_in"


def test_esc_while_the_engine_is_set_up_leaves_nothing() -> None:
    """ESC while the environment is made, and while pip waits: no folder, no process, no change."""
    folder = preferences.set_up_folder()
    user = Path(bpy.utils.extension_path_user(PACKAGE, create=True))
    assert user in folder.parents
    bpy.context.preferences.system.use_online_access = True
    listing, before = sorted(user.rglob("*")), harness.snapshot()
    slow = FOLDER / "slow_python"
    slow.write_text(f"#!/bin/sh\nsleep 300 &\necho $! > '{FOLDER}/child'\nwait\n")
    slow.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes calls and never answers
        index = f"http://127.0.0.1:{deaf.getsockname()[1]}/simple"
        for python, message in ((slow, "Making"), (TORCH or sys.executable, "Installing")):
            said = _escaped(str(python), index, message)
            assert said == [({"WARNING"}, "Cancelled; nothing was changed.")], said
            assert sorted(user.rglob("*")) == listing
            assert harness.snapshot() == before
    child = Path("/proc", (FOLDER / "child").read_text().strip(), "stat")
    assert not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z"
    assert preferences.set_up_python() is None
    bpy.context.preferences.system.use_online_access = False


def _escaped(base: str, index: str, until: str) -> list[tuple[set[str], str]]:
    """What the button says that is pressed in a window, and ESC once it shows a message."""
    recipes = addon("engine_setup.recipes")
    step = recipes.Step(("torch",), ("--index-url", index, "--timeout", "60"))
    recipes.recipe_of = lambda build, index="": recipes.Recipe((step,), 1, 30)
    act = addon("engine_setup.operators").FACEGEN_OT_install_engine
    said: list[tuple[set[str], str]] = []

    class Pressed(jobs.JobOperator):
        bl_idname, bl_label = act.bl_idname, act.bl_label
        begin, finish = act.begin, act.finish

        def report(self, kind: set[str], sentence: str) -> None:
            said.append((kind, sentence))

    pressed = Pressed()
    pressed.build, pressed.base, pressed.index = "cpu", base, ""
    context = bpy.context
    pressed._job = job = jobs.Job(pressed.begin(context), act=act.bl_idname)
    pressed._shown = jobs._Shown(context, job)
    job.start()
    press = lambda kind: pressed.modal(context, SimpleNamespace(type=kind, value="PRESS"))  # noqa: E731
    ends = time.monotonic() + 120
    while until not in job.message or not (FOLDER / "child").exists():
        assert time.monotonic() < ends, job.message
        assert press("TIMER") == {"RUNNING_MODAL"}, said
        time.sleep(0.05)
    time.sleep(1.0)  # so that there is something to take away
    assert press("ESC") == {"CANCELLED"}
    assert jobs.running() is None
    job.join(60)
    return said


harness.run(globals())
