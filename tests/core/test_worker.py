"""The GPU worker as a real process: what it makes, and how it ends."""

import dataclasses
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from facegen_core.bundle import bundle_hash
from facegen_core.errors import BundleError, CancelledError, IntensityError, WorkerError
from facegen_core.landmark_inference import Variation
from facegen_core.layered_motion import Asked, layered
from facegen_core.layers import Layers
from facegen_core.mesh import Mesh
from facegen_core.motion_engine import MotionRequest
from facegen_core.registration.alignment import (
    Alignment,
    Correspondence,
    Fit,
    Residual,
    Similarity,
)
from facegen_core.template import Template
from facegen_core.worker import Service
from facegen_core.worker_client import RESTARTED, Worker
from facegen_core.worker_process import BOOT
from facegen_core.worker_protocol import TO_HOST, Message, ProtocolError, read_message
from tests.core.model_fixtures import random_bundle
from tests.core.worker_fixtures import (
    KILL,
    PYTHON,
    ROOT,
    TOLERANCE_MM,
    built_in,
    bundle,
    curves,
    is_gone,
    is_running,
    largest_difference,
    path,
    random_requests,
)

__all__ = ["bundle", "path"]  # fixtures

pytest.importorskip("torch", reason="the worker needs a Python with torch")


@pytest.fixture(scope="module")
def worker():
    with Worker(PYTHON, "cpu") as worker:
        yield worker


def long_request(seconds_frames: int = 12_000) -> MotionRequest:
    """Work for several seconds."""
    return MotionRequest(curves(seconds_frames), 30.0, generator="lm4dgan", variation=Variation(1))


def in_the_midst(act):
    """What was heard, and a listener that acts once while motion is generated."""
    heard: list[str] = []

    def listen(fraction: float, message: str) -> None:
        heard.append(message)
        if message == "Generating the motion" and fraction > 0 and "acted" not in heard:
            heard.append("acted")
            act()

    return heard, listen


def test_it_says_what_it_is(worker):
    report = worker.start()
    assert (report.device, report.protocol_version) == ("cpu", 1)
    assert report.python_version == sys.version.split()[0]
    assert report.torch_version
    assert worker.start() is report  # and is not started twice


def test_what_comes_over_the_pipe_equals_the_built_in_engine(worker, bundle, path):
    requests = random_requests(bundle, 0, 8)
    made = worker.motions(bundle, path, requests)
    assert largest_difference(made, list(built_in(bundle, requests))) < TOLERANCE_MM
    assert all(m.neutral is r.neutral for m, r in zip(made, requests, strict=True))
    again = worker.motions(bundle, path, requests)
    assert all(np.array_equal(a.skin, b.skin) for a, b in zip(made, again, strict=True))


def test_many_clips_are_sent_in_parts_and_none_is_none(worker, bundle, path, monkeypatch):
    monkeypatch.setattr("facegen_core.worker_client.CLIPS_AT_ONCE", 2)
    requests, heard = random_requests(bundle, 1, 5), []
    made = worker.motions(bundle, path, requests, lambda fraction, _: heard.append(fraction))
    assert largest_difference(made, list(built_in(bundle, requests))) < TOLERANCE_MM
    assert heard == sorted(heard)
    assert worker.motions(bundle, path, []) == []


@pytest.mark.parametrize("generator", ["lstm", "lm4dgan"])
def test_variations_and_layers_go_in_one_request(worker, bundle, path, generator):
    """Layers that shift two regions need three runs of each variation."""
    counts = []

    class Counted:
        def motions(self, bundle, requests, progress):
            counts.append(len(requests))
            return worker.engine(path).motions(bundle, requests, progress)

    layers = Layers.constant(30, shifts=(0.0, 0.2, -0.1), extremeness=0.8)
    asked = Asked(its_own_match(bundle.template), curves(30), 30.0, bundle, layers)
    chosen = [Variation(seed, 1.0) for seed in (1, 2)]
    here, there = (
        list(layered(asked, generator, chosen, np.array([3, 12, 20]), engine))
        for engine in (None, Counted())
    )
    assert largest_difference(there, here) < TOLERANCE_MM
    assert np.abs(here[0].skin).max() > 0.5
    assert counts == [6]


def its_own_match(template: Template) -> Alignment:
    """The template as if it had been found on itself."""
    inner = {part.name: np.asarray(part.vertices) for part in template.inner_parts}
    exact, unbent = Residual.from_distances(np.zeros(1)), np.zeros(len(template.identity_basis))
    here, landmarks = Similarity.identity(), template.landmark_positions
    fit = Fit(here, unbent, template.vertices, inner, landmarks, exact)
    nowhere = Correspondence(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros(0))
    head = Mesh.from_triangles(template.vertices, template.triangles)
    return Alignment(template, head, fit, nowhere, ())


def test_refusals_come_as_their_own_errors_and_leave_it_well(worker, bundle, path, tmp_path):
    pid = worker._process.pid
    with pytest.raises(IntensityError):
        worker.motions(bundle, path, [MotionRequest(curves(20) + 1, 30.0)])
    with pytest.raises(BundleError, match="does not exist"):
        worker.motions(random_bundle(), tmp_path / "none.facegen", [MotionRequest(curves(9), 30.0)])
    damaged = tmp_path / "damaged.facegen"
    damaged.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(BundleError, match=r"damaged\.facegen"):
        worker.motions(random_bundle(), damaged, [MotionRequest(curves(9), 30.0)])
    with pytest.raises(BundleError, match="has changed since it was opened"):
        worker.motions(random_bundle(), path, [MotionRequest(curves(9), 30.0)])
    requests = random_requests(bundle, 2, 2)
    made = worker.motions(bundle, path, requests)
    assert largest_difference(made, list(built_in(bundle, requests))) < TOLERANCE_MM
    assert worker._process.pid == pid


