"""The oracle knows label and face, and nothing else."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="statistics of labels live beside the trainer")

from training.datasets.ict import IctDataset  # noqa: E402
from training.evaluation.oracle import Oracle  # noqa: E402
from training.expression_model.face_bases import FaceBases  # noqa: E402
from training.expression_model.recordings import compute_basis, magnitude_statistics, record  # noqa: E402


@pytest.fixture
def sequences(prepared_ict):
    dataset = IctDataset(prepared_ict)
    takes = [s for name in dataset.subjects for s in dataset.subject_sequences(name)]
    return dataset, [s for s in takes if len(s.components) == 1]


@pytest.fixture
def statistics(sequences):
    dataset, takes = sequences
    basis = compute_basis(takes, 8, 60, np.random.default_rng(0))
    bases = FaceBases(dataset.template, basis.shapes, follows=False)
    recordings = record(takes, bases, dataset.expressions, "proportional")
    return magnitude_statistics(recordings, len(dataset.expressions)), recordings


def amplitudes_of(statistics, recordings):
    parts = [r.components[0] for r in recordings]
    return [statistics.amplitude(p.expression, p.magnitude, "proportional") for p in parts]


def test_expected_motion_is_nearer_than_rest_and_than_another_take(sequences, statistics):
    dataset, takes = sequences
    oracle = Oracle(dataset, statistics[0], "proportional", num_draws=60)
    errors = {"oracle": [], "rest": [], "other": []}
    for take, amplitude in zip(takes, amplitudes_of(*statistics), strict=True):
        frames = np.arange(int(take.marks[1]), int(take.marks[2]) + 1)
        truth = take.displacements(frames)
        drawn, _ = oracle._draw(take)
        other = dataset.shapes(take.subject).linear(drawn[0, frames])
        expected = oracle.expected(take, amplitude, frames)
        for name, motion in (("oracle", expected), ("rest", 0 * truth), ("other", other)):
            errors[name].append(np.linalg.norm(motion - truth, axis=2).mean())
    means = {name: np.mean(values) for name, values in errors.items()}
    assert means["oracle"] < 0.5 * means["rest"]
    assert means["oracle"] < 0.85 * means["other"]


def test_expected_motion_rests_outside_the_marks_and_is_the_same_again(sequences, statistics):
    dataset, takes = sequences
    frames = np.arange(takes[0].num_frames)
    first, second = (
        Oracle(dataset, statistics[0], "proportional", num_draws=20).expected(takes[0], 0.7, frames)
        for _ in range(2)
    )
    assert np.array_equal(first, second)
    outside = (frames <= takes[0].marks[0]) | (frames >= takes[0].marks[3])
    assert not first[outside].any()
    assert first[~outside].any()


def test_a_stronger_label_expects_more_motion(sequences, statistics):
    dataset, takes = sequences
    oracle = Oracle(dataset, statistics[0], "proportional", num_draws=100)
    frames = np.array([int(np.mean(takes[0].marks[1:3]))])
    channel = dataset.expressions.index(takes[0].expression)
    weakest = statistics[0].amplitude(channel, 0.0, "proportional")
    weak, strong = (np.abs(oracle.expected(takes[0], a, frames)).mean() for a in (weakest, 1.0))
    assert weak < strong
