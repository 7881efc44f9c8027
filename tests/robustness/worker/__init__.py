"""The GPU worker: ended in the midst of work, told nonsense, run by what is no Python for it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from facegen_core.bundle import load_bundle, save_bundle
from tests.core.model_fixtures import random_landmark_bundle
from tests.robustness.report import Chapter
from tests.robustness.worker import ends, messages, pythons

COMMAND = "python -m tests.robustness worker"
NUM_KILLS, NUM_CANCELS, NUM_HOSTS, NUM_MESSAGES = 24, 6, 8, 2000


def run(scale: float, seed: int) -> Chapter:
    """The chapter. scale: of how often each thing is done, at least once."""

    def times(count: int) -> int:
        return max(1, round(scale * count))

    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "both.facegen"
        save_bundle(random_landmark_bundle(), path)
        bundle = load_bundle(path)
        lines = [
            *ends.killed(bundle, path, times(NUM_KILLS), times(NUM_CANCELS), rng),
            ends.orphans(path, times(NUM_HOSTS), rng),
        ]
        told, cases = messages.mutated(bundle, path, times(NUM_MESSAGES), rng)
        refused, sentences = pythons.refused(Path(folder))
    suffix = "" if scale == 1.0 else f" --scale {scale:g}"
    command = f"{COMMAND}{suffix}" + (f" --seed {seed}" if seed else "")
    notes = [
        "A real worker with torch on the CPU and a small model of random weights; on CUDA and MPS "
        "none of this was tried."
    ]
    return Chapter("worker", command, [*lines, *told, refused], [*sentences, *cases], notes)
