"""The displacement decoder in NumPy: what it promises, and what it refuses."""

import numpy as np
import pytest

from facegen_core.displacement_inference import DisplacementDecoder
from facegen_core.errors import BundleError, LandmarkError, TopologyMismatchError
from facegen_core.models.displacement_config import DisplacementDecoderConfig, attended_sizes
from facegen_core.models.neutral_reading import head_gain
from tests.core.displacement_fixtures import (
    random_decoder,
    random_landmarks,
    random_neutral,
    random_weights,
    smooth_basis,
)
from tests.sphere_template import sphere_template

CONFIGS = {
    "neutral": DisplacementDecoderConfig(),
    "landmarks": DisplacementDecoderConfig(attention="landmarks", attention_levels=3),
    "none": DisplacementDecoderConfig(attention="none"),
    "head alone": DisplacementDecoderConfig(residual=False),
    "residual alone": DisplacementDecoderConfig(linear_head=False),
}


@pytest.fixture(scope="module")
def template():
    return sphere_template()


@pytest.mark.parametrize("name", CONFIGS)
def test_landmarks_at_rest_leave_everything_exactly_where_it_is(template, name):
    decoder = random_decoder(CONFIGS[name], template)
    landmarks = random_landmarks(5)
    landmarks[[0, 3]] = 0.0
    skin, jaw = decoder.decode(landmarks, random_neutral(template))
    assert skin.shape == (5, template.num_vertices, 3)
    assert jaw.shape == (5, 6)
    assert not skin[[0, 3]].any()
    assert not jaw[[0, 3]].any()
    assert skin[[1, 2, 4]].any(axis=(1, 2)).all()


@pytest.mark.parametrize("name", CONFIGS)
def test_motion_fades_in_from_rest(template, name):
    decoder = random_decoder(CONFIGS[name], template)
    neutral, landmarks = random_neutral(template), random_landmarks(1)
    full, _ = decoder.decode(landmarks, neutral)
    little, _ = decoder.decode(1e-4 * landmarks, neutral)
    assert 0 < np.abs(little).max() < 2e-3 * np.abs(full).max()


@pytest.mark.parametrize("name", CONFIGS)
def test_frames_are_decoded_one_by_one(template, name):
    decoder = random_decoder(CONFIGS[name], template)
    landmarks = random_landmarks(40)
    together, jaws = decoder.decode(landmarks)
    for frame in (0, 17, 39):
        skin, jaw = decoder.decode(landmarks[[frame]])
        np.testing.assert_allclose(skin[0], together[frame], atol=1e-4)
        np.testing.assert_allclose(jaw[0], jaws[frame], atol=1e-5)


def test_where_the_neutral_stands_does_not_matter(template):
    decoder = random_decoder(CONFIGS["neutral"], template)
    landmarks, neutral = random_landmarks(3), random_neutral(template)
    here, jaw = decoder.decode(landmarks, neutral)
    there, moved_jaw = decoder.decode(landmarks, neutral + [12.0, -30.0, 5.0])
    np.testing.assert_allclose(here, there, atol=1e-3)
    np.testing.assert_allclose(jaw, moved_jaw, atol=1e-4)


@pytest.mark.parametrize("name", ["neutral", "landmarks"])
def test_attention_makes_the_residual_differ_between_faces(template, name):
    config = CONFIGS[name]
    decoder, blind = (random_decoder(c, template) for c in (config, CONFIGS["none"]))
    landmarks = random_landmarks(2)
    faces = [random_neutral(template, seed) for seed in (6, 7)]
    told = np.zeros((2, 5), np.float32)
    seen = [decoder._residual(landmarks, told, decoder._face_of(f)[0]) for f in faces]
    unseen = [blind._residual(landmarks, told, blind._face_of(f)[0]) for f in faces]
    assert np.abs(seen[0] - seen[1]).max() > 1e-3
    assert np.array_equal(*unseen)


