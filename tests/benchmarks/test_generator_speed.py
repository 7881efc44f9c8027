import pytest

pytest.importorskip("torch", reason="the fused layer is compared with the naive one in torch")

from tests.benchmarks.generator_benchmark import disk_hierarchy, measure


def test_fused_convolution_beats_the_naive_gather_in_the_same_run():
    timings = measure(disk_hierarchy(3000), num_frames=20, repetitions=5)
    print(timings.report())
    # Measured 5 to 15 times at full size; a busy machine and a small mesh must not fail the test.
    assert timings.naive_forward > 1.5 * timings.fused_forward
    assert timings.naive_step > 1.5 * timings.fused_step


def test_the_numpy_engine_is_of_the_speed_of_torch():
    timings = measure(disk_hierarchy(3000), num_frames=20, repetitions=5)
    assert timings.numpy_forward < 10 * timings.fused_forward
