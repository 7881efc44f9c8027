"""Times of the generator as ratios: `python -m tests.benchmarks.generator_benchmark`.

Fused against naive spiral convolution (forward pass, training step), and the NumPy engine against
torch, on a disk of as many vertices as the template and at the paper's sizes. One run compares
like with like; times of different runs or machines say little.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import Delaunay

from facegen_core.hierarchy import Hierarchy, build_hierarchy
from facegen_core.inference import Engine
from facegen_core.models.config import ModelConfig
from facegen_core.models.decoders import SpiralDecoder
from facegen_core.models.expression_encoder import ExpressionEncoder
from tests.core.model_fixtures import naive_up_spiral_conv

TEMPLATE_VERTICES = 14_062
PAPER_VERTICES = 28_431  # levels 28431, 5687, 1138, 228, 46


@dataclass(frozen=True)
class Timings:
    """Seconds for `num_frames` frames, median of the repetitions."""

    sizes: tuple[int, ...]
    num_frames: int
    fused_forward: float
    naive_forward: float
    fused_step: float
    naive_step: float
    numpy_forward: float

    def report(self) -> str:
        rows = [
            f"levels {', '.join(map(str, self.sizes))}; {self.num_frames} frames",
            _row("forward pass", self.fused_forward, self.naive_forward),
            _row("training step", self.fused_step, self.naive_step),
            f"  NumPy engine   {1e3 * self.numpy_forward:8.1f} ms   "
            f"{self.numpy_forward / self.fused_forward:5.2f} × torch fused",
        ]
        return "\n".join(rows)


class NaiveSpiralDecoder(SpiralDecoder):
    """The same weights with a plain gather, as the reference does it."""

    def __init__(self, config: ModelConfig, hierarchy: Hierarchy) -> None:
        super().__init__(config, hierarchy)
        self.hierarchy = hierarchy

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        features = self.expand(codes).reshape(len(codes), -1, self.num_channels).transpose(0, 1)
        for i, conv in enumerate(self.convs):
            k = len(self.convs) - 1 - i
            features = naive_up_spiral_conv(self.hierarchy, k, features, conv.weight, conv.bias)
            features = torch.relu(features) if k else features
        return features


def disk_hierarchy(num_vertices: int) -> Hierarchy:
    """Five levels of a bumpy disk with any number of vertices."""
    rng = np.random.default_rng(0)
    flat = rng.uniform(-100, 100, (num_vertices, 2))
    height = 20 * np.sin(flat[:, :1] / 15) * np.cos(flat[:, 1:] / 20)
    triangles = Delaunay(flat).simplices
    a, b, c = (flat[triangles[:, k]] for k in range(3))
    turned = np.cross(b - a, c - a) < 0
    triangles[turned] = triangles[turned][:, ::-1]
    return build_hierarchy(np.hstack([flat, height]), triangles)


def measure(hierarchy: Hierarchy, num_frames: int = 40, repetitions: int = 5) -> Timings:
    """Fused, naive and NumPy times of LSTM and spiral decoder on one hierarchy."""
    config = ModelConfig(decoder="spiral", rest_gate=0.0, warmup_frames=0)
    torch.manual_seed(0)
    fused, naive = SpiralDecoder(config, hierarchy), NaiveSpiralDecoder(config, hierarchy)
    naive.load_state_dict(fused.state_dict())
    encoder = ExpressionEncoder(config.latent_size, 0)
    signal = torch.rand(1, num_frames, 6)
    engine = _numpy_engine(config, hierarchy, encoder, fused)
    forwards = [lambda d=d: _forward(encoder, d, signal) for d in (fused, naive)]
    steps = [lambda d=d: _step(encoder, d, signal) for d in (fused, naive)]
    numbers = signal[0].numpy()
    rounds = [*forwards, *steps, lambda: engine.decode(engine.encode(numbers))]
    times = _interleaved(rounds, repetitions)
    return Timings(hierarchy.sizes, num_frames, *times)


def _interleaved(works: list[Callable[[], object]], repetitions: int) -> list[float]:
    """Median seconds of each work, taking turns, so that a busy machine hits all alike."""
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(repetitions + 1):
        for work, times in zip(works, seconds, strict=True):
            started = time.perf_counter()
            work()
            times.append(time.perf_counter() - started)
    return [statistics.median(times[1:]) for times in seconds]  # the first round warms up


@torch.no_grad()
def _forward(
    encoder: ExpressionEncoder, decoder: SpiralDecoder, signal: torch.Tensor
) -> torch.Tensor:
    return decoder(encoder(signal)[0])


def _step(encoder: ExpressionEncoder, decoder: SpiralDecoder, signal: torch.Tensor) -> None:
    for module in (encoder, decoder):
        module.zero_grad()
    decoder(encoder(signal)[0]).abs().mean().backward()


def _numpy_engine(
    config: ModelConfig, hierarchy: Hierarchy, encoder: ExpressionEncoder, decoder: SpiralDecoder
) -> Engine:
    """An Engine without a whole template: only what the forward pass needs."""
    engine = Engine.__new__(Engine)
    engine.config, engine.num_vertices = config, hierarchy.sizes[0]
    modules = {"encoder": encoder, "spirals": decoder}
    engine.weights = {
        f"{room}.{name}": values.detach().numpy()
        for room, module in modules.items()
        for name, values in module.state_dict().items()
    }
    engine._operators = [hierarchy.fused_operator(k) for k in (3, 2, 1, 0)]
    engine._rest_state = engine._zero_state()
    return engine


def _row(what: str, fused: float, naive: float) -> str:
    return (
        f"  {what:14s} {1e3 * fused:8.1f} ms fused, {1e3 * naive:8.1f} ms naive: "
        f"{naive / fused:5.1f} ×"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    for num_vertices in (TEMPLATE_VERTICES, PAPER_VERTICES):
        started = time.perf_counter()
        hierarchy = disk_hierarchy(num_vertices)
        seconds = time.perf_counter() - started
        print(f"hierarchy and spirals of {num_vertices} vertices: {seconds:.1f} s")
        print(measure(hierarchy, options.frames, options.repetitions).report())


if __name__ == "__main__":
    main()
