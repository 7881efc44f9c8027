"""Pythons that cannot be the GPU worker, and workers that do not keep to the protocol."""

import time

import numpy as np
import pytest

from facegen_core.bundle import save_bundle
from facegen_core.errors import CancelledError, WorkerError
from facegen_core.motion_engine import MotionRequest
from facegen_core.worker_client import RESTARTED, Worker
from tests.core.model_fixtures import random_bundle
from tests.core.worker_fixtures import curves, false_python, is_gone

# Answers "open" and "load" as a worker does, then does what follows.
SPEAKS = """
import os, time
from facegen_core.worker_protocol import TO_WORKER, Message, read_message, write_message
inp, out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
def say(kind, fields, arrays=None):
    write_message(out, Message(kind, fields, arrays or {}))
def until(kind):
    while True:
        message = read_message(inp, TO_WORKER)
        if message.kind == kind:
            return message
until("open")
say("report", {"python": "p", "python_version": "3.11", "torch_version": "2.5", "device": "cpu",
               "device_name": "n", "memory_bytes": 0})
say("loaded", {"hash": until("load").fields["hash"]})
import numpy as np
clip = until("clip"); until("generate")
"""


@pytest.fixture(scope="module")
def bundle():
    return random_bundle()


@pytest.fixture
def path(bundle, tmp_path):
    save_bundle(bundle, tmp_path / "one.facegen")
    return tmp_path / "one.facegen"


def refusal(worker: Worker) -> str:
    """The sentence with which it is refused; nothing of it is left running."""
    with worker, pytest.raises(WorkerError) as refused:
        worker.start()
    assert not worker.is_running
    sentence = str(refused.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert str(worker.python) in sentence
    return sentence


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("sys.exit(3)", "it ended at once"),
        ("sys.stderr.write('it has no torch\\n'); sys.exit(1)", "it has no torch"),
        ("sys.stdout.write('Welcome to this shell!' * 9)", "no message of Facegen"),
        (
            "import struct\n"
            "sys.stdout.buffer.write(struct.pack('<4sHHI', b'FGEN', 9, 0, 2) + b'{}')",
            "speaks version 9, this one version 1",
        ),
        (
            "from facegen_core.worker_protocol import Message, write_message\n"
            "write_message(sys.stdout.buffer, Message('done', {'number': 0, 'count': 0}))\n"
            "sys.stdin.read()",
            "it answered 'done' out of turn",
        ),
        ("sys.stderr.buffer.write(b'\\xff' * 10**6 + b'\\n'); sys.exit(1)", "cannot be the GPU"),
    ],
)
def test_a_program_that_is_no_worker_is_refused_with_one_sentence(tmp_path, body, words):
    folder = tmp_path / "mit Leerzeichen – ü"
    folder.mkdir()
    assert words in refusal(Worker(false_python(folder, body)))


def test_a_python_that_does_not_answer_is_given_up_and_can_be_cancelled(tmp_path, monkeypatch):
    python = false_python(tmp_path, "import time; time.sleep(600)")
    monkeypatch.setattr("facegen_core.worker_client.START_SECONDS", 0.3)
    assert "it did not answer" in refusal(Worker(python))

    def stop(fraction: float, message: str) -> None:
        assert message == "Starting the GPU worker"
        if time.monotonic() > begun + 0.3:
            raise CancelledError

    monkeypatch.setattr("facegen_core.worker_client.START_SECONDS", 600)
    begun, worker = time.monotonic(), Worker(python)
    with pytest.raises(CancelledError):
        worker.start(stop)
    assert is_gone(worker._process.pid, 5.0)


def test_files_that_are_no_program_are_refused(tmp_path):
    for name, content in (("text", "not a program"), ("empty", "")):
        file = tmp_path / name
        file.write_text(content)
        file.chmod(0o644)
        assert "cannot be run" in refusal(Worker(file))
    assert "There is no Python at" in refusal(Worker(tmp_path))


