"""Training the landmark generators: it learns, goes on after a kill, and says what is wrong."""

import dataclasses
import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch")

from facegen_core.bundle import save_bundle  # noqa: E402
from facegen_core.landmark_inference import Variation  # noqa: E402
from facegen_core.landmarks import MIRRORED_LANDMARKS  # noqa: E402
from facegen_core.models.landmark_critics import gradient_norms  # noqa: E402
from tests.core.model_fixtures import random_bundle  # noqa: E402
from tests.training.landmark_runs import SMALL, short_landmark_config  # noqa: E402
from tests.training.short_runs import checkpoint_of, finish, start  # noqa: E402
from tests.training.synthetic_sequences import bump_data  # noqa: E402
from training.evaluation.questions import Question  # noqa: E402
from training.landmark_gan import train_landmarks as loop  # noqa: E402
from training.landmark_gan.guard import COLLAPSED_STEPS, check_step  # noqa: E402
from training.landmark_gan.objective import asymmetry, energy_score  # noqa: E402
from training.landmark_gan.open_run import open_generator  # noqa: E402
from training.landmark_gan.run import set_up  # noqa: E402
from training.landmark_gan.train_landmarks import train_landmarks  # noqa: E402
from training.landmark_gan.validation import generate_take, measure_takes  # noqa: E402
from training.runs.checkpoint import CheckpointError  # noqa: E402
from training.runs.loss_guard import TrainingStoppedError  # noqa: E402
from training.runs.settings import TrainingConfigError  # noqa: E402

MODULE = "tests.training.landmark_runs"


@pytest.fixture(scope="module")
def data():
    return bump_data()


def test_a_run_ends_with_metrics_and_every_part(tmp_path, data):
    metrics = train_landmarks(short_landmark_config(tmp_path), data)
    assert metrics["num_test_subjects"] == 2
    assert set(metrics["final"]) == {
        "expected_mm",
        "mean_mm",
        "best_mm",
        "apart_mm",
        "jitter",
    }
    assert json.loads((tmp_path / "metrics.json").read_text())["final"] == metrics["final"]
    weights = checkpoint_of(tmp_path).weights
    for part in ("generators", "critics", "identity", "autoencoder"):
        assert any(name.startswith(f"{part}.") for name in weights)


def test_the_linear_start_already_follows_the_curves(tmp_path, data):
    run = set_up(short_landmark_config(tmp_path), data)
    still = np.mean([np.linalg.norm(t.displacements, axis=2).mean() for t in run.takes["val"]])
    assert measure_takes(run, "val").expected_mm < 0.6 * still


def test_training_makes_noise_matter(tmp_path, data):
    run = set_up(short_landmark_config(tmp_path), data)
    take = run.takes["val"][0]
    assert np.ptp(generate_take(run, take, 4, 0), axis=0).max() == 0
    config = short_landmark_config(tmp_path, stage_steps=[40, 1, 1], diversity=0.0)
    train_landmarks(config, data)
    trained = set_up(config, data)
    loop.resume(trained)
    drawn = generate_take(trained, take, 4, 0)
    assert np.ptp(drawn, axis=0).max() > 1e-3
    assert np.array_equal(drawn, generate_take(trained, take, 4, 0))


def test_a_run_that_goes_on_ends_with_the_same_weights(tmp_path, data, monkeypatch):
    whole = tmp_path / "whole"
    train_landmarks(short_landmark_config(whole), data)
    original = loop._update_generators

    def killed(run, stage, batch):
        if (stage, run.step) == (1, 2):
            raise KeyboardInterrupt
        return original(run, stage, batch)

    monkeypatch.setattr(loop, "_update_generators", killed)
    with pytest.raises(KeyboardInterrupt):
        train_landmarks(short_landmark_config(tmp_path / "killed"), data)
    monkeypatch.setattr(loop, "_update_generators", original)
    train_landmarks(short_landmark_config(tmp_path / "killed"), data, go_on=True)
    expected, ours = checkpoint_of(whole).weights, checkpoint_of(tmp_path / "killed").weights
    assert all(np.array_equal(expected[name], ours[name]) for name in expected)


def test_two_processes_train_what_one_does(tmp_path):
    finish(start(tmp_path / "one", module=MODULE))
    finish(start(tmp_path / "two", module=MODULE, processes=2))
    one, two = checkpoint_of(tmp_path / "one").weights, checkpoint_of(tmp_path / "two").weights
    for name in one:
        assert np.abs(one[name] - two[name]).max(initial=0) < 2e-3, name


@pytest.mark.parametrize(
    "changes",
    [
        {"identity_discriminator": False},
        {"autoencoder": False},
        {"critics": False, "identity_discriminator": False, "autoencoder": False},
        {
            "generators": SMALL | {"stage_rates": [1.0], "widths": [8]},
            "stage_steps": [4],
        },
    ],
)
def test_every_part_can_be_left_out(tmp_path, data, changes):
    metrics = train_landmarks(short_landmark_config(tmp_path, **changes), data)
    assert np.isfinite(metrics["final"]["mean_mm"])


