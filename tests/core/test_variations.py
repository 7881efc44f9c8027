"""Variations of one motion: as pictures to choose by, and as clips, however long the take."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from facegen_core import pipeline, preview
from facegen_core.bundle import Bundle, load_bundle
from facegen_core.errors import BundleError, CancelledError, IntensityError
from facegen_core.intensity import EXPRESSIONS, Envelope, sample_envelopes
from facegen_core.landmark_inference import LandmarkEngine, Variation
from facegen_core.registration.alignment import Alignment
from tests.blender.in_blender.toy_variations import with_variations
from tests.core.sample_head import aligned_sample_head

BUNDLE = Path(__file__).parents[2] / "blender_addon" / "assets" / "default.facegen"
SMILE = sample_envelopes([Envelope("happy", 1, 10, 20, 30)], np.arange(36.0))
SEEDS = (0, 5, 9)


@pytest.fixture(scope="module")
def steady() -> Bundle:
    """A bundle of the first generator alone."""
    bundle = load_bundle(BUNDLE)
    return Bundle(bundle.template, bundle.weights, bundle.config, bundle.header)


@pytest.fixture(scope="module")
def bundle(steady) -> Bundle:
    """One of both: the shipped one where it is, else one with a toy beside the first."""
    shipped = load_bundle(BUNDLE)
    if shipped.landmark_model is not None:
        return shipped
    return with_variations(steady, lambda name: importlib.import_module(f"facegen_core.{name}"))


@pytest.fixture(scope="module")
def alignment(bundle) -> Alignment:
    return aligned_sample_head(bundle)


@pytest.fixture(scope="module")
def pictures(alignment, bundle) -> np.ndarray:
    return pipeline.variations(alignment, SMILE, 30.0, bundle, SEEDS)


def test_every_seed_has_moving_pictures_of_the_face(pictures):
    frames = preview.picture_frames(SMILE, 30.0)
    size = preview.NUM_PIXELS
    assert pictures.shape == (len(SEEDS), len(frames), size, size, 4)
    assert pictures.dtype == np.uint8
    apex = preview.apex_picture(SMILE[frames])
    for one in pictures:
        assert np.abs(one[apex].astype(int) - one[0]).mean() > 1.0


def test_all_begin_and_end_at_rest_and_differ_between(pictures):
    for moment in (0, -1):
        np.testing.assert_array_equal(pictures[:, moment], pictures[:1, 0].repeat(3, axis=0))
    middle = pictures[:, pictures.shape[1] // 2].astype(int)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert (middle[i] != middle[j]).any(axis=2).mean() > 0.02


def test_the_same_seed_looks_the_same_wherever_it_stands(alignment, bundle, pictures):
    again = pipeline.variations(alignment, SMILE, 30.0, bundle, SEEDS[1:2])
    np.testing.assert_array_equal(again[0], pictures[1])


def test_amount_0_is_one_motion_for_all_seeds(alignment, bundle):
    same = pipeline.variations(alignment, SMILE, 30.0, bundle, (3, 4), amount=0.0)
    np.testing.assert_array_equal(same[0], same[1])


def test_frames_that_are_asked_for_are_those_of_the_whole_motion(bundle):
    engine, some = LandmarkEngine(bundle), np.array([0, 7, 8, 19])
    whole = engine.generate(SMILE, 24.0, None, Variation(2))
    part = engine.generate(SMILE, 24.0, None, Variation(2), some)
    np.testing.assert_allclose(part.skin, whole.skin[some], atol=1e-4)
    np.testing.assert_allclose(part.jaw, whole.jaw[some], atol=1e-5)


def test_pictures_of_another_size(alignment, bundle):
    large = pipeline.variations(alignment, SMILE, 30.0, bundle, (0,), num_pixels=120)
    assert large.shape[2:] == (120, 120, 4)


def test_progress_names_the_variation_and_cancel_stops(alignment, bundle):
    heard = []

    def press_escape(fraction: float, message: str) -> None:
        heard.append((fraction, message))
        if "2 of 3" in message:
            raise CancelledError

    with pytest.raises(CancelledError):
        pipeline.variations(alignment, SMILE, 30.0, bundle, SEEDS, progress=press_escape)
    assert [fraction for fraction, _ in heard] == sorted(fraction for fraction, _ in heard)
    assert "3 of 3" not in heard[-1][1]


@pytest.mark.parametrize(
    ("curves", "seeds", "amount", "words"),
    [
        (SMILE, (0,), 1.6, "0 to 1.5"),
        (SMILE, (-1,), 1.0, "seed"),
        (SMILE[:9], (0,), 1.0, "needs a clip"),
        (SMILE[:0], (0,), 1.0, "empty"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(
    alignment, bundle, curves, seeds, amount, words
):
    with pytest.raises(IntensityError, match=words):
        pipeline.variations(alignment, curves, 30.0, bundle, seeds, amount)


def test_a_bundle_of_the_first_generator_alone_is_refused(alignment, steady):
    with pytest.raises(BundleError, match="no varied motion"):
        pipeline.variations(alignment, SMILE, 30.0, steady)
    with pytest.raises(BundleError, match="no varied motion"):
        pipeline.generate(alignment, SMILE, 30.0, steady, generator="lm4dgan")


def test_a_long_take_rests_exactly_wherever_the_curves_do(alignment, bundle):
    """A take of many expressions: no drift, and few shapes within the tolerance."""
    events = [
        Envelope(EXPRESSIONS[k % 6], 4 + 30 * k, 12 + 30 * k, 18 + 30 * k, 28 + 30 * k, 0.8)
        for k in range(4)
    ]
    curves = sample_envelopes(events, np.arange(130.0))
    clip = pipeline.generate(
        alignment, curves, 30.0, bundle, generator="lm4dgan", variation=Variation(4)
    )
    at_rest = ~curves.any(axis=1)
    assert at_rest.sum() > 10
    assert at_rest[-5:].all()
    assert not clip.displacements[at_rest].any()
    assert np.isfinite(clip.displacements).all()
    largest = np.abs(clip.displacements).max(axis=(1, 2))
    firsts = largest[[15 + 30 * k for k in range(4)]]
    assert (firsts * clip.mm_per_unit > 1.0).all()
    shapes = pipeline.bake(clip, "compact", 0.1)
    assert shapes.max_error * clip.mm_per_unit <= 0.1
    assert shapes.num_shapes < 30