def test_a_python_without_torch_says_what_it_lacks(tmp_path):
    """The boot file itself, in a Python that sees neither torch nor SciPy."""
    import sys

    body = (
        "import runpy\n"
        "sys.path[:] = [p for p in sys.path if 'site-packages' not in p]\n"
        "boot, core = sys.argv[1:]\n"
        "sys.argv = [boot, core]\n"
        "runpy.run_path(boot, run_name='__main__')"
    )
    sentence = refusal(Worker(false_python(tmp_path, body)))
    assert "it has no numpy and no scipy and no torch" in sentence
    assert sys.version_info >= (3, 10)


@pytest.mark.parametrize(
    ("then", "words"),
    [
        ("os._exit(7)", ""),
        ("sys.stderr.write('Killed\\n'); os._exit(7)", "Killed"),
        ("out.write(b'\\0' * 5000); out.flush(); inp.read()", "no message of Facegen"),
        ("say('done', {'number': 0, 'count': 5}); inp.read()", "lost on the way"),
        ("say('done', {'number': 7, 'count': 0}); inp.read()", "nobody asked for"),
        (
            "z = np.zeros((500, 4, 3)); say('frames', {'number': 0, 'start': -2}, "
            "{'skin': z, 'jaw': np.zeros((500, 6))}); inp.read()",
            "do not fit the clip",
        ),
        ("say('report', {'python': 1}); inp.read()", "other fields"),
    ],
)
def test_a_worker_that_fails_twice_is_one_sentence(bundle, path, tmp_path, then, words):
    worker = Worker(false_python(tmp_path, SPEAKS + then))
    with worker, pytest.raises(WorkerError) as refused:
        worker.motions(bundle, path, [MotionRequest(curves(20), 30.0)])
    assert "ended twice" in str(refused.value)
    assert words in str(refused.value)
    assert worker.notices == [RESTARTED]
    assert not worker.is_running


def test_what_was_complete_before_a_crash_is_not_made_again(bundle, path, tmp_path):
    """One of two clips is done when it crashes: the next worker is asked for the other alone."""
    mark = tmp_path / "crashed"
    then = f"""
from pathlib import Path
mark, count = Path({str(mark)!r}), bundle_vertices
if not mark.exists():
    mark.write_text("")
    say("done", {{"number": 0, "count": 0}})
    os._exit(9)
assert clip.fields["seed"] == 1
one = {{"skin": np.ones((1, count, 3)), "jaw": np.ones((1, 6))}}
say("frames", {{"number": 0, "start": 2}}, one)
say("done", {{"number": 0, "count": 1}})
inp.read()
""".replace("bundle_vertices", str(bundle.template.num_vertices))
    from facegen_core.landmark_inference import Variation

    requests = [MotionRequest(curves(20), 30.0, variation=Variation(seed, 1.0)) for seed in (0, 1)]
    worker = Worker(false_python(tmp_path, SPEAKS + then))
    with worker:
        first, second = worker.motions(bundle, path, requests)
    assert not first.skin.any()
    assert np.flatnonzero(second.skin.any(axis=(1, 2))).tolist() == [2]


def test_a_worker_that_hangs_can_be_cancelled(bundle, path, tmp_path):
    """Also where it takes nothing from the pipe, and much is to be sent."""
    stopped = SPEAKS.replace('clip = until("clip"); until("generate")', "time.sleep(600)")
    worker = Worker(false_python(tmp_path, stopped))
    begun = time.monotonic()

    def stop(fraction: float, message: str) -> None:
        if time.monotonic() > begun + 1.0:
            raise CancelledError

    many = [MotionRequest(curves(400), 30.0, bundle.template.vertices) for _ in range(100)]
    with worker, pytest.raises(CancelledError):
        worker.motions(bundle, path, many, stop)
    assert is_gone(worker._process.pid, 5.0)
