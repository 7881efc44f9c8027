import numpy as np
import pytest

from training.expression_model.schedule import Schedule, schedule_of
from training.expression_model.train_config import config_from_dict


def by_epochs(**changes) -> Schedule:
    settings = {
        "stage": "motion",
        "seed": 1,
        "num_sequences": 10,
        "batch_size": 4,
        "num_steps": 9,
        "num_epochs": 3,
        "first_rate": 0.1,
        "decay": 0.99,
    }
    return Schedule(**settings | changes)


def test_an_epoch_sees_every_sequence_once_and_keeps_the_last_short_batch():
    schedule = by_epochs()
    steps = [schedule.indices(step) for step in range(9)]
    assert [len(indices) for indices in steps] == 3 * [4, 4, 2]
    orders = [np.concatenate(steps[k : k + 3]) for k in (0, 3, 6)]
    assert all(sorted(order) == list(range(10)) for order in orders)
    assert not np.array_equal(orders[0], orders[1])


def test_the_rate_falls_after_each_epoch_and_only_then():
    rates = [by_epochs().learning_rate(step) for step in range(9)]
    assert rates == pytest.approx(3 * [0.1] + 3 * [0.1 * 0.99] + 3 * [0.1 * 0.99**2])


def test_by_steps_the_rate_falls_evenly_to_its_end():
    schedule = by_epochs(num_epochs=0, num_steps=100, decay=0.02)
    assert schedule.learning_rate(0) == 0.1
    assert schedule.learning_rate(50) == pytest.approx(0.1 * 0.02**0.5)
    assert schedule.learning_rate(100) == pytest.approx(0.002)


def test_by_steps_every_batch_is_full():
    schedule = by_epochs(num_epochs=0, num_steps=50)
    drawn = [schedule.indices(step) for step in range(50)]
    assert {len(indices) for indices in drawn} == {4}
    assert set(np.concatenate(drawn)) == set(range(10))


def test_a_step_draws_the_same_whenever_it_is_asked():
    for schedule in (by_epochs(), by_epochs(num_epochs=0)):
        assert np.array_equal(schedule.indices(7), schedule.indices(7))
        assert schedule.generator(7).random() == schedule.generator(7).random()


def test_steps_stages_and_seeds_draw_differently():
    variants = [by_epochs(), by_epochs(stage="detail"), by_epochs(seed=2)]
    numbers = {schedule.generator(step).random() for schedule in variants for step in range(4)}
    assert len(numbers) == 12


def test_epochs_of_a_configuration_become_steps():
    config = config_from_dict({"motion_steps": 0, "motion_epochs": 100, "motion_batch": 16})
    assert schedule_of(config, "motion", 858).num_steps == 5400
    assert schedule_of(config, "motion", 858).decay == config.epoch_decay
    assert schedule_of(config, "detail", 858).num_steps == config.detail_steps


def test_the_recipe_of_the_paper_ends_at_its_rate():
    schedule = by_epochs(num_epochs=100, num_steps=300, first_rate=1e-3)
    assert schedule.learning_rate(299) == pytest.approx(1e-3 * 0.99**99)
