"""The GPU worker against the built-in engine: clips, many heads, batch sizes, the pipe.

`python -m tests.benchmarks.worker` puts its section into docs/benchmarks.md and .json and leaves
the others as they are. Without a GPU it measures the worker on the CPU, and says so.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.__main__ import FIGURE, ROOT, THREAD_VARIABLES

BUNDLE = ROOT / "blender_addon" / "assets" / "default.facegen"
BATCHES = (1, 8, 32, 128, 512)
FRAME_RATE = 30.0


@dataclass(frozen=True)
class Plan:
    """num_frames: of a clip; heads and head_frames: of a crowd that nobody has seen before."""

    num_frames: int = 300
    heads: int = 2
    head_frames: int = 100
    repetitions: int = 3


QUICK = Plan(num_frames=12, heads=2, head_frames=4, repetitions=1)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.worker", description=__doc__)
    parser.add_argument("--threads", type=int, default=1, help="of worker and host; default 1")
    parser.add_argument("--device", default="auto", help="auto, cuda:0, mps or cpu; default auto")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder; default docs")
    parser.add_argument("--quick", action="store_true", help="short clips, one repetition")
    options = parser.parse_args(arguments)
    os.environ |= dict.fromkeys(THREAD_VARIABLES, str(options.threads))
    # Only now, so that the libraries find the number of threads.
    import torch

    from tests.benchmarks import machine, report, suite

    torch.set_num_threads(options.threads)
    command = f"python -m tests.benchmarks.worker --threads {options.threads}"
    found = suite.as_json(measure(QUICK if options.quick else Plan(), options.device))
    found["run"] = {"command": command, "commit": machine.commit(), "threads": options.threads}
    data = options.out / "benchmarks.json"
    results = json.loads(data.read_text(encoding="utf-8")) if data.is_file() else None
    if results is None:
        print(report.worker_section(found))
        return 0
    results["worker"] = found
    data.write_text(json.dumps(results, indent=1) + "\n")
    report.write(results, options.out / "benchmarks.md", FIGURE)
    print(report.worker_section(found))
    return 0


def measure(plan: Plan, device: str) -> dict[str, Any]:
    """All of one worker with the default bundle, and the built-in engine in turn with it."""
    import numpy as np
    import torch

    from facegen_core.bundle import load_bundle
    from facegen_core.worker_client import Worker

    bundle = load_bundle(BUNDLE)
    rng = np.random.default_rng(0)
    with Worker(Path(sys.executable), device) as worker:
        facts = worker.start()
        clips = [_clip(worker, bundle, plan, generator) for generator in ("lstm", "lm4dgan")]
        heads = _heads(worker, bundle, plan, rng)
        notices = list(worker.notices)
    on = torch.device(facts.device)
    return {
        "device": facts.device,
        "device_name": facts.device_name,
        "torch": facts.torch_version,
        "plan": plan,
        "clips": clips,
        "heads": heads,
        "batches": _batches(bundle, plan, on),
        "limit": _limit(bundle, plan, on),
        "notices": notices,
    }


def _request(bundle, num_frames: int, generator: str = "lstm", neutral=None):
    """Everything moves in every frame."""
    import numpy as np

    from facegen_core.landmark_inference import Variation
    from facegen_core.motion_engine import MotionRequest

    clock = np.arange(num_frames)[:, None] / 9 + np.arange(bundle.config.num_expressions)
    curves = 0.5 + 0.4 * np.sin(clock)
    return MotionRequest(curves, FRAME_RATE, neutral, 0.0, generator, Variation(1))


def _clip(worker, bundle, plan: Plan, generator: str) -> dict[str, Any]:
    """One clip on a known face; the torch engine in this process does the same without a pipe."""
    import torch

    from facegen_core.worker_comparison import built_in
    from facegen_core.worker_engine import TorchEngine
    from tests.benchmarks.timing import take_turns

    asked = [_request(bundle, plan.num_frames, generator)]
    engine = TorchEngine(bundle, torch.device(worker.report.device))
    times = take_turns(
        {
            "built_in": built_in(bundle, asked),
            "worker": lambda: worker.motions(bundle, BUNDLE, asked),
            "without_pipe": lambda: list(engine.pieces(asked)),
        },
        plan.repetitions,
    )
    seconds = {name: timing.median for name, timing in times.items()}
    there = _processor_seconds(worker)
    for _ in range(plan.repetitions):
        worker.motions(bundle, BUNDLE, asked)
    there = (_processor_seconds(worker) - there) / plan.repetitions
    processor = {name: timing.processor_seconds for name, timing in times.items()}
    processor["worker"] += there
    size = 12 * bundle.template.num_vertices * plan.num_frames
    return {
        "generator": generator,
        "num_frames": plan.num_frames,
        "times": times,
        "frames_per_second": {name: plan.num_frames / s for name, s in seconds.items()},
        "worker_to_built_in": seconds["built_in"] / seconds["worker"],
        "processor_seconds": processor,
        "pipe_share": 1 - processor["without_pipe"] / processor["worker"],
        "bytes_on_the_pipe": size,
    }


def _processor_seconds(worker) -> float:
    """Of the worker's process so far; NaN where the system does not tell it in a file."""
    state = Path(f"/proc/{worker._process.pid}/stat")
    if not state.is_file():
        return float("nan")
    user, system = state.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _heads(worker, bundle, plan: Plan, rng) -> dict[str, Any]:
    """Clips on faces that neither has seen: deformation transfer is most of it."""
    from facegen_core.inference import Engine
    from tests.benchmarks.timing import take_turns

    size = len(bundle.template.identity_basis)
    people = itertools.count()

    def crowd():
        next(people)
        faces = (bundle.template.with_identity(rng.normal(size=size)) for _ in range(plan.heads))
        return [_request(bundle, plan.head_frames, "lstm", face) for face in faces]

    engine = Engine(bundle)

    def here() -> None:
        for asked in crowd():
            engine.generate(asked.intensities, FRAME_RATE, asked.neutral)

    works = {"built_in": here, "worker": lambda: worker.motions(bundle, BUNDLE, crowd())}
    times = take_turns(works, max(1, plan.repetitions // 2))
    return {
        "heads": plan.heads,
        "num_frames": plan.head_frames,
        "times": times,
        "worker_to_built_in": times["built_in"].median / times["worker"].median,
    }


def _batches(bundle, plan: Plan, device) -> list[dict[str, Any]]:
    """Frames per second of the torch engine by the frames it decodes at once."""
    from facegen_core.worker_engine import TorchEngine
    from tests.benchmarks.timing import take_turns

    asked, works = [_request(bundle, plan.num_frames)], {}
    for frames in BATCHES:
        engine = TorchEngine(bundle, device)
        engine.batch_frames = frames
        works[str(frames)] = lambda e=engine: list(e.pieces(asked))
    times = take_turns(works, max(1, plan.repetitions // 2))
    return [
        {"batch_frames": n, "frames_per_second": plan.num_frames / times[str(n)].median}
        for n in BATCHES
    ]


def _limit(bundle, plan: Plan, device) -> dict[str, Any]:
    """Decoding alone against the time in which the device's memory moves all of its arrays once."""
    import torch

    from facegen_core.worker_engine import CPU_FRAMES, GPU_FRAMES
    from facegen_core.worker_models import SteadyModel
    from tests.benchmarks.engine import FLOAT_BYTES, product_bytes
    from tests.benchmarks.machine import triad_bandwidth
    from tests.benchmarks.timing import take_turns

    frames = CPU_FRAMES if device.type == "cpu" else min(GPU_FRAMES, plan.num_frames)
    model, config = SteadyModel(bundle, device), bundle.config
    codes = torch.randn(frames, config.latent_size, device=device)
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    with torch.inference_mode():
        time = take_turns({"decode": lambda: model.decode(codes, None)}, plan.repetitions, wait)
    moved = product_bytes(bundle.template.hierarchy, config, frames, frames)
    if config.has_blendshapes:  # the basis read, their motion written and added to the rest
        size = 3 * bundle.template.num_vertices
        moved += FLOAT_BYTES * size * (config.num_blendshapes + 3 * frames)
    bandwidth = triad_bandwidth(device)
    seconds = time["decode"].median
    return {
        "num_frames": frames,
        "frames_per_second": frames / seconds,
        "bandwidth_bytes_per_second": bandwidth,
        "share_of_limit": moved / bandwidth / seconds,
    }


if __name__ == "__main__":
    sys.exit(main())
