"""Seconds and memory of a head's first match, and of what comes after, in a process of its own.

A peak belongs to a whole process, and a first match is only first once: every mesh gets a child.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from facegen_core import layered_motion, pipeline
from facegen_core.bundle import load_bundle
from facegen_core.intensity import NUM_EXPRESSIONS
from facegen_core.mesh import Mesh
from tests.benchmarks.__main__ import THREAD_VARIABLES
from tests.benchmarks.heads import blender_edits
from tests.benchmarks.heads.cuts import only
from tests.benchmarks.heads.head_truth import HeadTruth
from tests.benchmarks.heads.motion_trials import BUNDLE
from tests.benchmarks.heads.outcome import Gate, Outcome
from tests.benchmarks.heads.truth import FIRST_SEED, ROOT, IctStudio
from tests.benchmarks.heads.variation import joined, remade

NUM_FRAMES = 100
MATCH_SECONDS = {20_000: 10.0, 200_000: 30.0}
RETARGET_SECONDS, MEMORY_BYTES = 1.0, 8e9
# How often the skin and the eyes are subdivided for a head of about so many vertices.
_LEVELS = {20_000: (0, 0), 200_000: (2, 0), 1_000_000: (3, 2)}


@dataclass(frozen=True)
class Run:
    """Seconds: of the first match, of a first and a second clip of 100 frames, of that carried to
    the head alone (retargeting and contact); processor: what the match took of all processors,
    which a busy machine changes little; peak_bytes: of the process."""

    num_vertices: int
    match: float
    processor: float
    first_clip: float
    second_clip: float
    retarget: float
    contact: float
    peak_bytes: int


def measure(num_vertices: int, threads: int, frames: int = NUM_FRAMES) -> Run:
    """Of a head with about so many vertices, in a child that may use so many threads."""
    mesh = head_of_size(num_vertices)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "head.npz"
        np.savez(path, vertices=mesh.vertices, corners=mesh.polygon_vertices,
                 starts=mesh.polygon_starts)  # fmt: skip
        command = [sys.executable, "-m", "tests.benchmarks.heads.speed", str(path), str(frames)]
        environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
        child = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment
        )
    if child.returncode:
        raise RuntimeError(f"The process that measures speed failed: {child.stderr.strip()}")
    return Run(**json.loads(child.stdout.splitlines()[-1]))


def head_of_size(num_vertices: int) -> Mesh:
    """An ICT head, skin and eyes, subdivided by Blender until it has about so many vertices."""
    studio = IctStudio.open(load_bundle(BUNDLE).template)
    truth: HeadTruth = studio.still_head(FIRST_SEED)
    skin_levels, eye_levels = _LEVELS[num_vertices]
    pieces = []
    for groups, levels in ((("skin",), skin_levels), (("eyeball_left", "eyeball_right",
                            "upper_teeth", "lower_teeth"), eye_levels)):  # fmt: skip
        piece = only(truth, *groups)
        if levels:
            piece = remade(piece, "", blender_edits.subdivided(piece.mesh, levels))
        pieces.append(piece)
    return joined("", pieces).mesh


def speed(runs: dict[int, Run], threads: int) -> Outcome:
    """Gates on time. runs: {nominal number of vertices: run}."""
    gates = []
    for size, limit in MATCH_SECONDS.items():
        name = f"first match of {size // 1000} k vertices"
        run = runs.get(size)
        if run is None:
            gates.append(Gate(name, f"≤ {limit:g} s", "not measured", None))
            continue
        words = f"{run.match:.1f} s ({run.num_vertices:,} vertices)"
        gates.append(Gate(name, f"≤ {limit:g} s", words, run.match <= limit, run.match))
    run = runs.get(20_000)
    if run is not None:
        words = f"{run.retarget:.2f} s, and {run.contact:.2f} s of contact"
        gates.append(Gate("100 frames retargeted", f"≤ {RETARGET_SECONDS:g} s", words,
                          run.retarget <= RETARGET_SECONDS, run.retarget))  # fmt: skip
        words = f"{run.second_clip:.2f} s after {run.first_clip:.2f} s, no match"
        gates.append(Gate("second generation uses the cache", "faster than the first", words,
                          run.second_clip < run.first_clip, run.second_clip))  # fmt: skip
    rows = []
    for r in runs.values():
        seconds = (r.first_clip, r.second_clip, r.retarget, r.contact)
        match = (f"{r.num_vertices:,}", f"{r.match:.1f}", f"{r.processor:.1f}")
        rows.append((*match, *(f"{s:.2f}" for s in seconds), f"{r.peak_bytes / 1e9:.2f}"))
    return Outcome(
        "Time",
        tuple(gates),
        f"Seconds with {threads} threads, each mesh in a fresh process that has loaded the "
        "bundle: the first match (*processor*: of all processors), a first and a second clip of "
        "100 frames from curves to the head, of which carrying to the head (*retarget*) and "
        "keeping lips and lids apart (*contact*), the second time. A busy machine is slower: see "
        "the load under *Run*.",
        (
            "vertices",
            "match",
            "processor",
            "first clip",
            "second clip",
            "retarget",
            "contact",
            "peak, GB",
        ),
        tuple(rows),
    )


def memory(run: Run | None) -> Outcome:
    """The gate on a mesh of a million vertices."""
    name, gate = "memory of 1,000,000 vertices", "within 8 GB"
    if run is None:
        return Outcome("Memory", (Gate(name, gate, "not measured", None),))
    words = f"{run.peak_bytes / 1e9:.2f} GB ({run.num_vertices:,} vertices)"
    is_within = run.peak_bytes <= MEMORY_BYTES
    return Outcome(
        "Memory",
        (Gate(name, gate, words, is_within, float(run.peak_bytes)),),
        "Peak of a process (VmHWM on Linux) that reads the bundle and the head, matches it "
        f"and makes a clip; the match took {run.match:.0f} s.",
    )


def _measure_here(path: Path, frames: int) -> Run:
    from facegen_core.conditioning import relative_lip_gap
    from facegen_core.contact import resolve_clip
    from facegen_core.retarget import retarget

    with np.load(path, allow_pickle=False) as arrays:
        mesh = Mesh(arrays["vertices"], arrays["corners"], arrays["starts"])
    bundle = load_bundle(BUNDLE)
    started, processor_started = time.perf_counter(), time.process_time()
    alignment = pipeline.match(mesh, bundle)
    match = time.perf_counter() - started
    processor = time.process_time() - processor_started
    curve = np.interp(np.arange(frames), [0, 0.3 * frames, 0.7 * frames, frames - 1], [0, 1, 1, 0])
    intensities = np.zeros((frames, NUM_EXPRESSIONS))
    intensities[:, 0] = curve
    clips = []
    for _ in range(2):
        started = time.perf_counter()
        pipeline.generate(alignment, intensities, 30.0, bundle)
        clips.append(time.perf_counter() - started)
    lip_gap = relative_lip_gap(alignment.fit.landmarks, alignment.template.landmark_positions)
    neutral = layered_motion.person_of(alignment)
    motion = layered_motion.engine_of(bundle).generate(intensities, 30.0, neutral, lip_gap)
    started = time.perf_counter()
    moved = retarget(motion, alignment)
    carried = time.perf_counter()
    resolve_clip(alignment, moved)
    done = time.perf_counter()
    steps = carried - started, done - carried
    return Run(mesh.num_vertices, match, processor, *clips, *steps, _peak_bytes())


def _peak_bytes() -> int:
    """The most memory the system ever gave to this process (as tests.benchmarks.memory counts)."""
    status = Path("/proc/self/status")
    if not status.is_file():
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak
    line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("head", type=Path)
    parser.add_argument("frames", type=int)
    options = parser.parse_args()
    print(json.dumps(asdict(_measure_here(options.head, options.frames))))


if __name__ == "__main__":
    main()
