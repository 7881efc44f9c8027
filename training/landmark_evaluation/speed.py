"""How long a hundred frames take on this machine."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass

import numpy as np

from training.evaluation.questions import Question
from training.landmark_evaluation.staged import stretched_question
from training.landmark_evaluation.systems import Candidate

NUM_FRAMES = 100
_REPEATS = 3


@dataclass(frozen=True)
class Speed:
    """Seconds for `NUM_FRAMES` frames: landmarks, and skin of them; the fastest of a few."""

    landmarks_seconds: float
    skin_seconds: float


def machine() -> str:
    """What it was measured on."""
    names = {line for line in _cpu_lines() if line} or {platform.machine()}
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    return f"{min(names)}, {os.cpu_count()} cores, {threads} thread(s) of NumPy"


def measure_speed(candidate: Candidate, question: Question) -> Speed:
    """Of one clip; what is read or prepared once per face is not counted."""
    asked = stretched_question(question, NUM_FRAMES)
    frames = np.arange(NUM_FRAMES)
    candidate.skin(asked, candidate.landmarks(asked, 0), frames[:2])
    times = []
    for seed in range(_REPEATS):
        start = time.perf_counter()
        landmarks = candidate.landmarks(asked, seed)
        middle = time.perf_counter()
        candidate.skin(asked, landmarks, frames)
        times.append((middle - start, time.perf_counter() - middle))
    return Speed(*np.min(times, axis=0).tolist())


def _cpu_lines() -> list[str]:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        return []
