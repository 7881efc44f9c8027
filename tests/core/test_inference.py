import dataclasses

import numpy as np
import pytest

from facegen_core.errors import BundleError, IntensityError
from facegen_core.inference import Engine
from facegen_core.intensity import Envelope, sample_envelopes
from facegen_core.models.config import ModelConfig, paper_config
from tests.core.model_fixtures import random_bundle


@pytest.fixture(scope="module")
def engine():
    return Engine(random_bundle())


def envelope_motion(engine: Engine, fps: float, seconds: float = 2.0):
    marks = np.array([0.2, 0.6, 1.0, 1.6]) * fps
    frames = np.arange(round(seconds * fps) + 1.0)
    return engine.generate(sample_envelopes([Envelope("sad", *marks)], frames), fps)


def test_zero_intensity_is_exactly_zero_motion(engine):
    motion = engine.generate(np.zeros((12, 6)), 30.0)
    assert motion.skin.shape == (12, engine.num_vertices, 3)
    assert not motion.skin.any()
    assert not motion.jaw.any()


def test_nothing_moves_before_the_onset_and_after_the_offset(engine):
    motion = envelope_motion(engine, 30.0)
    moves = np.abs(motion.skin).max(axis=(1, 2))
    assert not moves[:7].any()
    assert not moves[48:].any()
    assert moves[7:48].all()


def test_motion_starts_and_ends_small(engine):
    moves = np.abs(envelope_motion(engine, 60.0).skin).max(axis=(1, 2))
    assert moves[[13, 95]].max() < 0.6 * moves.max()


@pytest.mark.parametrize("fps", [24, 25, 60, 23.976])
def test_the_same_curves_at_another_frame_rate_are_the_same_motion(engine, fps):
    reference, other = envelope_motion(engine, 30.0), envelope_motion(engine, fps)
    times = np.arange(len(reference.skin)) / 30.0
    other_times = np.arange(len(other.skin)) / fps
    shared = [(i, round(t * fps)) for i, t in enumerate(times)]
    shared = [(i, j) for i, j in shared if j < len(other_times)]
    size = np.abs(reference.skin).max()
    for i, j in shared:
        if abs(other_times[j] - times[i]) < 2e-3:
            # Corners of the envelope are caught to half a frame: 3 % of the motion.
            assert np.abs(reference.skin[i] - other.skin[j]).max() < 0.03 * size


def test_a_longer_clip_begins_like_the_shorter_one(engine):
    intensities = np.random.default_rng(2).uniform(0, 1, (60, 6))
    long, short = engine.generate(intensities, 30.0), engine.generate(intensities[:40], 30.0)
    np.testing.assert_allclose(long.skin[:40], short.skin, atol=1e-5)


def test_a_single_frame_is_enough(engine):
    motion = engine.generate(np.full((1, 6), 0.5), 24.0)
    assert motion.num_frames == 1
    assert np.isfinite(motion.skin).all()


def test_many_frames_equal_the_same_frames_one_chunk_at_a_time(engine):
    codes = np.random.default_rng(0).normal(size=(150, 64)).astype(np.float32)
    whole = engine.decode(codes)
    parts = np.concatenate([engine.decode(codes[i : i + 10]) for i in range(0, 150, 10)])
    np.testing.assert_allclose(whole, parts, atol=1e-4)


@pytest.mark.parametrize(
    "intensities",
    [np.zeros((0, 6)), np.zeros((5, 5)), np.full((5, 6), 1.5), np.full((5, 6), np.nan)],
)
def test_senseless_curves_are_refused(engine, intensities):
    with pytest.raises(IntensityError):
        engine.generate(intensities, 30.0)


def test_intensities_and_weights_are_left_alone(engine):
    intensities = np.random.default_rng(3).uniform(0, 1, (10, 6))
    before = intensities.copy()
    engine.generate(intensities, 24.0)
    assert np.array_equal(before, intensities)


def test_the_paper_configuration_runs_without_gate_and_warm_up():
    engine = Engine(random_bundle(paper_config()))
    assert np.all(engine.rest_gate(np.zeros((3, 6))) == 1)
    assert np.isfinite(engine.generate(np.zeros((5, 6)), 24.0).skin).all()


def test_decoders_differ_only_in_their_parts():
    hybrid = random_bundle(ModelConfig(num_blendshapes=8))
    codes = np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32)
    parts = np.zeros((4, hybrid.template.num_vertices, 3))
    for decoder in ("blendshape", "spiral"):
        config = dataclasses.replace(hybrid.config, decoder=decoder)
        parts += Engine(dataclasses.replace(hybrid, config=config)).decode(codes)
    np.testing.assert_allclose(Engine(hybrid).decode(codes), parts, atol=1e-4)


def test_a_model_whose_numbers_leave_float32_is_refused():
    bundle = random_bundle()
    huge = {name: np.full_like(values, 1e6) for name, values in bundle.weights.items()}
    with pytest.raises(BundleError, match="no face can make"), np.errstate(all="ignore"):
        Engine(dataclasses.replace(bundle, weights=huge)).generate(np.ones((5, 6)), 30.0)
