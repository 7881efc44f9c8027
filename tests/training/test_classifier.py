import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from training.evaluation.classifier import (  # noqa: E402
    Scores,
    classify,
    score_systems,
    train_classifier,
)

NUM_CLASSES, NUM_FRAMES, NUM_COEFFICIENTS = 3, 10, 4


def ramps(num_each: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sequences in which a coefficient of the class's own rises; (S, N, K) and (S,) classes."""
    rng = np.random.default_rng(seed)
    classes = np.repeat(np.arange(NUM_CLASSES), num_each)
    features = 0.1 * rng.normal(size=(len(classes), NUM_FRAMES, NUM_COEFFICIENTS))
    rise = np.linspace(0, 2, NUM_FRAMES)
    features[np.arange(len(classes)), :, classes] += rise
    return features.astype(np.float32), classes


def test_scores_by_hand():
    truth = np.array([0, 0, 0, 1, 1, 2])
    predicted = np.array([0, 0, 1, 1, 0, 0])
    scores = Scores.of(predicted, truth, 3)
    np.testing.assert_allclose(scores.precision, [2 / 4, 1 / 2, 0])
    np.testing.assert_allclose(scores.recall, [2 / 3, 1 / 2, 0])
    np.testing.assert_allclose(scores.f1, [4 / 7, 1 / 2, 0], atol=1e-9)
    np.testing.assert_allclose(scores.table()[2], [4 / 7, 1 / 2, 0, (4 / 7 + 1 / 2) / 3])


def test_the_classifier_is_three_dense_layers_on_all_frames_at_once():
    model = train_classifier(*ramps(2, 0), NUM_CLASSES, seed=1)
    shapes = [tuple(m.weight.shape) for m in model if isinstance(m, torch.nn.Linear)]
    assert shapes == [(512, NUM_FRAMES * NUM_COEFFICIENTS), (128, 512), (NUM_CLASSES, 128)]


def test_it_names_what_is_plain_to_see_in_sequences_it_has_not_seen():
    model = train_classifier(*ramps(40, 0), NUM_CLASSES, seed=1)
    features, classes = ramps(10, 1)
    assert (classify(model, features) == classes).mean() > 0.95


def test_the_same_seed_trains_the_same_classifier_and_leaves_the_global_generator_alone():
    before = torch.random.get_rng_state()
    first, second, other = (train_classifier(*ramps(5, 0), NUM_CLASSES, seed) for seed in (4, 4, 5))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first[0].weight, second[0].weight)
    assert not torch.equal(first[0].weight, other[0].weight)


def test_systems_are_scored_against_the_same_classes_and_spread_over_trainings():
    features, classes = ramps(10, 1)
    tests = {"truth": features, "still": np.zeros_like(features)}
    scores = score_systems(ramps(40, 0), tests, classes, NUM_CLASSES, seeds=range(3))
    assert scores["truth"].means[2, -1] > 0.95
    # One class for everything: recall 1 for one of three, precision a third.
    assert scores["still"].means[1, -1] == pytest.approx(1 / 3)
    assert scores["still"].means[0, -1] == pytest.approx(1 / 9)
    assert scores["still"].deviations.shape == (3, NUM_CLASSES + 1)
