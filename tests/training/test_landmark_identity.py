"""Whose motion is it, where the answer is known."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="questions are told as training tells them")

from tests.training.evaluation_fixtures import toy_data  # noqa: E402
from training.datasets.ict import IctDataset  # noqa: E402
from training.evaluation.oracle import Oracle  # noqa: E402
from training.evaluation.reference import read_reference  # noqa: E402
from training.landmark_evaluation.cases import face_points  # noqa: E402
from training.landmark_evaluation.identity import (  # noqa: E402
    on_phases,
    phase_times,
    recognise,
    recognition_of,
    swap_cosines,
    swap_of,
)
from training.landmark_evaluation.identity_faces import read_faces  # noqa: E402
from training.landmark_evaluation.identity_trial import best_possible, examine_identity  # noqa: E402

NUM_PEOPLE = 12


@pytest.fixture(scope="module")
def data():
    return toy_data()


@pytest.fixture(scope="module")
def reference(data):
    return read_reference(data, 10, 0)


def people(seed=0, count=NUM_PEOPLE):
    """Motions (N, P, 3) that differ from person to person."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(18, 30, 3))
    return [(common + 0.3 * rng.normal(size=common.shape)).astype(np.float32) for _ in range(count)]


class Player:
    """A system that gives everyone their own motion out of a list, or of somebody else's."""

    is_random = False

    def __init__(self, faces, pick):
        self._of = {
            question.sequence.name: (group, pick(k, len(group.questions)))
            for group in faces
            for k, question in enumerate(group.questions)
        }

    def landmarks(self, question, seed):
        group, k = self._of[question.sequence.name]
        times = phase_times(question.sequence.marks, question.sequence.num_frames)
        rows = np.abs(times[None] - np.arange(question.sequence.num_frames)[:, None]).argmin(axis=1)
        return group.expected[k].landmarks[rows]

    def skin(self, question, landmarks, frames):
        group, k = self._of[question.sequence.name]
        skin = np.zeros((len(frames), self.num_vertices, 3), np.float32)
        skin[:, self.points] = group.expected[k].skin
        return skin


def test_the_truth_is_recognised_first_of_all():
    gallery = people()
    found = recognition_of(recognise(gallery, range(NUM_PEOPLE), gallery), NUM_PEOPLE)
    assert (found.top1, found.top5, found.mean_rank) == (1.0, 1.0, 1.0)


def test_strength_tells_nothing_and_rest_is_nobody():
    gallery = people()
    louder = [7.0 * motion for motion in gallery]
    assert recognise(louder, range(NUM_PEOPLE), gallery) == [1.0] * NUM_PEOPLE
    still = [0 * gallery[0]] * NUM_PEOPLE
    ranks = recognise(still, range(NUM_PEOPLE), gallery)
    assert np.mean(ranks) == pytest.approx(recognition_of(ranks, NUM_PEOPLE).chance_rank)


def test_one_motion_for_everyone_is_right_once_in_as_many():
    gallery = people()
    found = recognition_of(
        recognise([gallery[3]] * NUM_PEOPLE, range(NUM_PEOPLE), gallery), NUM_PEOPLE
    )
    assert found.top1 == pytest.approx(found.chance_top1)
    assert found.top5 == pytest.approx(found.chance_top5)
    assert found.mean_rank == pytest.approx(found.chance_rank)


def test_people_who_were_shuffled_are_at_chance():
    gallery = people()
    ranks = []
    for seed in range(30):
        order = np.random.default_rng(seed).permutation(NUM_PEOPLE)
        ranks += recognise([gallery[k] for k in order], range(NUM_PEOPLE), gallery)
    found = recognition_of(ranks, NUM_PEOPLE)
    assert found.top1 == pytest.approx(found.chance_top1, abs=0.05)
    assert found.mean_rank == pytest.approx(found.chance_rank, abs=0.6)


def test_people_who_move_alike_cannot_be_told_apart():
    alike = [people()[0]] * 5
    assert recognise(alike, range(5), alike) == [3.0] * 5


