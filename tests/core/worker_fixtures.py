"""Requests to a GPU worker, what the built-in engine makes of them, and Pythons that are none."""

import os
import signal
import stat
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from facegen_core.bundle import Bundle, load_bundle, save_bundle
from facegen_core.inference import Engine
from facegen_core.landmark_inference import LandmarkEngine, Variation
from facegen_core.motion_engine import MotionRequest
from tests.core.model_fixtures import random_landmark_bundle

ROOT = Path(__file__).resolve().parents[2]
PYTHON = Path(sys.executable)
# Ends a process without asking it; on Windows every signal does.
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
# What worker and built-in engine may differ by, mm.
TOLERANCE_MM = 1e-4


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with both generators."""
    folder = tmp_path_factory.mktemp("Modelle für 日本")
    save_bundle(random_landmark_bundle(), folder / "both – zwei.facegen")
    return folder / "both – zwei.facegen"


@pytest.fixture(scope="module")
def bundle(path: Path) -> Bundle:
    return load_bundle(path)


def curves(num_frames: int, seed: int = 0, num_expressions: int = 6) -> np.ndarray:
    """(T, C) waves in [0, 1] with stretches of rest between them."""
    rng = np.random.default_rng(seed)
    phases, speeds = rng.uniform(0, 6, num_expressions), rng.uniform(4, 9, num_expressions)
    waves = 0.7 * np.sin(np.arange(num_frames)[:, None] / speeds + phases)
    waves[num_frames // 2 : num_frames // 2 + 4] = 0.0
    return np.clip(waves, 0.0, 1.0)


def random_requests(bundle: Bundle, seed: int, count: int) -> list[MotionRequest]:
    """Both generators, a few faces, gaps, rates, variations and rows, as they come."""
    rng = np.random.default_rng(seed)
    basis = len(bundle.template.identity_basis)
    faces = [None, *(bundle.template.with_identity(rng.normal(size=basis)) for _ in range(2))]
    made = []
    for k in range(count):
        num_frames = int(rng.choice([14, 40, 75]))
        rows = np.sort(rng.integers(0, num_frames, 9)) if rng.random() < 0.4 else None
        made.append(
            MotionRequest(
                curves(num_frames, seed + k, bundle.config.num_expressions),
                float(rng.choice([24.0, 30.0, 23.976])),
                faces[rng.integers(len(faces))],
                float(rng.uniform(-2, 2)),
                "lstm" if k % 2 else "lm4dgan",
                Variation(int(rng.integers(1000)), float(rng.uniform(0, 1.5))),
                rows,
            )
        )
    return made


def built_in(bundle: Bundle, requests):
    """FaceMotion of every request by the NumPy engines."""
    steady = Engine(bundle)
    varied = LandmarkEngine(bundle, steady.shapes_of) if bundle.landmark_model else None
    for asked in requests:
        given = asked.intensities, asked.frames_per_second, asked.neutral
        if asked.generator == "lstm":
            yield steady.generate(*given, asked.lip_gap, asked.rows)
        else:
            yield varied.generate(*given, asked.variation, asked.rows)


def largest_difference(made, expected) -> float:
    """mm of the skin, rad and mm of the jaw."""
    pairs = list(zip(made, expected, strict=True))
    assert all(a.skin.shape == b.skin.shape for a, b in pairs)
    skin = max(np.abs(a.skin - b.skin).max(initial=0.0) for a, b in pairs)
    return float(max(skin, *(np.abs(a.jaw - b.jaw).max(initial=0.0) for a, b in pairs)))


def false_python(folder: Path, body: str) -> Path:
    """A program that is started as a worker's Python and does what `body` says instead."""
    if os.name != "posix":
        pytest.skip("a text is no program on this system")
    path = folder / "python"
    path.write_text(f"#!{sys.executable}\nimport sys\nsys.path.append({str(ROOT)!r})\n{body}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def is_running(pid: int) -> bool:
    """Whether a process is there and not only waits to be counted out by its parent."""
    if sys.platform == "win32":
        return _is_running_on_windows(pid)
    state = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").is_file():
        try:
            return state.read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _is_running_on_windows(pid: int) -> bool:
    import _winapi  # there, signal 0 would be Ctrl-C

    try:
        process = _winapi.OpenProcess(_winapi.SYNCHRONIZE, False, pid)
    except OSError:
        return False
    try:
        return _winapi.WaitForSingleObject(process, 0) == _winapi.WAIT_TIMEOUT
    finally:
        _winapi.CloseHandle(process)


def is_gone(pid: int, seconds: float = 20.0) -> bool:
    """Whether a process ends within so many seconds."""
    deadline = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_running(pid)
