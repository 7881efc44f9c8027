"""The same on a GPU: frames per second, share of its memory's limit, time to the same loss.

Where there is none, the report says so and nothing is measured.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from facegen_core.hierarchy import Hierarchy
from tests.benchmarks.convolution import Comparison, compare
from tests.benchmarks.decoders import (
    DECODERS,
    ForwardPass,
    TrainingStep,
    bundle_on,
    random_signal,
    torch_model,
)
from tests.benchmarks.engine import product_bytes
from tests.benchmarks.machine import triad_bandwidth
from tests.benchmarks.timing import take_turns

RACE_STEPS = 100  # on the CPU; the loss it has then is the goal of both
MOST_STEPS = 5  # times as many as the CPU, before the GPU gives up


@dataclass(frozen=True)
class Race:
    """Seconds until the loss the CPU has after `cpu_steps` steps; None: not reached."""

    loss: float
    cpu_steps: int
    cpu_seconds: float
    gpu_steps: int
    gpu_seconds: float | None


@dataclass(frozen=True)
class GpuResults:
    """One hierarchy on one GPU; memory is the peak of torch's allocator, in MB."""

    name: str
    sizes: tuple[int, ...]
    num_frames: int
    forward: Comparison
    step: Comparison
    frames_per_second: float
    peak_mb: dict[str, float]
    bandwidth: float
    share_of_limit: float
    race: Race


def measure(
    hierarchy: Hierarchy, device: torch.device, num_frames: int, repetitions: int
) -> GpuResults:
    """All of one GPU. A CPU is taken too, so that a test can run this where there is no GPU."""
    bundle = bundle_on(hierarchy)
    signal = random_signal(1, num_frames, bundle.config.num_expressions).to(device)
    models = {name: torch_model(bundle, name).to(device) for name in DECODERS}
    forward = {name: ForwardPass(model, signal) for name, model in models.items()}
    neutral = bundle.template.vertices
    step = {name: TrainingStep(model, signal, neutral) for name, model in models.items()}
    wait = _wait_for(device)
    passes, steps = (compare(take_turns(w, repetitions, wait)) for w in (forward, step))
    seconds, bandwidth = passes.times["fused"].median, triad_bandwidth(device)
    moved = product_bytes(hierarchy, bundle.config, num_frames, chunk_frames=num_frames)
    return GpuResults(
        name=torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
        sizes=hierarchy.sizes,
        num_frames=num_frames,
        forward=passes,
        step=steps,
        frames_per_second=num_frames / seconds,
        peak_mb={name: _peak_mb(work, device) for name, work in step.items()},
        bandwidth=bandwidth,
        share_of_limit=moved / bandwidth / seconds,
        race=race(hierarchy, device, num_frames),
    )


def race(
    hierarchy: Hierarchy, device: torch.device, num_frames: int, num_steps: int = RACE_STEPS
) -> Race:
    """The same training from the same weights on the CPU and on the device."""
    bundle, signal = bundle_on(hierarchy), random_signal(1, num_frames)
    neutral = bundle.template.vertices
    step = TrainingStep(torch_model(bundle), signal, neutral)
    started = time.perf_counter()
    losses = [float(step()) for _ in range(num_steps)]
    cpu_seconds, goal = time.perf_counter() - started, losses[-1]
    step = TrainingStep(torch_model(bundle).to(device), signal.to(device), neutral)
    step(), _wait_for(device)()  # what a first step sets up is not training
    step = TrainingStep(torch_model(bundle).to(device), signal.to(device), neutral)
    started = time.perf_counter()
    for count in range(1, MOST_STEPS * num_steps + 1):
        # Rounding differs between devices: the goal counts as reached within a part in 10^4.
        if float(step()) <= 1.0001 * goal:
            return Race(goal, num_steps, cpu_seconds, count, time.perf_counter() - started)
    return Race(goal, num_steps, cpu_seconds, MOST_STEPS * num_steps, None)


def _wait_for(device: torch.device):
    return torch.cuda.synchronize if device.type == "cuda" else lambda: None


def _peak_mb(step: TrainingStep, device: torch.device) -> float:
    if device.type != "cuda":
        return 0.0
    torch.cuda.reset_peak_memory_stats(device)
    step()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated(device) / 1e6
