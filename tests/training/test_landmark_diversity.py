"""The spread of the truth given face and label, and sequences on one clock."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="statistics of labels live beside the trainer")

from tests.training.evaluation_fixtures import TwoAtOnce, toy_data  # noqa: E402
from training.datasets.ict import IctDataset  # noqa: E402
from training.evaluation.oracle import Oracle  # noqa: E402
from training.evaluation.questions import Labels, Question  # noqa: E402
from training.expression_model.recordings import MagnitudeStatistics, magnitude  # noqa: E402
from training.landmark_evaluation.clock import at_times, retimed, stretched  # noqa: E402
from training.landmark_evaluation.diversity import (  # noqa: E402
    Looked,
    RecordedVariety,
    SimulatedVariety,
    open_variety,
    pair_distance,
    true_diversity,
    true_landmark_diversity,
)


@pytest.fixture(scope="module")
def data():
    return toy_data()


@pytest.fixture
def performed(prepared_ict):
    """A prepared ICT set: its variety, and a question about one of its takes."""
    dataset = IctDataset(prepared_ict)
    takes = [s for s in dataset.subject_sequences(dataset.subjects[0]) if len(s.components) == 1]
    sizes = [magnitude(s.displacements(), s.marks, "proportional") for s in takes]
    count = len(dataset.expressions)
    statistics = MagnitudeStatistics((float(np.mean(sizes)),) * count, (0.5,) * count)
    labels = Labels(statistics, "proportional")
    oracle = Oracle(dataset, statistics, "proportional", num_draws=60)
    question = Question.about(takes[0], takes[0].displacements(), dataset.expressions)
    return SimulatedVariety(oracle, labels), question, dataset.template


def asked(data, sequence):
    return Question.about(sequence, sequence.displacements(), data.expressions)


def test_the_distance_of_pairs_is_the_mean_over_pairs_frames_and_points():
    motions = np.zeros((3, 5, 4, 3))
    motions[1, ..., 0] = 3.0
    motions[2, ..., 1] = 4.0
    assert pair_distance(motions) == pytest.approx((3 + 4 + 5) / 3)
    assert pair_distance(motions[:1]) == 0.0
    assert pair_distance(np.stack([motions[1]] * 4)) == 0.0


def test_simulated_people_differ_and_the_same_seed_is_the_same(performed):
    variety, question, template = performed
    looked = Looked(np.array([0, 10, 20]), np.arange(0, template.num_vertices, 2))
    first = true_diversity(question, variety, template, looked, num=8)
    assert first.landmarks_mm > 0
    assert first.skin_mm > 0
    assert first == true_diversity(question, variety, template, looked, num=8)
    assert first != true_diversity(question, variety, template, looked, num=8, seed=5)
    alone = true_landmark_diversity(question, variety, template, num=8)
    assert alone == pytest.approx(first.landmarks_mm)


def test_landmarks_of_a_performance_are_on_its_skin(performed):
    variety, question, template = performed
    frames = np.arange(question.sequence.num_frames)
    everywhere = Looked(frames, np.arange(template.num_vertices))
    drawn = variety.draw(question, template, everywhere, 4)
    seen = template.landmarks.positions(drawn.skin, template.triangles)
    np.testing.assert_allclose(drawn.landmarks, seen, atol=1e-4)


def test_drawn_performances_move_about_as_strongly_as_the_label_says(performed):
    variety, question, template = performed
    marks = question.sequence.marks
    frames = np.arange(question.sequence.num_frames)
    mine = magnitude(question.sequence.displacements(), marks, "proportional")
    everywhere = Looked(frames, np.arange(template.num_vertices))
    drawn = variety.draw(question, template, everywhere, 10).skin
    assert np.median([magnitude(m, marks, "proportional") for m in drawn]) == pytest.approx(
        mine, rel=0.25
    )


def test_other_takes_are_brought_to_marks_and_strength_of_the_question(data):
    sequence = data.sequences["test"][0]
    slower = replace(sequence, take=2, marks=2 + 1.7 * sequence.marks, strength=0.4)
    variety = RecordedVariety.of([sequence, slower])
    everywhere = Looked(np.arange(sequence.num_frames), np.arange(data.template.num_vertices))
    own, other = variety.draw(asked(data, sequence), data.template, everywhere).skin
    assert np.abs(own).max() > 1.0
    # Ramps that were sampled at other frames differ by less than a step between frames.
    np.testing.assert_allclose(own, other, atol=0.03 * np.abs(own).max())


def test_nothing_is_known_of_a_single_take_and_of_two_expressions(data):
    single, second = data.sequences["test"][:2]
    variety = RecordedVariety.of([single, second])
    looked = Looked(np.arange(3), np.arange(5))
    assert true_diversity(asked(data, single), variety, data.template, looked) is None
    both = asked(data, TwoAtOnce(single, second))
    assert true_landmark_diversity(both, variety, data.template) is None


def test_two_expressions_are_not_simulated(performed):
    variety, question, template = performed
    part = question.sequence.components[0]
    both = replace(question, sequence=replace(question.sequence, components=(part, part)))
    assert true_landmark_diversity(both, variety, template) is None


def test_variety_is_of_the_kind_of_the_set(data, performed):
    simulated = performed[0]
    assert isinstance(open_variety(data, simulated.labels, "test", 0), RecordedVariety)
    ict = replace(data, dataset=simulated.oracle.dataset)
    assert isinstance(open_variety(ict, simulated.labels, "test", 0), SimulatedVariety)


def test_a_motion_at_its_own_marks_is_itself(data):
    sequence = data.sequences["test"][0]
    motion, marks = sequence.displacements(), sequence.marks
    frames = np.arange(sequence.num_frames)
    np.testing.assert_allclose(retimed(motion, marks, marks, frames), motion, atol=1e-5)
    np.testing.assert_allclose(stretched(motion, len(motion)), motion, atol=1e-5)


def test_retimed_marks_meet_and_rest_stays_rest():
    motion = np.arange(41.0)[:, None]
    times = retimed(motion, [10.0, 20, 30, 35], [5.0, 9, 10, 30], np.arange(40))[:, 0]
    np.testing.assert_allclose(times[[5, 9, 10, 30]], [10, 20, 30, 35], atol=1e-4)
    assert (np.diff(times) >= 0).all()
    assert times[0] == pytest.approx(5)
    assert times[-1] == 40  # held where the motion ends


def test_a_phase_without_length_does_not_break_the_clock():
    times = retimed(np.arange(30.0)[:, None], [2.0, 8, 20, 20], [2.0, 6, 9, 9], np.arange(12))
    assert np.isfinite(times).all()
    assert times[6] == pytest.approx(8)


def test_stretching_keeps_both_ends_and_a_single_frame():
    motion = np.array([[0.0], [1.0], [4.0]])
    np.testing.assert_allclose(stretched(motion, 5)[:, 0], [0, 0.5, 1, 2.5, 4])
    np.testing.assert_allclose(at_times(motion[:1], np.array([0.0, 3.0]))[:, 0], [0, 0])
