"""The displacement decoder in torch, and that its NumPy form is the same."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the torch decoder is tested where torch is installed")

from facegen_core.deformation_transfer import BasisTransfer  # noqa: E402
from facegen_core.models.displacement_config import displacement_weight_shapes  # noqa: E402
from facegen_core.models.displacement_decoder import (  # noqa: E402
    DisplacementDecoder,
    FaceOffsets,
    SpiralResidual,
)
from facegen_core.models.neutral_reading import NeutralReader  # noqa: E402
from tests.core.displacement_fixtures import (  # noqa: E402
    NUM_BLENDSHAPES,
    random_decoder,
    random_landmarks,
    random_neutral,
    smooth_basis,
)
from tests.core.test_displacement_inference import CONFIGS  # noqa: E402
from tests.sphere_template import sphere_template  # noqa: E402


@pytest.fixture(scope="module")
def template():
    return sphere_template()


@pytest.mark.parametrize("name", CONFIGS)
def test_the_weights_are_those_the_configuration_lists(template, name):
    hierarchy = template.hierarchy
    model = DisplacementDecoder(CONFIGS[name], hierarchy, NUM_BLENDSHAPES)
    length = hierarchy.levels[0].spirals.shape[1]
    shapes = displacement_weight_shapes(CONFIGS[name], hierarchy.sizes, length, NUM_BLENDSHAPES)
    assert {n: tuple(w.shape) for n, w in model.state_dict().items()} == shapes


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("num_frames", [1, 20])
def test_torch_and_numpy_agree_on_another_face(template, name, num_frames):
    config, neutral = CONFIGS[name], random_neutral(template)
    twin = random_decoder(config, template)
    model = DisplacementDecoder(config, template.hierarchy, NUM_BLENDSHAPES).eval()
    model.load_state_dict({n: torch.from_numpy(w) for n, w in twin.weights.items()})
    landmarks = random_landmarks(num_frames).astype(np.float32)
    transfer = BasisTransfer(template.vertices, template.triangles, smooth_basis(template))
    shapes, reader = transfer.to(neutral), NeutralReader(template, config)
    with torch.no_grad():
        skin, jaw = model(
            torch.from_numpy(landmarks),
            FaceOffsets.of([reader.offsets(neutral)]),
            torch.from_numpy(shapes),
            torch.from_numpy(reader.landmark_basis(shapes)),
        )
    found_skin, found_jaw = twin.decode(landmarks, neutral)
    assert np.abs(found_skin).max() > 0.1
    np.testing.assert_allclose(skin.numpy(), found_skin, atol=1e-4)
    np.testing.assert_allclose(jaw.numpy(), found_jaw, atol=1e-5)


@pytest.mark.parametrize("name", ["neutral", "landmarks", "none"])
def test_faces_of_a_batch_do_not_see_each_other(template, name):
    torch.manual_seed(0)
    model = SpiralResidual(CONFIGS[name], template.hierarchy, NUM_BLENDSHAPES).eval()
    reader = NeutralReader(template, CONFIGS[name])
    faces = [reader.offsets(random_neutral(template, seed)) for seed in (1, 2, 3)]
    landmarks = torch.from_numpy(random_landmarks(12).astype(np.float32)).reshape(3, 4, 68, 3)
    told = landmarks.flatten(2)[..., :NUM_BLENDSHAPES]
    with torch.no_grad():
        together = model(landmarks, told, FaceOffsets.of(faces))
        alone = [
            model(landmarks[i : i + 1], told[i : i + 1], FaceOffsets.of([face]))[:, 0]
            for i, face in enumerate(faces)
        ]
    assert together.shape == (template.num_vertices, 3, 4, 3)
    np.testing.assert_allclose(together, torch.stack(alone, dim=1), atol=1e-5)


@pytest.mark.parametrize("name", ["neutral", "landmarks", "none"])
def test_a_residual_starts_from_nothing_and_everything_in_it_learns(template, name):
    torch.manual_seed(0)
    model = SpiralResidual(CONFIGS[name], template.hierarchy, NUM_BLENDSHAPES)
    model.start_at_zero()
    reader = NeutralReader(template, CONFIGS[name])
    offsets = FaceOffsets.of([reader.offsets(random_neutral(template))])
    landmarks = torch.from_numpy(random_landmarks(6).astype(np.float32))[None]
    told = torch.randn(1, 6, NUM_BLENDSHAPES)
    assert not model(landmarks, told, offsets).any()
    torch.nn.init.normal_(model.convs[-1].weight)
    model(landmarks, told, offsets).square().sum().backward()
    # What is the same in every frame of a face drops out of the difference from rest.
    silent = {n for n, p in model.named_parameters() if not p.grad.any()}
    assert silent <= {f"convs.{len(model.convs) - 1}.bias"}
