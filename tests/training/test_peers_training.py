"""The peers trained for a few steps on made-up bumps: what is kept, what goes on, what answers."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="peers are trained with torch")
pytest.importorskip("yaml", reason="settings are YAML")
pytest.importorskip("tqdm", reason="training shows its progress with tqdm")

from tests.training.evaluation_fixtures import TwoAtOnce, toy_data  # noqa: E402
from training.evaluation.questions import Question  # noqa: E402
from training.peers import open_peers, train_motion3dgan, train_s2d  # noqa: E402
from training.peers.command import _check_folders  # noqa: E402
from training.peers.config import Motion3DGANConfig, PeersConfig, RBFConfig, S2DConfig  # noqa: E402
from training.peers.train_motion3dgan import look_at_samples  # noqa: E402
from training.peers.train_peers import PEERS, train_peers  # noqa: E402
from training.runs.checkpoint import CheckpointError, load_checkpoint  # noqa: E402
from training.runs.settings import TrainingConfigError  # noqa: E402

SHORT = PeersConfig(
    motion3dgan=Motion3DGANConfig(
        width=32,
        noise_size=4,
        critic_channels=(4, 4),
        critic_hidden=8,
        steps=4,
        batch=4,
        critic_steps=2,
        validation_interval=2,
        checkpoint_interval=2,
    ),
    s2d=S2DConfig(
        channels=(8, 6, 4, 4, 4),
        frames_per_sequence=1,
        epochs=2,
        validation_frames=6,
        checkpoint_interval=2,
    ),
    rbf=RBFConfig(num_anchors=10, still_share=0.2),
)


@pytest.fixture(scope="module")
def data():
    return toy_data()


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    train_peers(SHORT, data, folder / "peers")
    return folder


@pytest.fixture(scope="module")
def peers(runs, data):
    return open_peers(runs, data)


def question_about(sequence, data) -> Question:
    return Question.about(sequence, sequence.displacements(), data.expressions)


def same_weights(one, two) -> bool:
    return all(
        np.array_equal(getattr(one, group)[name], getattr(two, group)[name])
        for group in ("weights", "average")
        for name in getattr(one, group)
    )


def test_every_peer_leaves_checkpoint_settings_and_metrics(runs):
    for name in PEERS:
        folder = runs / "peers" / name
        assert {p.name for p in folder.iterdir()} >= {
            "checkpoint.npz",
            "config.yaml",
            "metrics.json",
        }
        assert load_checkpoint(folder / "checkpoint.npz").progress["is_finished"]
    metrics = json.loads((runs / "peers/motion3dgan/metrics.json").read_text())
    assert metrics["parameters"]["generator"] > 1000
    assert [v["step"] for v in metrics["validations"]] == [2, 4]


def test_all_peers_answer(peers, data):
    assert not peers.missing
    assert set(peers.generators) == {"motion3dgan", "class_mean"}
    assert set(peers.decoders) == {"s2d", "rbf"}
    sequence = data.sequences["test"][0]
    question = question_about(sequence, data)
    for generator in peers.generators.values():
        landmarks = generator.imagine(question, None)
        assert landmarks.shape == (sequence.num_frames, 68, 3)
        assert not landmarks[0].any()
        assert not landmarks[-1].any()
        assert np.abs(landmarks).max() > 0.1
        for decoder in peers.decoders.values():
            skin = decoder.decode(sequence.neutral, landmarks)
            assert skin.shape == (sequence.num_frames, *sequence.neutral.shape)
            assert not skin[0].any()
            assert np.isfinite(skin).all()


def test_a_seed_is_a_motion_and_none_is_the_one_of_no_noise(peers, data):
    question = question_about(data.sequences["test"][0], data)
    player = peers.generators["motion3dgan"]
    np.testing.assert_array_equal(player.imagine(question, 7), player.imagine(question, 7))
    np.testing.assert_array_equal(player.imagine(question, None), player.imagine(question, None))
    assert np.abs(player.imagine(question, 7) - player.imagine(question, 8)).max() > 1e-3
    assert np.abs(player.imagine(question, 7) - player.imagine(question, None)).max() > 1e-3


def test_amplitude_of_the_label_is_the_length_of_the_path(peers, data):
    """The apex stands still, so its size is the length that belongs to class and amplitude."""
    question = question_about(data.sequences["test"][0], data)
    player = peers.generators["motion3dgan"]
    part = player.labels.components(question)[0]
    strong = np.abs(player.imagine(question, 1)).max()
    weaker = replace(part, magnitude=0.9 * part.magnitude)
    asked = replace(question, components={player.labels.rule: (weaker,)})
    shares = [player.labels.amplitude(q) for q in (asked, question)]
    assert shares[0] < shares[1]
    ratio = np.abs(player.imagine(asked, 1)).max() / strong
    assert ratio == pytest.approx(shares[0] / shares[1], rel=1e-4)


def test_class_means_of_bumps_are_bumps(peers, data):
    """All bumps of an expression are one shape, so the mean misses by timing and rounding alone."""
    sequence = data.sequences["test"][0]
    template = data.template
    truth = template.landmarks.positions(sequence.displacements(), template.triangles)
    landmarks = peers.generators["class_mean"].imagine(question_about(sequence, data), None)
    error = np.linalg.norm(landmarks - truth, axis=2).mean()
    assert error < 0.25 * np.linalg.norm(truth, axis=2).mean()


def test_two_expressions_at_once_stay_within_their_labels(peers, data):
    first, second = data.sequences["test"][:2]
    both = TwoAtOnce(first, second)
    question = question_about(both, data)
    for name, generator in peers.generators.items():
        mixed = generator.imagine(question, 3)
        assert mixed.shape == (both.num_frames, 68, 3), name
        parts = question.components["proportional"]
        alone = [
            generator.imagine(replace(question, components={"proportional": (part,)}), 3)
            for part in parts
        ]
        assert np.abs(mixed).max() <= max(np.abs(a).max() for a in alone) + np.abs(alone[1]).max()
        assert not mixed[0].any()


@pytest.mark.parametrize("name", ["motion3dgan", "s2d"])
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(
    name, runs, data, tmp_path, monkeypatch
):
    trainer = {"motion3dgan": train_motion3dgan, "s2d": train_s2d}[name]
    step = trainer._train_step

    def stopped_at_three(run):
        if run.step == 3:
            raise KeyboardInterrupt
        return step(run)

    with monkeypatch.context() as stopped:
        stopped.setattr(trainer, "_train_step", stopped_at_three)
        with pytest.raises(KeyboardInterrupt):
            train_peers(SHORT, data, tmp_path, only=(name,))
    left = load_checkpoint(tmp_path / name / "checkpoint.npz")
    assert left.progress["step"] == 2
    assert not left.progress["is_finished"]
    train_peers(SHORT, data, tmp_path, resume=True, only=(name,))
    went_on = load_checkpoint(tmp_path / name / "checkpoint.npz")
    whole = load_checkpoint(runs / "peers" / name / "checkpoint.npz")
    assert went_on.progress["step"] == whole.progress["step"]
    assert same_weights(went_on, whole)
    np.testing.assert_array_equal(went_on.history["losses"], whole.history["losses"])


def test_a_run_may_be_made_longer(runs, data, tmp_path):
    shutil.copytree(runs / "peers", tmp_path / "peers")
    longer = replace(SHORT, motion3dgan=replace(SHORT.motion3dgan, steps=6))
    train_peers(longer, data, tmp_path / "peers", resume=True, only=("motion3dgan",))
    left = load_checkpoint(tmp_path / "peers/motion3dgan/checkpoint.npz")
    assert left.progress["step"] == len(left.history["losses"]) == 6
    before = load_checkpoint(runs / "peers/motion3dgan/checkpoint.npz")
    np.testing.assert_array_equal(left.history["losses"][:4], before.history["losses"])


def test_other_settings_or_other_data_are_not_gone_on_with(runs, data, tmp_path):
    other = replace(SHORT, s2d=replace(SHORT.s2d, learning_rate=0.5))
    with pytest.raises(CheckpointError, match="learning_rate"):
        train_peers(other, data, runs / "peers", resume=True, only=("s2d",))
    fewer = replace(data, sequences=data.sequences | {"train": data.sequences["train"][:12]})
    with pytest.raises(CheckpointError, match="data_hash"):
        train_peers(SHORT, fewer, runs / "peers", resume=True, only=("s2d",))


def test_what_is_missing_unfinished_or_foreign_is_named(runs, data, tmp_path):
    assert set(open_peers(tmp_path, data).missing) == set(PEERS)
    foreign = replace(data, frame_rate=60.0)
    assert all("frame rate" in why for why in open_peers(runs, foreign).missing.values())


def test_names_and_folders_are_checked(runs, data, tmp_path):
    with pytest.raises(TrainingConfigError, match="no peer"):
        train_peers(SHORT, data, tmp_path, only=("s3d",))
    with pytest.raises(TrainingConfigError, match="--resume"):
        _check_folders(runs / "peers", PEERS)


def test_the_look_at_samples_tells_a_collapsed_generator(peers, data):
    """Samples that are all alike are seen as such, however real they look."""
    from training.landmark_gan.takes import takes_of
    from training.peers.landmark_paths import read_paths

    player = peers.generators["motion3dgan"]
    real = read_paths(takes_of(data, "val", "proportional"), player.labels)
    real = replace(
        real,
        pictures=np.concatenate([real.pictures, -real.pictures]),
        classes=np.concatenate([real.classes, real.classes]),
    )
    lively = look_at_samples(player.generator, real)["among_samples"]
    for layer in (player.generator.expand, *player.generator.labels):
        layer.weight.zero_()
    assert look_at_samples(player.generator, real)["among_samples"] < 0.01 * lively
