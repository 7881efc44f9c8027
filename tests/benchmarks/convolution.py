"""Fused against both references: forward pass and training step, as ratios."""

from __future__ import annotations

from dataclasses import dataclass

from facegen_core.hierarchy import Hierarchy
from tests.benchmarks.decoders import (
    DECODERS,
    REFERENCES,
    ForwardPass,
    TrainingStep,
    bundle_on,
    random_signal,
    torch_model,
)
from tests.benchmarks.timing import Timing, take_turns


@dataclass(frozen=True)
class Comparison:
    """Times of one work by decoder, and how many times as long the references take."""

    times: dict[str, Timing]
    ratio_to_plain: float
    ratio_to_index_select: float
    ratio_to_faster: float
    processor_ratio_to_faster: float


@dataclass(frozen=True)
class ConvolutionResults:
    """Of one hierarchy of (V_0, V_1, …) vertices."""

    sizes: tuple[int, ...]
    num_frames: int
    forward: Comparison
    step: Comparison


def measure(hierarchy: Hierarchy, num_frames: int, repetitions: int) -> ConvolutionResults:
    """One clip of `num_frames` frames through LSTM and the paper's decoder."""
    bundle, signal = bundle_on(hierarchy), random_signal(1, num_frames)
    models = {name: torch_model(bundle, name) for name in DECODERS}
    forward = {name: ForwardPass(model, signal) for name, model in models.items()}
    neutral = bundle.template.vertices
    step = {name: TrainingStep(model, signal, neutral) for name, model in models.items()}
    comparisons = [compare(take_turns(works, repetitions)) for works in (forward, step)]
    return ConvolutionResults(hierarchy.sizes, num_frames, *comparisons)


def compare(times: dict[str, Timing]) -> Comparison:
    """Ratios of medians; processor time is what a busy machine changes least."""
    fused = times["fused"]
    elapsed = {name: times[name].median / fused.median for name in REFERENCES}
    processor = [times[name].processor_seconds / fused.processor_seconds for name in REFERENCES]
    return Comparison(
        times, elapsed["plain"], elapsed["index_select"], min(elapsed.values()), min(processor)
    )