def test_differences_that_point_the_right_way_have_cosine_one():
    true = people(count=6)
    assert swap_cosines(true, true) == pytest.approx(np.ones(15))
    common = np.full_like(true[0], 2.0)
    shifted = [common - 0.5 * motion for motion in true]  # the same for all, and the opposite
    assert swap_cosines(shifted, true) == pytest.approx(-np.ones(15))
    assert swap_of(swap_cosines(true, true)).positive_share == 1.0


def test_a_system_that_ignores_the_face_has_cosine_zero():
    true = people(count=6)
    assert not swap_cosines([true[0]] * 6, true).any()
    strangers = swap_cosines(people(seed=9, count=6), true)
    assert abs(strangers.mean()) < 0.1


def test_motion_is_compared_on_the_clock_of_its_phases():
    ramp = np.interp(np.arange(60), [5, 20, 30, 50], [0, 1, 1, 0])[:, None, None]
    slow = np.interp(np.arange(120), [10, 40, 60, 100], [0, 1, 1, 0])[:, None, None]
    first, second = on_phases(ramp, [5, 20, 30, 50]), on_phases(slow, [10, 40, 60, 100])
    np.testing.assert_allclose(first, second, atol=1e-6)
    assert first[6:12].min() == pytest.approx(1.0)


def test_all_faces_are_asked_the_same(data, reference):
    points = face_points(data.template.regions["face"])
    sequences = data.sequences["test"]
    faces = read_faces(sequences, data.expressions, data.template, points, reference, None)
    assert [group.expression for group in faces] == list(data.expressions)
    for group in faces:
        first, second = group.questions
        assert not group.is_simulated
        signals = [reference.labels.signal(q) for q in (first, second)]
        np.testing.assert_array_equal(*signals)
        assert first.sequence.subject != second.sequence.subject
        assert first.strength == "fixed"


def test_recorded_motions_are_recognised_as_those_of_their_people(data, reference):
    points = face_points(data.template.regions["face"])
    sequences = data.sequences["test"]
    faces = read_faces(sequences, data.expressions, data.template, points, reference, None)
    for step, rank in ((0, 1.0), (1, 2.0)):
        player = Player(faces, lambda k, count, step=step: (k + step) % count)
        player.points, player.num_vertices = points, data.template.num_vertices
        found = examine_identity(player, faces, points, [0])
        assert found.recognition.mean_rank == rank
        assert found.recognition.num_probes == 2 * len(data.expressions)
        assert found.expected is None
    assert best_possible(faces) is None


def test_simulated_faces_are_known_by_their_expected_motion(prepared_ict, reference):
    dataset = IctDataset(prepared_ict)
    template = dataset.template
    takes = [s for name in dataset.subjects for s in dataset.subject_sequences(name)]
    points = face_points(np.ones(template.num_vertices))
    oracle = Oracle(dataset, reference.labels.statistics, "proportional", num_draws=20)
    faces = read_faces(takes, dataset.expressions, template, points, reference, oracle)
    own, other = (
        Player(faces, pick) for pick in (lambda k, count: k, lambda k, count: (k + 1) % count)
    )
    for player in (own, other):
        player.points, player.num_vertices = points, template.num_vertices
    right, wrong = (examine_identity(p, faces, points, [0]) for p in (own, other))
    assert right.expected.top1 == 1.0
    assert wrong.expected.top1 == 0.0
    assert right.swap.cosine == pytest.approx(1.0, abs=1e-4)
    assert wrong.swap.cosine < 0.5
    assert best_possible(faces).num_probes == right.recognition.num_probes


def test_a_take_of_one_person_alone_has_no_identity_test(data, reference):
    points = face_points(data.template.regions["face"])
    alone = [s for s in data.sequences["test"] if s.subject == "S009"]
    alone = [replace(s) for s in alone]
    assert read_faces(alone, data.expressions, data.template, points, reference, None) == []
