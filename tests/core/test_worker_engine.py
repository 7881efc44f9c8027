"""Both generators in torch against the NumPy engines, in batches, and short of memory."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the worker's engine needs torch")

from facegen_core.bundle import Bundle  # noqa: E402
from facegen_core.errors import BundleError, WorkerError  # noqa: E402
from facegen_core.models.config import ModelConfig, paper_config  # noqa: E402
from facegen_core.models.displacement_config import DisplacementDecoderConfig  # noqa: E402
from facegen_core.models.landmark_config import LandmarkGanConfig  # noqa: E402
from facegen_core.models.spiral_conv import SparseMatrix  # noqa: E402
from facegen_core.motion import FaceMotion  # noqa: E402
from facegen_core.motion_engine import MotionRequest, check_request  # noqa: E402
from facegen_core.worker_devices import choose_device, why_not  # noqa: E402
from facegen_core.worker_engine import CPU, OutOfMemoryError, TorchEngine  # noqa: E402
from tests.core.model_fixtures import random_bundle, random_landmark_bundle  # noqa: E402
from tests.core.worker_fixtures import (  # noqa: E402
    TOLERANCE_MM,
    built_in,
    curves,
    largest_difference,
    random_requests,
)

# A device of its own name that computes on the CPU: stands for a GPU.
STAND_IN = torch.device("cpu:0")


@pytest.fixture(scope="module")
def bundle():
    return random_landmark_bundle()


def motions(engine: TorchEngine, requests) -> list[FaceMotion]:
    """The pieces put together; what no piece brings is at rest."""
    num_vertices = engine.bundle.template.num_vertices
    made = [
        FaceMotion(np.zeros((r.num_rows, num_vertices, 3), np.float32), np.zeros((r.num_rows, 6)))
        for r in requests
    ]
    for piece in engine.pieces(requests):
        rows = slice(piece.start, piece.start + len(piece.skin))
        made[piece.number].skin[rows], made[piece.number].jaw[rows] = piece.skin, piece.jaw
    return made


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_random_requests_of_both_generators_equal_the_built_in_engine(bundle, seed):
    requests = random_requests(bundle, seed, 8)
    expected = list(built_in(bundle, requests))
    assert max(np.abs(motion.skin).max() for motion in expected) > 0.5
    assert largest_difference(motions(TorchEngine(bundle, CPU), requests), expected) < TOLERANCE_MM


@pytest.mark.parametrize(
    "config",
    [
        paper_config(),
        ModelConfig(num_blendshapes=8, decoder="blendshape", follows_neutral=True),
        ModelConfig(num_blendshapes=8, bidirectional=True, reads_lip_gap=True),
    ],
    ids=["paper", "blendshape", "both ends"],
)
def test_every_form_of_the_first_generator(config):
    bundle = random_bundle(config)
    requests = [
        dataclasses.replace(request, generator="lstm") for request in random_requests(bundle, 3, 4)
    ]
    expected = list(built_in(bundle, requests))
    assert largest_difference(motions(TorchEngine(bundle, CPU), requests), expected) < TOLERANCE_MM


@pytest.mark.parametrize(
    ("generators", "decoder"),
    [
        ({"follows_neutral": False}, {"attention": "landmarks"}),
        ({}, {"attention": "none"}),
        ({}, {"residual": False}),
        ({}, {"linear_head": False}),
    ],
)
def test_every_form_of_the_second_generator(generators, decoder):
    small = LandmarkGanConfig(widths=(12, 8, 8), num_blocks=2, noise_size=4, **generators)
    bundle = random_landmark_bundle(small, DisplacementDecoderConfig(**decoder))
    requests = [
        dataclasses.replace(request, generator="lm4dgan")
        for request in random_requests(bundle, 4, 3)
    ]
    expected = list(built_in(bundle, requests))
    assert largest_difference(motions(TorchEngine(bundle, CPU), requests), expected) < TOLERANCE_MM


def test_rest_is_exactly_rest(bundle):
    still = [
        MotionRequest(np.zeros((20, 6)), 30.0, generator=generator)
        for generator in ("lstm", "lm4dgan")
    ]
    assert not list(TorchEngine(bundle, CPU).pieces(still))


def test_the_same_requests_make_the_same_bytes_and_batches_do_not_matter(bundle):
    requests = random_requests(bundle, 5, 6)
    engine = TorchEngine(bundle, CPU)
    first, again = motions(engine, requests), motions(engine, requests)
    assert all(np.array_equal(a.skin, b.skin) for a, b in zip(first, again, strict=True))
    alone = [motions(TorchEngine(bundle, CPU), [request])[0] for request in requests]
    assert largest_difference(first, alone) < TOLERANCE_MM
    engine.batch_frames = 3
    assert largest_difference(first, motions(engine, requests)) < TOLERANCE_MM


def test_progress_grows_from_0_to_1(bundle):
    heard = []
    list(
        TorchEngine(bundle, CPU).pieces(random_requests(bundle, 6, 6), lambda f, _: heard.append(f))
    )
    assert heard == sorted(heard)
    assert heard[0] == 0.0
    assert 0.5 < heard[-1] <= 1.0


def short_of_memory(monkeypatch, most_frames: int, devices=("cpu:0",)) -> list[int]:
    """Have decoding fail beyond so many frames on some devices; the sizes that were tried."""
    from facegen_core.models.expression_model import ExpressionModel

    tried, decode = [], ExpressionModel.decode

    def fails(self, codes, shapes=None):
        tried.append(len(codes))
        # A module knows its device by its name alone: "cpu:0" and "cpu" compute alike.
        if len(codes) > most_frames and self.stand_in in devices:
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB.")
        return decode(self, codes, shapes)

    init = torch.nn.Module.to

    def to(self, device, *rest):
        self.stand_in = str(device)
        return init(self, device, *rest)

    monkeypatch.setattr(ExpressionModel, "decode", fails)
    monkeypatch.setattr(ExpressionModel, "to", to, raising=False)
    return tried


def test_out_of_memory_makes_batches_smaller_and_says_so(bundle, monkeypatch):
    request = MotionRequest(curves(60, 2), 30.0)
    expected = list(built_in(bundle, [request]))
    tried, heard = short_of_memory(monkeypatch, 5), []
    engine = TorchEngine(bundle, STAND_IN, heard.append)
    assert largest_difference(motions(engine, [request]), expected) < TOLERANCE_MM
    assert tried[:4] == [32, 16, 8, 4]
    assert max(tried[3:]) == 4
    assert heard[-1] == "Out of memory: the GPU worker goes on with 4 frames at a time."
    assert engine.batch_frames == 4  # and stays so, not to fail with every clip


def test_out_of_memory_for_one_frame_goes_to_the_cpu_and_says_so(bundle, monkeypatch):
    request = MotionRequest(curves(60, 2), 30.0)
    expected = list(built_in(bundle, [request]))
    tried, heard = short_of_memory(monkeypatch, 0), []
    engine = TorchEngine(bundle, STAND_IN, heard.append)
    assert largest_difference(motions(engine, [request]), expected) < TOLERANCE_MM
    assert heard[-2] == "Out of memory: the GPU worker goes on with 1 frame at a time."
    assert heard[-1] == "The GPU ran out of memory: the CPU went on with this motion."
    assert tried[5] == 1
    assert tried[6] == 32


def test_a_gpu_that_fails_hands_over_to_the_cpu(bundle, monkeypatch):
    from facegen_core.models.landmark_gan import LandmarkGenerators

    forward, count = LandmarkGenerators.forward, []

    def fails_once(self, *given, **named):
        count.append(1)
        if len(count) == 1:
            raise RuntimeError("CUDA error: no kernel image is available.\nmore")
        return forward(self, *given, **named)

    monkeypatch.setattr(LandmarkGenerators, "forward", fails_once)
    request, heard = MotionRequest(curves(40), 30.0, generator="lm4dgan"), []
    made = motions(TorchEngine(bundle, STAND_IN, heard.append), [request])
    assert largest_difference(made, list(built_in(bundle, [request]))) < TOLERANCE_MM
    assert heard == [
        "The GPU could not make this motion, the CPU went on: CUDA error: no kernel image is "
        "available."
    ]


def test_a_cpu_without_memory_is_one_sentence(bundle, monkeypatch):
    short_of_memory(monkeypatch, 0, ("cpu",))
    with pytest.raises(WorkerError, match="close other programs"):
        motions(TorchEngine(bundle, CPU), [MotionRequest(curves(20), 30.0)])


def test_adding_row_by_row_is_the_same_product(bundle):
    operator = bundle.template.hierarchy.fused_operator(0)
    dense = torch.randn(operator.shape[1], 12)
    matrix = SparseMatrix(operator)
    torch.testing.assert_close(matrix.product_by_rows(dense), matrix.product(dense))


def test_devices_that_are_not_there_are_refused():
    heard = []
    assert choose_device("cpu", heard.append) == CPU
    assert why_not(CPU) == ""
    assert why_not(torch.device("meta"))
    for wanted in ("cuda:99", "gpu", "cuda:-1", "cpu; rm", ""):
        with pytest.raises(WorkerError, match="choose"):
            choose_device(wanted, heard.append)


def test_auto_takes_the_first_device_that_works(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    broken = {"cuda:0": "no kernel image"}
    monkeypatch.setattr(
        "facegen_core.worker_devices.why_not", lambda device: broken.get(str(device), "")
    )
    heard = []
    assert choose_device("auto", heard.append) == torch.device("mps")
    assert heard == ["The GPU (cuda:0) does not work with this torch: no kernel image."]


def test_a_torch_too_old_is_refused(monkeypatch):
    monkeypatch.setattr(torch, "__version__", "1.13.1+cu117")
    with pytest.raises(WorkerError, match=r"torch 1\.13\.1\+cu117, 2\.2 or newer"):
        choose_device("cpu", lambda _: None)


def test_a_torch_made_for_another_numpy_is_refused(monkeypatch):
    def unavailable(values):
        raise RuntimeError("Numpy is not available")

    monkeypatch.setattr(torch, "from_numpy", unavailable)
    with pytest.raises(WorkerError, match=r"does not work with its NumPy .* install NumPy 1\.26"):
        choose_device("cpu", lambda _: None)


@pytest.mark.parametrize(
    "change",
    [
        {"intensities": np.zeros((0, 6))},
        {"intensities": np.full((20, 6), 2.0)},
        {"frames_per_second": 0.0},
        {"neutral": np.zeros((5, 3))},
        {"rows": np.array([3, 20])},
        {"rows": np.array([-1])},
        {"rows": np.array([0.5])},
        {"lip_gap": float("nan")},
        {"generator": "other"},
        {"generator": "lm4dgan", "intensities": np.zeros((2, 6))},
    ],
)
def test_senseless_requests_are_refused_before_anything_is_sent(bundle: Bundle, change):
    from facegen_core.errors import FacegenError

    good = MotionRequest(curves(20), 30.0)
    check_request(good, bundle)
    with pytest.raises(FacegenError):
        check_request(dataclasses.replace(good, **change), bundle)


def test_a_bundle_without_the_second_generator_says_so():
    with pytest.raises(BundleError, match="no varied motion"):
        check_request(MotionRequest(curves(20), 30.0, generator="lm4dgan"), random_bundle())