def test_the_head_finds_the_coefficients_of_sure_landmarks(template):
    rng = np.random.default_rng(0)
    basis = rng.normal(size=(5, 204))
    factor = rng.normal(size=(5, 5))
    truth = rng.normal(size=(7, 5)) @ factor.T
    gain = head_gain(factor, np.full(204, 1e-4), 0.0, basis)
    np.testing.assert_allclose(truth @ basis @ gain.T, truth, atol=1e-3)


def test_the_head_is_the_regularised_least_squares_fit():
    rng = np.random.default_rng(1)
    basis, factor = rng.normal(size=(4, 204)), rng.normal(size=(4, 4))
    noise, seen = rng.uniform(0.5, 2.0, 204), rng.normal(size=204)
    rows = np.concatenate([(basis / np.hypot(noise, 0.3)).T, np.linalg.inv(factor)])
    right = np.concatenate([seen / np.hypot(noise, 0.3), np.zeros(4)])
    expected = np.linalg.lstsq(rows, right, rcond=None)[0]
    found = head_gain(factor, noise, 0.3, basis) @ seen
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_another_engine_may_lend_the_carried_basis(template):
    asked = []

    def transfer(neutral):
        asked.append(neutral)
        return 2.0 * smooth_basis(template)

    lent = random_decoder(CONFIGS["head alone"], template, transfer=transfer)
    neutral, landmarks = random_neutral(template), random_landmarks(2)
    first, _ = lent.decode(landmarks, neutral)
    again, _ = lent.decode(landmarks, neutral.copy())
    assert len(asked) == 1, "the basis of a face is carried once"
    assert np.array_equal(first, again)
    lent.decode(landmarks, random_neutral(template, 9))
    assert len(asked) == 2


@pytest.mark.parametrize(
    "landmarks", [np.zeros((2, 51, 3)), np.zeros((68, 3)), np.zeros((2, 204)), np.zeros((2, 68, 2))]
)
def test_wrong_landmarks_are_refused_in_a_sentence(template, landmarks):
    decoder = random_decoder(CONFIGS["neutral"], template)
    with pytest.raises(LandmarkError, match=r"expected \(frames, 68, 3\).*got"):
        decoder.decode(landmarks)


def test_landmarks_that_are_not_finite_are_refused(template):
    landmarks = random_landmarks(4)
    landmarks[2, 5, 1] = np.nan
    with pytest.raises(LandmarkError, match="frame 2 is not finite"):
        random_decoder(CONFIGS["neutral"], template).decode(landmarks)


def test_a_neutral_of_another_topology_is_refused(template):
    with pytest.raises(TopologyMismatchError, match="fit the template"):
        random_decoder(CONFIGS["neutral"], template).decode(random_landmarks(1), np.zeros((9, 3)))


def test_no_frames_are_no_motion(template):
    skin, jaw = random_decoder(CONFIGS["neutral"], template).decode(np.zeros((0, 68, 3)))
    assert skin.shape == (0, template.num_vertices, 3)
    assert jaw.shape == (0, 6)


@pytest.mark.parametrize("change", ["missing", "extra", "shape"])
def test_weights_that_do_not_fit_are_refused_by_name(template, change):
    config = CONFIGS["neutral"]
    weights = random_weights(config, template)
    name = "residual.expand.bias" if change != "extra" else "residual.more"
    if change == "missing":
        del weights[name]
    else:
        weights[name] = np.zeros(7, np.float32)
    with pytest.raises(BundleError, match=name):
        DisplacementDecoder(template, config, weights, smooth_basis(template))


@pytest.mark.parametrize(
    ("config", "sizes", "named"),
    [
        (DisplacementDecoderConfig(attention_levels=4), (9000, 3000, 800, 90, 20), "3000 vertices"),
        (DisplacementDecoderConfig(heads=5), (900, 300, 80, 90, 20), "heads: 5"),
        (DisplacementDecoderConfig(attention_levels=0), (900, 300, 80, 90, 20), "1 to 4, got 0"),
        (DisplacementDecoderConfig(), (900, 300), "4 need 5 levels"),
    ],
)
def test_a_decoder_that_cannot_be_is_refused(config, sizes, named):
    with pytest.raises(ValueError, match=named):
        attended_sizes(config, sizes)
