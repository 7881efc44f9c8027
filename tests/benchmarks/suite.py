"""Everything that one run of the benchmark measures."""

from __future__ import annotations

import dataclasses
import datetime
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from facegen_core.bundle import Bundle
from facegen_core.hierarchy import Hierarchy
from tests.benchmarks import convolution, engine, gpu, growth, machine, memory
from tests.benchmarks.hierarchies import PAPER_VERTICES, default_bundle, disk_hierarchy

NO_GPU = "not measured: no GPU"


@dataclass(frozen=True)
class Plan:
    """How much is measured. The quick plan is for tests: every part once, on small meshes."""

    num_frames: int = 40
    repetitions: int = 5
    engine_repetitions: int = 20
    paper_vertices: int = PAPER_VERTICES
    # Of the disks on which vertices grow; the template has about 14,000.
    disk_vertices: tuple[int, ...] = (1_750, 3_500, 7_000, 14_000, PAPER_VERTICES)
    growth: growth.GrowthSizes = dataclasses.field(default_factory=growth.GrowthSizes)
    # A process each; tests have time for one hierarchy.
    memory_of: tuple[str, ...] = ("template", "paper")
    # None: the default template's own hierarchy, else a disk.
    template_vertices: int | None = None


QUICK = Plan(
    num_frames=4,
    repetitions=1,
    engine_repetitions=1,
    paper_vertices=1_500,
    disk_vertices=(700, 1_500),
    growth=growth.GrowthSizes(num_frames=(1, 4), batches=(1, 2)),
    memory_of=("template",),
    template_vertices=700,
)


def run(plan: Plan, threads: int, command: str, tell: Callable[[str], None]) -> dict[str, Any]:
    """Results as JSON values. tell: is told what is measured next, one line each."""
    started = time.perf_counter()
    bundle = default_bundle()
    tell("hierarchies")
    disks = {n: disk_hierarchy(n) for n in sorted({*plan.disk_vertices, plan.paper_vertices})}
    template = bundle.template.hierarchy
    if plan.template_vertices is not None:
        template = disk_hierarchy(plan.template_vertices)
    measured = {"template": template, "paper": disks[plan.paper_vertices]}
    results: dict[str, Any] = {"machine": machine.describe(threads)}
    tell("spiral convolution")
    results["spiral_convolution"] = {
        name: convolution.measure(hierarchy, plan.num_frames, plan.repetitions)
        for name, hierarchy in measured.items()
    }
    tell("memory")
    results["memory"] = {
        name: memory.measure(measured[name], plan.num_frames) for name in plan.memory_of
    }
    tell("NumPy engine")
    results["numpy_engine"] = _engine(bundle, measured, plan.engine_repetitions)
    tell("growth with vertices, frames and batch")
    growing = [disks[n] for n in plan.disk_vertices]
    results["growth"] = growth.measure(growing, template, plan.growth)
    tell("GPU")
    results["gpu"] = _gpu(measured, plan)
    results["run"] = {
        "command": command,
        "commit": machine.commit(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "plan": plan,
        "seconds": time.perf_counter() - started,
    }
    return as_json(results)


def _engine(bundle: Bundle, measured: dict[str, Hierarchy], repetitions: int) -> dict[str, Any]:
    bandwidth = machine.triad_bandwidth()
    return {
        "memory_bandwidth_bytes_per_second": bandwidth,
        "default_bundle": engine.measure_default(bundle, repetitions),
        "decoder": {
            name: [
                engine.measure_decoder(hierarchy, n, repetitions, bandwidth)
                for n in (engine.LONG_CLIP, 1)
            ]
            for name, hierarchy in measured.items()
        },
    }


def _gpu(measured: dict[str, Hierarchy], plan: Plan) -> dict[str, Any]:
    if not torch.cuda.is_available():
        return {"measured": False, "note": NO_GPU}
    device = torch.device("cuda")
    return {
        "measured": True,
        **{
            name: gpu.measure(hierarchy, device, plan.num_frames, plan.repetitions)
            for name, hierarchy in measured.items()
        },
    }


def as_json(value: Any) -> Any:
    """Dataclasses as objects, tuples as lists, what was not measured (NaN) as null."""
    if dataclasses.is_dataclass(value):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
