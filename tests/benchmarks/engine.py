"""The NumPy engine: frames per second, and how near its products come to what memory allows.

The limit: every array of the two products of a level (features, their transforms, the operator, the
result) read or written once at the rate of the triad. An engine that reached it would spend no time
on arithmetic and never fetch a number twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from facegen_core.bundle import Bundle
from facegen_core.hierarchy import Hierarchy
from facegen_core.inference import CHUNK_FRAMES, Engine
from facegen_core.models.config import ModelConfig
from facegen_core.models.decoders import CHUNK_FRAMES as TORCH_CHUNK_FRAMES
from tests.benchmarks.decoders import bundle_on, random_signal, torch_model
from tests.benchmarks.timing import Timing, take_turns

LONG_CLIP = 100  # frames
FRAME_RATE = 30.0
FLOAT_BYTES = 4
INDEX_BYTES = 4


@dataclass(frozen=True)
class DefaultBundleRate:
    """What an artist waits for: curves to motion with the default bundle, all of `generate`."""

    num_frames: int
    time: Timing
    frames_per_second: float


@dataclass(frozen=True)
class DecoderRate:
    """The paper's decoder alone on one hierarchy, in NumPy and in torch."""

    sizes: tuple[int, ...]
    num_frames: int
    numpy: Timing
    torch: Timing
    numpy_frames_per_second: float
    torch_frames_per_second: float
    numpy_to_torch: float
    numpy_bytes: int
    torch_bytes: int
    numpy_share_of_limit: float
    torch_share_of_limit: float


def measure_default(bundle: Bundle, repetitions: int) -> list[DefaultBundleRate]:
    engine = Engine(bundle)
    curves = np.full((LONG_CLIP, bundle.config.num_expressions), 0.0)
    curves[:, 0] = np.linspace(0.1, 1.0, LONG_CLIP)
    works = {n: (lambda n=n: engine.generate(curves[-n:], FRAME_RATE)) for n in (LONG_CLIP, 1)}
    times = take_turns({str(n): work for n, work in works.items()}, repetitions)
    return [DefaultBundleRate(n, times[str(n)], n / times[str(n)].median) for n in (LONG_CLIP, 1)]


def measure_decoder(
    hierarchy: Hierarchy, num_frames: int, repetitions: int, bandwidth: float
) -> DecoderRate:
    """bandwidth: bytes per second, as machine.triad_bandwidth measures it."""
    bundle = bundle_on(hierarchy)
    engine, model = Engine(bundle), torch_model(bundle).requires_grad_(False)
    codes = engine.encode(random_signal(1, num_frames)[0].numpy())
    tensor = torch.from_numpy(codes)
    works = {"numpy": lambda: engine.decode(codes), "torch": lambda: model.decode(tensor)}
    times = take_turns(works, repetitions)
    numpy, torch_ = times["numpy"], times["torch"]
    bytes_moved = [
        product_bytes(hierarchy, bundle.config, num_frames, chunk)
        for chunk in (CHUNK_FRAMES, TORCH_CHUNK_FRAMES)
    ]
    return DecoderRate(
        sizes=hierarchy.sizes,
        num_frames=num_frames,
        numpy=numpy,
        torch=torch_,
        numpy_frames_per_second=num_frames / numpy.median,
        torch_frames_per_second=num_frames / torch_.median,
        numpy_to_torch=numpy.median / torch_.median,
        numpy_bytes=bytes_moved[0],
        torch_bytes=bytes_moved[1],
        numpy_share_of_limit=bytes_moved[0] / bandwidth / numpy.median,
        torch_share_of_limit=bytes_moved[1] / bandwidth / torch_.median,
    )


def product_bytes(
    hierarchy: Hierarchy, config: ModelConfig, num_frames: int, chunk_frames: int
) -> int:
    """Bytes of all arrays of the products, each once per chunk of frames it takes part in."""
    num_chunks = -(-num_frames // chunk_frames)
    widths, total = (*config.channels, 3), 0
    for i, k in enumerate(reversed(range(len(config.channels)))):
        operator = hierarchy.fused_operator(k)
        fine, transforms = operator.shape
        coarse = hierarchy.sizes[k + 1]
        numbers_a_frame = coarse * widths[i] + (2 * transforms + fine) * widths[i + 1]
        total += FLOAT_BYTES * numbers_a_frame * num_frames
        indices = operator.nnz + fine + 1
        total += num_chunks * (FLOAT_BYTES * operator.nnz + INDEX_BYTES * indices)
    return total
