"""The second generator in NumPy: seeds, rest, length, and the same numbers as torch."""

import dataclasses

import numpy as np
import pytest

from facegen_core.bundle import load_bundle, save_bundle
from facegen_core.conditioning import signal_features
from facegen_core.errors import BundleError, IntensityError
from facegen_core.landmark_inference import LandmarkEngine, Variation, draw_noise
from facegen_core.models.landmark_config import LandmarkGanConfig
from tests.core.model_fixtures import random_bundle, random_landmark_bundle

RATE = 30.0


def curves(num_frames: int, starts: tuple[int, ...] = (4,), length: int = 24) -> np.ndarray:
    """(T, 6): a rise, a hold and a fall from each start on, of one expression after another."""
    intensities = np.zeros((num_frames, 6))
    for i, start in enumerate(starts):
        shape = np.interp(
            np.arange(num_frames), start + length * np.array([0, 0.3, 0.7, 1.0]), [0, 1, 1, 0]
        )
        intensities[:, i % 6] = shape
    return intensities


@pytest.fixture(scope="module")
def engine():
    return LandmarkEngine(random_landmark_bundle())


def test_the_same_seed_makes_the_same_motion_and_another_another(engine):
    first = engine.generate(curves(40), RATE, None, Variation(3))
    again = engine.generate(curves(40), RATE, None, Variation(3))
    other = engine.generate(curves(40), RATE, None, Variation(4))
    assert np.array_equal(first.skin, again.skin)
    assert np.abs(first.skin - other.skin).max() > 0.05


def test_amount_0_is_one_motion_whatever_the_seed(engine):
    means = [engine.generate(curves(40), RATE, None, Variation(s, 0.0)).skin for s in (1, 2)]
    assert np.array_equal(*means)


def test_no_intensity_no_motion(engine):
    motion = engine.generate(curves(60), RATE, None, Variation(1))
    rests = ~curves(60).any(axis=1)
    assert not motion.skin[rests].any()
    assert not motion.jaw[rests].any()
    assert np.abs(motion.skin[~rests]).max() > 0.1
    assert not engine.generate(np.zeros((20, 6)), RATE).skin.any()


@pytest.mark.parametrize("num_frames", [12, 30, 75, 300, 600])
def test_any_length_from_rest_to_rest(engine, num_frames):
    asked = curves(num_frames, (1,), num_frames - 3)
    motion = engine.generate(asked, RATE, None, Variation(2))
    assert motion.skin.shape == (num_frames, engine._template.num_vertices, 3)
    assert np.isfinite(motion.skin).all()
    assert not motion.skin[[0, -1]].any()


def test_what_follows_a_clip_does_not_change_it(engine):
    short = engine.imagine(curves(45).astype(np.float32), None, Variation(5))
    longer = engine.imagine(curves(90).astype(np.float32), None, Variation(5))
    assert np.abs(longer[:30] - short[:30]).max() < 1e-4


def test_every_stretch_of_motion_has_noise_of_its_own():
    signal = curves(120, (5, 60))[:, :1] + curves(120, (5, 60))[:, 1:2]
    noise = draw_noise(signal, LandmarkGanConfig(noise_size=3), Variation(8))
    assert np.ptp(noise[:, 5:55], axis=1).max() == 0
    assert np.abs(noise[:, 20] - noise[:, 75]).max() > 0.1
    assert np.abs(noise).max() <= 2.0


def test_equal_to_torch(engine):
    torch = pytest.importorskip("torch", reason="parity needs torch")
    from facegen_core.models.landmark_gan import LandmarkGenerators

    bundle = random_landmark_bundle()
    config = bundle.landmark_model.generators
    twin = LandmarkGenerators(config, 6, bundle.config.rest_gate)
    named = bundle.landmark_model.part("generators")
    twin.load_state_dict({n: torch.as_tensor(w) for n, w in named.items()})
    signal = curves(75, (3, 40)).astype(np.float32)
    template = bundle.template
    neutral = template.vertices * np.array([1.1, 0.95, 1.0])
    landmarks = template.landmarks.positions(neutral, template.triangles).reshape(1, -1)
    face = engine._decoder.landmark_map(neutral)
    noise = draw_noise(signal, config, Variation(9, 1.2))
    with torch.no_grad():
        expected = twin(
            torch.from_numpy(signal_features(signal, RATE))[None],
            twin.neutral_code(torch.from_numpy(landmarks.astype(np.float32))),
            torch.from_numpy(noise)[None],
            torch.from_numpy(face)[None],
        )[-1][0]
    ours = engine.imagine(signal, neutral, Variation(9, 1.2))
    assert np.abs(ours.reshape(len(signal), -1) - expected.numpy()).max() < 1e-4
    assert np.abs(face - np.eye(204)).max() > 1e-3
    assert np.abs(ours).max() > 0.5


def test_a_bundle_keeps_both_generators(tmp_path, engine):
    bundle = random_landmark_bundle()
    save_bundle(bundle, tmp_path / "both.facegen")
    loaded = load_bundle(tmp_path / "both.facegen")
    assert loaded.landmark_model.generators == bundle.landmark_model.generators
    again = LandmarkEngine(loaded).generate(curves(30), RATE, None, Variation(1))
    # Bases are stored in steps, weights of the second generator in half precision.
    assert (
        np.abs(again.skin - engine.generate(curves(30), RATE, None, Variation(1)).skin).max() < 0.02
    )


def test_weights_that_do_not_fit_are_refused(tmp_path):
    bundle = random_landmark_bundle()
    weights = dict(bundle.landmark_model.weights)
    weights["generators.linear.weight"] = weights["generators.linear.weight"][:, :-1]
    model = dataclasses.replace(bundle.landmark_model, weights=weights)
    with pytest.raises(BundleError, match=r"linear\.weight"):
        save_bundle(dataclasses.replace(bundle, landmark_model=model), tmp_path / "x.facegen")
    assert not (tmp_path / "x.facegen").exists()


def test_a_bundle_of_the_first_generator_alone_says_so():
    with pytest.raises(BundleError, match="no varied motion"):
        LandmarkEngine(random_bundle())


def test_a_clip_shorter_than_the_coarsest_stage_is_refused(engine):
    with pytest.raises(IntensityError, match=r"needs a clip of 0\.3 to"):
        engine.generate(curves(9), RATE)


@pytest.mark.parametrize(("seed", "amount"), [(-1, 1.0), (0, -0.1), (0, 1.6), (0, float("nan"))])
def test_a_variation_out_of_range_is_refused(seed, amount):
    with pytest.raises(IntensityError, match="expected 0"):
        Variation(seed, amount)
