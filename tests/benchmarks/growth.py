"""How the time of a frame grows with vertices, with frames and with clips in a batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from facegen_core.hierarchy import Hierarchy
from facegen_core.inference import Engine
from tests.benchmarks.decoders import (
    ForwardPass,
    TrainingStep,
    bundle_on,
    random_signal,
    torch_model,
)
from tests.benchmarks.timing import Work, take_turns

REPETITIONS = 2
CLIP_FRAMES = 40  # of a forward pass
STEP_FRAMES = 20  # of each clip in a batch
# References longer than this would take most of the run, to tell no more.
MOST_REFERENCE_FRAMES = 100


@dataclass(frozen=True)
class Panel:
    """What grows, its values, and seconds per frame by implementation; NaN: not measured."""

    label: str
    values: tuple[int, ...]
    seconds_per_frame: dict[str, list[float]]


@dataclass(frozen=True)
class GrowthSizes:
    """The values of each panel."""

    num_frames: tuple[int, ...] = (1, 5, 10, 20, 40, 100, 200)
    batches: tuple[int, ...] = (1, 2, 4, 8)


def measure(
    disks: list[Hierarchy], hierarchy: Hierarchy, sizes: GrowthSizes | None = None
) -> list[Panel]:
    """disks: hierarchies of growing size; hierarchy: the one on which frames and batch grow."""
    sizes = sizes or GrowthSizes()
    return [
        _panel(
            "vertices (forward pass)",
            [disk.sizes[0] for disk in disks],
            lambda i: (_forward_works(disks[i], CLIP_FRAMES, True), CLIP_FRAMES),
        ),
        _panel(
            "frames (forward pass)",
            sizes.num_frames,
            lambda i: (_forward_works(hierarchy, sizes.num_frames[i], False), sizes.num_frames[i]),
        ),
        _panel(
            "clips in a batch (training step)",
            sizes.batches,
            lambda i: (_step_works(hierarchy, sizes.batches[i]), sizes.batches[i] * STEP_FRAMES),
        ),
    ]


def _panel(
    label: str, values: list[int] | tuple[int, ...], point: Callable[[int], tuple[dict, int]]
) -> Panel:
    rows: list[dict[str, float]] = []
    for i in range(len(values)):
        works, num_frames = point(i)
        times = take_turns(works, REPETITIONS)
        rows.append({name: timing.median / num_frames for name, timing in times.items()})
    names = list(dict.fromkeys(name for row in rows for name in row))
    series = {name: [row.get(name, math.nan) for row in rows] for name in names}
    return Panel(label, tuple(values), series)


def _forward_works(hierarchy: Hierarchy, num_frames: int, with_plain: bool) -> dict[str, Work]:
    bundle, signal = bundle_on(hierarchy), random_signal(1, num_frames)
    engine, numbers = Engine(bundle), signal[0].numpy()
    variants = ["fused"]
    if num_frames <= MOST_REFERENCE_FRAMES:
        variants += ["plain", "index_select"] if with_plain else ["index_select"]
    works: dict[str, Work] = {
        name: ForwardPass(torch_model(bundle, name), signal) for name in variants
    }
    works["numpy"] = lambda: engine.decode(engine.encode(numbers))
    return works


def _step_works(hierarchy: Hierarchy, batch: int) -> dict[str, Work]:
    bundle, signal = bundle_on(hierarchy), random_signal(batch, STEP_FRAMES)
    variants = ["fused"]
    if batch * STEP_FRAMES <= MOST_REFERENCE_FRAMES:
        variants.append("index_select")
    neutral = bundle.template.vertices
    return {name: TrainingStep(torch_model(bundle, name), signal, neutral) for name in variants}
