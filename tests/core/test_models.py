import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the torch engine is tested where torch is installed")

from facegen_core.hierarchy import Hierarchy, Level  # noqa: E402
from facegen_core.inference import Engine  # noqa: E402
from facegen_core.models.config import ModelConfig, paper_config, weight_shapes  # noqa: E402
from facegen_core.models.expression_model import ExpressionModel  # noqa: E402
from facegen_core.models.spiral_conv import UpSpiralConv  # noqa: E402
from tests.core.model_fixtures import naive_up_spiral_conv, random_bundle  # noqa: E402
from tests.sphere_template import sphere_template  # noqa: E402

DECODERS = ["hybrid", "blendshape", "spiral"]
PAPER_SIZES = (28431, 5687, 1138, 228, 46)


def torch_twin(bundle):
    model = ExpressionModel(bundle.config, bundle.template.hierarchy)
    model.load_state_dict({n: torch.from_numpy(w) for n, w in bundle.weights.items()})
    return model.eval()


def random_hierarchy(sizes: tuple[int, ...], length: int = 9) -> Hierarchy:
    """Random but well-formed connections between levels of given sizes."""
    rng = np.random.default_rng(2)
    levels = tuple(
        Level(
            np.zeros((n, 3), np.float32),
            np.zeros((1, 3), np.int32),
            rng.integers(-1, n, (n, length)).astype(np.int32),
        )
        for n in sizes
    )
    pairs = list(itertools.pairwise(sizes))
    weights = [rng.dirichlet(np.ones(3), n).astype(np.float32) for n, _ in pairs]
    indices = [rng.integers(0, m, (n, 3)).astype(np.int32) for n, m in pairs]
    return Hierarchy(levels, tuple(indices), tuple(weights))


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_fused_convolution_and_its_gradients_equal_the_naive_gather(k):
    hierarchy = sphere_template().hierarchy
    torch.manual_seed(0)
    layer = UpSpiralConv(hierarchy.fused_operator(k), 9, 6, 4)
    features = torch.randn(hierarchy.sizes[k + 1], 7, 6, requires_grad=True)
    naive = naive_up_spiral_conv(hierarchy, k, features, layer.weight, layer.bias)
    fused = layer(features)
    assert torch.max(torch.abs(fused - naive)) <= 1e-5 * torch.max(torch.abs(naive))
    direction = torch.randn_like(naive)
    wanted = torch.autograd.grad((naive * direction).sum(), [features, *layer.parameters()])
    found = torch.autograd.grad((fused * direction).sum(), [features, *layer.parameters()])
    for a, b in zip(wanted, found, strict=True):
        assert torch.max(torch.abs(a - b)) <= 1e-5 * torch.max(torch.abs(a))