def test_other_settings_do_not_go_on(tmp_path, data):
    train_landmarks(short_landmark_config(tmp_path), data)
    with pytest.raises(CheckpointError, match="another 'batch'"):
        train_landmarks(short_landmark_config(tmp_path, batch=5), data, go_on=True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"window": 9}, "coarsest stage needs 10 frames, got 9"),
        ({"stage_steps": [1, 1]}, "expected 3 numbers"),
        ({"generators": {"stage_rates": [0.7, 0.5, 1.0]}}, "rising rates up to 1"),
        ({"generators": {"kernel": 4}}, "odd number"),
        ({"batch": 0}, "'batch': expected 1 or more"),
        ({"critic_weight": -1.0}, "'critic_weight': expected 0 or more"),
        ({"widht": 3}, "Unknown setting 'widht'"),
    ],
)
def test_settings_that_cannot_be_are_refused(tmp_path, changes, said):
    with pytest.raises(TrainingConfigError, match=said):
        short_landmark_config(tmp_path, **changes)


def step_of(losses, spreads=(), earlier=()):
    check_step(losses, spreads, earlier, 30.0, "step 7 of stage 0", ["S001_happy_1"], "kept")


def test_a_training_that_goes_wrong_is_stopped_with_a_reason():
    sound = [1.0, 0.5, 0.5, 0.0, 0.0, 0.0]
    step_of(sound, [1.0] * 300, [sound] * 50)
    with pytest.raises(TrainingStoppedError, match="not a number at step 7 of stage 0"):
        step_of([float("nan")] * 6)
    with pytest.raises(TrainingStoppedError, match=r"diverge at step 7.*lower learning_rate"):
        step_of([99.0, 40.0, 1.0, 0.0, 0.0, 0.0], [], [sound] * 50)
    with pytest.raises(TrainingStoppedError, match=r"critic has collapsed.*critic_rate"):
        step_of(sound, [1.0] + [0.0] * COLLAPSED_STEPS, [sound] * 50)


def test_the_energy_score_is_least_for_the_true_spread():
    """Truth is ±1 by chance: the mean alone, and twice the spread, both score worse."""
    rng = np.random.default_rng(0)
    size = (4000, 1, 204)

    def score(spread):
        draws = [
            torch.from_numpy(rng.choice([-1.0, 1.0], size=(size[0], 1, 1)) * np.ones(size))
            for _ in range(3)
        ]
        return float(energy_score(spread * draws[0], spread * draws[1], draws[2])) / size[0]

    assert score(1.0) < score(0.0) - 0.1
    assert score(1.0) < score(2.0) - 0.1


def test_gradients_are_measured_alike_in_clips_of_any_length():
    for num_frames in (8, 64):
        samples = torch.zeros(2, num_frames, 204, requires_grad=True)
        scores = samples[:, :, 0].mean(dim=1) * 3.0
        norms = gradient_norms(scores, samples)
        assert np.allclose(norms.detach(), 3.0, atol=1e-4)


def test_the_critic_tells_truth_from_something_else(tmp_path, data):
    """After some updates against generators that stand still, their distance has grown."""
    config = short_landmark_config(tmp_path, stage_steps=[60, 1, 1], learning_rate=0.0)
    config = dataclasses.replace(config, critic_rate=2e-3)
    run = set_up(config, data)
    run.stage = "0"
    told = []
    original = loop._update_critics

    def listening(*arguments):
        told.append(original(*arguments))
        return told[-1]

    loop._update_critics = listening
    try:
        loop.train_stage(run)
    finally:
        loop._update_critics = original
    assert np.mean([row[1] for row in told[-10:]]) > np.mean([row[1] for row in told[:5]])


def test_a_finished_run_answers_as_the_add_on_does(tmp_path, data):
    """The mean motion whatever is asked, the same seed the same motion, and rest at rest."""
    with pytest.raises(CheckpointError, match="holds no run"):
        open_generator(tmp_path, data)
    train_landmarks(short_landmark_config(tmp_path), data)
    opened = open_generator(tmp_path, data)
    sequence = data.sequences["test"][2]
    question = Question.about(sequence, sequence.displacements(), data.expressions)
    mean, first, again = (opened.imagine(question, seed) for seed in (None, 3, 3))
    assert mean.shape == (sequence.num_frames, 68, 3)
    assert np.array_equal(first, again)
    assert not mean[0].any()
    assert np.abs(mean).max() > 0.1


def test_generators_that_follow_the_neutral_move_each_face_its_own_way(tmp_path, data):
    """Same curves, same noise, no code told: a wider face moves wider."""
    save_bundle(random_bundle(template=data.template), tmp_path / "basis.facegen")
    config = short_landmark_config(
        tmp_path / "run",
        generators=SMALL | {"follows_neutral": True},
        basis_from=str(tmp_path / "basis.facegen"),
        code_dropout=1.0,
    )
    train_landmarks(config, data)
    opened = open_generator(tmp_path / "run", data)
    opened.generators.neutral_basis.zero_()
    signal = np.zeros((30, 6), np.float32)
    signal[5:20, 0] = 1.0
    wide = data.template.vertices * np.array([1.3, 1.0, 1.0])
    usual, wider = (
        opened.of_signal(signal, neutral, Variation(2))
        for neutral in (data.template.vertices, wide)
    )
    change = wider - usual
    assert np.abs(change).max() > 0.02 * np.abs(usual).max()
    assert np.abs(change).max() < np.abs(usual).max()


def test_asymmetry_is_what_a_mirror_image_does_not_share():
    rng = np.random.default_rng(1)
    side = rng.normal(size=(2, 5, 68, 3))
    mirror = side[:, :, MIRRORED_LANDMARKS] * np.array([-1.0, 1.0, 1.0])
    even, odd = (torch.from_numpy(m.reshape(2, 5, 204)) for m in (side + mirror, side - mirror))
    assert asymmetry(even).abs().max() < 1e-12
    assert torch.allclose(asymmetry(odd), odd)
