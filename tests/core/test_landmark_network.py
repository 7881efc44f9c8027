import dataclasses

import numpy as np
import pytest

from facegen_core.bundle import load_bundle, save_bundle, write_arrays
from facegen_core.errors import BundleError
from facegen_core.landmark_network import CONVOLUTIONS, LandmarkNetwork, network_shapes
from facegen_core.template_arrays import template_hash
from tests.core.model_fixtures import random_bundle


def random_weights(seed=0):
    rng = np.random.default_rng(seed)
    return {
        name: rng.normal(0.0, 1.0 / np.sqrt(max(np.prod(shape[1:]), 1)), shape)
        for name, shape in network_shapes().items()
    }


@pytest.fixture
def saved(tmp_path):
    bundle, path = random_bundle(), tmp_path / "with.facegen"
    template = dataclasses.replace(bundle.template, landmark_detector=random_weights())
    save_bundle(dataclasses.replace(bundle, template=template), path)
    return path


def refusal_after(path, change):
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    change(arrays)
    write_arrays(path, arrays)
    with pytest.raises(BundleError) as caught:
        load_bundle(path)
    assert str(caught.value).endswith(".")
    return str(caught.value)


def test_a_network_answers_as_many_pictures_as_it_gets_and_each_for_itself():
    network = LandmarkNetwork(random_weights())
    images = np.random.default_rng(1).normal(size=(3, 4, 64, 64))
    together, alone = network(images), network(images[1:2])
    assert together.landmarks.shape == (3, 68, 3)
    assert ((together.scores > 0) & (together.scores < 1)).all()
    assert (together.errors > 0).all()
    np.testing.assert_allclose(alone.landmarks[0], together.landmarks[1], atol=1e-4)


def test_the_network_is_small_enough_for_every_machine():
    """Four million numbers would be eight megabytes of the bundle; it has an eighth of them."""
    assert sum(np.prod(shape) for shape in network_shapes().values()) < 1_000_000
    assert all(size in (1, 3) for _, _, size, _ in CONVOLUTIONS.values())


def test_a_detector_comes_back_in_half_precision_and_leaves_the_hash_alone(saved):
    template = load_bundle(saved).template
    assert template_hash(template) == template_hash(random_bundle().template)
    for name, values in random_weights().items():
        np.testing.assert_allclose(template.landmark_detector[name], values, rtol=1e-3, atol=1e-6)


def test_a_bundle_without_a_detector_still_loads(tmp_path):
    save_bundle(random_bundle(), tmp_path / "without.facegen")
    assert load_bundle(tmp_path / "without.facegen").template.landmark_detector is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.pop("template/landmark_detector/stem.bias"), "stem.bias"),
        (lambda a: a.update({"template/landmark_detector/more": np.zeros(3)}), "more"),
        (
            lambda a: a.update({"template/landmark_detector/score.bias": np.zeros(3)}),
            "expected the shape",
        ),
        (
            lambda a: a["template/landmark_detector/score.bias"].fill(np.nan),
            "not finite",
        ),
        (
            lambda a: a.update({"template/landmark_detector/version": np.array(99)}),
            "version 99",
        ),
        (lambda a: a.pop("template/landmark_detector/version"), "version unknown"),
    ],
)
def test_a_damaged_detector_is_refused_in_one_sentence(saved, change, words):
    assert words in refusal_after(saved, change)