def test_the_paper_decoder_has_the_parameters_of_table_1():
    model = ExpressionModel(paper_config(), random_hierarchy(PAPER_SIZES))
    count = {name: p.numel() for name, p in model.named_parameters()}
    assert sum(n for name, n in count.items() if name.startswith("encoder.")) == 18_432
    assert count["spirals.expand.weight"] + count["spirals.expand.bias"] == 191_360
    convolutions = [
        count[f"spirals.convs.{i}.weight"] + count[f"spirals.convs.{i}.bias"] for i in range(4)
    ]
    assert convolutions == [64 * 9 * 32 + 32, 32 * 9 * 16 + 16, 16 * 9 * 8 + 8, 8 * 9 * 3 + 3]
    assert sum(n for name, n in count.items() if not name.startswith("jaw.")) == 234_259


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("decoder", DECODERS)
def test_the_listed_weights_are_those_of_the_model(decoder, bidirectional):
    switches = {"bidirectional": bidirectional, "reads_lip_gap": bidirectional}
    config = ModelConfig(decoder=decoder, num_blendshapes=5, **switches)
    hierarchy = sphere_template().hierarchy
    state = ExpressionModel(config, hierarchy).state_dict()
    listed = weight_shapes(config, hierarchy.sizes, 9)
    assert {name: tuple(values.shape) for name, values in state.items()} == listed


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("as_in_paper", [False, True])
def test_numpy_engine_equals_torch_on_random_input(decoder, as_in_paper):
    switches = {"rest_gate": 0.0, "warmup_frames": 0} if as_in_paper else {}
    bundle = random_bundle(ModelConfig(decoder=decoder, num_blendshapes=8, **switches))
    intensities = np.random.default_rng(1).uniform(0, 1, (90, 6))
    intensities[40:50] = 0
    motion = Engine(bundle).generate(intensities, bundle.config.model_rate)
    with torch.no_grad():
        twin = torch_twin(bundle)(torch.from_numpy(intensities[None].astype(np.float32)))
    assert np.abs(motion.skin).max() > 1.0
    np.testing.assert_allclose(motion.skin, twin.skin[:, 0].transpose(0, 1), atol=1e-4)
    np.testing.assert_allclose(motion.jaw, twin.jaw[0], atol=1e-5)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_numpy_engine_equals_torch_for_another_neutral(bidirectional):
    config = ModelConfig(
        num_blendshapes=8,
        expressions=("joy", "doubt"),
        bidirectional=bidirectional,
        follows_neutral=True,
        reads_lip_gap=True,
    )
    bundle = random_bundle(config)
    engine = Engine(bundle)
    intensities = np.random.default_rng(1).uniform(0, 1, (30, 2))
    neutral = bundle.template.vertices * np.array([1.3, 0.8, 1.0], np.float32)
    motion = engine.generate(intensities, config.model_rate, neutral, lip_gap=-0.7)
    signal = torch.from_numpy(intensities[None].astype(np.float32))
    with torch.no_grad():
        model = torch_twin(bundle)
        twin = model(signal, torch.from_numpy(engine.shapes_of(neutral)), torch.tensor([-0.7]))
        anybody = model(signal)
    np.testing.assert_allclose(motion.skin, twin.skin[:, 0].transpose(0, 1), atol=1e-4)
    np.testing.assert_allclose(motion.jaw, twin.jaw[0], atol=1e-5)
    assert torch.abs(twin.skin - anybody.skin).max() > 0.1
    mean = engine.generate(intensities, config.model_rate)
    np.testing.assert_allclose(mean.skin, anybody.skin[:, 0].transpose(0, 1), atol=1e-4)
    assert mean.neutral is None
    assert motion.neutral is neutral


def test_what_a_lip_gap_changes_is_in_proportion_to_it():
    model = torch_twin(random_bundle(ModelConfig(num_blendshapes=8, reads_lip_gap=True)))
    signal = torch.rand(1, 20, 6).expand(3, -1, -1)
    codes = model.encoder(signal, torch.tensor([0.0, 0.5, 1.0]))
    torch.testing.assert_close(codes[1] - codes[0], 0.5 * (codes[2] - codes[0]))
    assert torch.abs(codes[2] - codes[0]).max() > 0.01
    torch.testing.assert_close(codes[0], model.encoder(signal)[0])


def test_an_untrained_hybrid_is_its_blendshapes_alone():
    torch.manual_seed(0)
    model = ExpressionModel(ModelConfig(num_blendshapes=8), sphere_template().hierarchy)
    model.blendshapes.basis.normal_()
    codes = torch.randn(3, 64)
    assert torch.equal(model.decode(codes), model.blendshapes(codes))


def test_a_zero_signal_rests_exactly_in_a_batch_of_clips():
    model = torch_twin(random_bundle())
    signal = torch.rand(2, 20, 6)
    signal[0] = 0
    motion = model(signal)
    assert not motion.skin[:, 0].any()
    assert not motion.jaw[0].any()
    assert motion.skin[:, 1].any()


def test_a_clip_alone_moves_as_in_a_batch():
    model = torch_twin(random_bundle())
    signal = torch.rand(3, 20, 6)
    together, alone = model(signal).skin[:, 1], model(signal[1:2]).skin[:, 0]
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
