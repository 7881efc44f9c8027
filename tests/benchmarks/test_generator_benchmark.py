"""That the benchmark measures what it says; how fast is for its own run to tell, not for a test."""

import pytest

pytest.importorskip("torch", reason="the fused layer is compared with the naive one in torch")

import torch

from facegen_core.models.config import ModelConfig
from tests.benchmarks.generator_benchmark import (
    NaiveSpiralDecoder,
    SpiralDecoder,
    disk_hierarchy,
    measure,
)


def test_both_sides_of_the_benchmark_compute_the_same():
    hierarchy, config = disk_hierarchy(1500), ModelConfig(decoder="spiral")
    naive, fused = NaiveSpiralDecoder(config, hierarchy), SpiralDecoder(config, hierarchy)
    fused.load_state_dict(naive.state_dict())
    codes = torch.randn(3, config.latent_size, generator=torch.Generator().manual_seed(0))
    expected = naive(codes)
    torch.testing.assert_close(
        fused(codes), expected, rtol=1e-5, atol=1e-5 * float(expected.detach().abs().max())
    )


def test_the_benchmark_reports_every_ratio():
    report = measure(disk_hierarchy(1500), num_frames=4, repetitions=1).report()
    assert "forward pass" in report
    assert "training step" in report
    assert "NumPy engine" in report