def test_threads_take_turns(worker, bundle, path):
    requests = [random_requests(bundle, seed, 2) for seed in (3, 4, 5)]
    made = {}
    threads = [
        threading.Thread(
            target=lambda k=k: made.update({k: worker.motions(bundle, path, requests[k])})
        )
        for k in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for k, asked in enumerate(requests):
        assert largest_difference(made[k], list(built_in(bundle, asked))) < TOLERANCE_MM


def test_a_self_test_compares_both_engines(worker, bundle, path):
    found = worker.self_test(bundle, path)
    assert found.frames == 200
    assert found.largest_difference_mm < TOLERANCE_MM
    assert min(found.worker_seconds, found.built_in_seconds) > 0


def test_a_crash_in_the_midst_is_made_good_once_and_told(worker, bundle, path):
    request, pid = long_request(3000), worker._process.pid
    worker.notices.clear()
    heard, listen = in_the_midst(lambda: os.kill(pid, KILL))
    (made,) = worker.motions(bundle, path, [request], listen)
    assert "acted" in heard
    assert worker.notices == [RESTARTED]
    assert is_gone(pid)
    assert worker._process.pid != pid
    sample = np.arange(0, 3000, 50)
    (expected,) = built_in(bundle, [dataclasses.replace(request, rows=sample)])
    assert np.abs(made.skin[sample] - expected.skin).max() < TOLERANCE_MM


def test_cancel_ends_it_at_once_and_the_next_request_starts_it(worker, bundle, path):
    pid = worker.start() and worker._process.pid

    def stop() -> None:
        raise CancelledError

    _, listen = in_the_midst(stop)
    with pytest.raises(CancelledError):
        worker.motions(bundle, path, [long_request()], listen)
    assert is_gone(pid, 5.0)
    assert not worker.is_running
    assert worker.motions(bundle, path, random_requests(bundle, 6, 1))


def test_closing_ends_it_also_while_it_works(worker, bundle, path):
    pid, errors = worker.start() and worker._process.pid, []
    is_working = threading.Event()

    def work() -> None:
        try:
            _, listen = in_the_midst(is_working.set)
            worker.motions(bundle, path, [long_request()], listen)
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert is_working.wait(120)
    worker.close()
    thread.join(60)
    assert [type(error) for error in errors] == [CancelledError]
    assert is_gone(pid, 5.0)


HOST = """
import sys, threading
from pathlib import Path
import numpy as np
from facegen_core.bundle import load_bundle
from facegen_core.motion_engine import MotionRequest
from facegen_core.registration.alignment import (
    Alignment,
    Correspondence,
    Fit,
    Residual,
    Similarity,
)
from facegen_core.template import Template
from facegen_core.worker import Service
from facegen_core.worker_client import Worker
path = Path(sys.argv[1])
bundle, worker = load_bundle(path), Worker(Path(sys.executable), "cpu")
worker.start()
def listen(fraction, message):
    if fraction > 0 and message == "Generating the motion":
        print(worker._process.pid, flush=True)
worker.motions(bundle, path, [MotionRequest(np.full((19_000, 6), 0.4), 30.0)] * 30, listen)
"""


def test_no_orphan_is_left_where_the_host_is_killed_in_the_midst(path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    host = subprocess.Popen(
        [PYTHON, "-c", HOST, path], stdout=subprocess.PIPE, cwd=ROOT, env=environment
    )
    pid = int(host.stdout.readline())
    assert is_running(pid)
    host.send_signal(KILL)
    host.wait()
    assert is_gone(pid)
    host.stdout.close()


def boot() -> subprocess.Popen:
    return subprocess.Popen(
        [PYTHON, BOOT, ROOT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n" * 3, b"FGEN\x02\x00\x00\x00\x00\x00\x00\x00"]
)
def test_garbage_is_refused_with_a_sentence_and_ends_it(garbage):
    process = boot()
    process.stdin.write(garbage)
    process.stdin.flush()
    answer = read_message(process.stdout, TO_HOST)
    assert (answer.kind, answer.fields["error"]) == ("refused", ProtocolError.__name__)
    assert process.wait(60) == 0
    process.communicate()


@pytest.mark.parametrize("count", [1, 2**31, 10**30, -1])
def test_clips_that_never_came_are_refused_without_counting_to_their_number(bundle, path, count):
    answers = []
    service = Service(answers.append)
    service.take(Message("open", {"device": "cpu"}))
    service.take(Message("load", {"path": str(path), "hash": bundle_hash(bundle)}))
    with pytest.raises(ProtocolError, match="announced"):
        service.take(Message("generate", {"count": count}))


def test_it_ends_when_its_stdin_closes():
    process = boot()
    assert process.communicate(timeout=60) == (b"", b"")
    assert process.returncode == 0


def test_a_worker_that_was_killed_while_idle_is_started_again_without_a_word(bundle, path):
    with Worker(PYTHON, "cpu") as worker:
        worker.start()
        os.kill(worker._process.pid, KILL)
        time.sleep(0.1)
        requests = random_requests(bundle, 7, 1)
        made = worker.motions(bundle, path, requests)
        assert largest_difference(made, list(built_in(bundle, requests))) < TOLERANCE_MM
        pid = worker._process.pid
    assert is_gone(pid, 5.0)
    with pytest.raises(WorkerError, match="There is no Python at"):
        Worker(path.with_name("python")).start()
