"""A training computes on as many threads as its settings say, whatever the machine would give."""

import hashlib
from dataclasses import dataclass, replace

import pytest

pytest.importorskip("torch", reason="training needs torch")

import torch
from threadpoolctl import threadpool_info, threadpool_limits

from facegen_core.one_thread import on_one_thread
from tests.training.landmark_runs import short_landmark_config
from tests.training.short_runs import checkpoint_of, short_config
from tests.training.synthetic_sequences import bump_data
from training.displacement_decoder.config import DecoderTrainConfig
from training.displacement_decoder.train import train_decoder
from training.expression_model.export_bundle import export_bundle
from training.expression_model.train_config import TrainConfig, read_config
from training.expression_model.train_expression_model import train
from training.face_shapes.add_to_bundle import add_face_shapes
from training.ict4d.make_subject import make_subject
from training.landmark_detector import command
from training.landmark_detector.config import DetectorConfig
from training.landmark_detector.train import train_detector
from training.landmark_gan.config import LandmarkTrainConfig
from training.landmark_gan.run import resume, set_up
from training.landmark_gan.train_landmarks import train_landmarks
from training.peers.config import PeersConfig
from training.peers.run_folder import start_folder
from training.peers.train_peers import train_peers
from training.preparation.prepare import prepare_ict
from training.preparation.prepare_recordings import prepare_recordings
from training.preparation.record_takes import record_takes
from training.protocols.config import ProtocolConfig, read_protocol_config
from training.protocols.steps import _saved
from training.runs.checkpoint import CheckpointError, save_checkpoint
from training.runs.settings import NUM_THREADS, TrainingConfigError
from training.runs.threads import on_set_threads


def blas_threads():
    return {p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"}


@dataclass(frozen=True)
class Config:
    num_threads: int = 3
    device: str = "auto"


@on_set_threads
def asked(config, number=0):
    """The threads of PyTorch and of BLAS while it works."""
    if number < 0:
        raise ValueError("less than nothing")
    return torch.get_num_threads(), blas_threads()


@pytest.fixture
def machine():
    """Gives this process so many threads, as OMP_NUM_THREADS gives them to a new one."""
    before = torch.get_num_threads()

    def give(number):
        torch.set_num_threads(number)
        return threadpool_limits(number, "blas")

    yield give
    torch.set_num_threads(before)


def weights_hash(out):
    digest = hashlib.sha256()
    for name, values in sorted(checkpoint_of(out).weights.items()):
        digest.update(name.encode() + values.tobytes())
    return digest.hexdigest()


def old_checkpoint(out):
    """The checkpoint of a run as it was before the number of threads was a setting."""
    checkpoint = checkpoint_of(out)
    settings = {n: v for n, v in checkpoint.progress["settings"].items() if n != "num_threads"}
    old = replace(checkpoint, progress={**checkpoint.progress, "settings": settings})
    save_checkpoint(old, out / "checkpoint.npz")


@pytest.mark.parametrize("set_threads", [1, 2])
def test_the_same_weights_whatever_the_machine_would_give(tmp_path, machine, set_threads):
    data, made = bump_data(), set()
    for number in (1, 2, 4):
        with machine(number):
            out = tmp_path / f"{number}"
            config = short_config(out, motion_steps=3, detail_steps=2, num_threads=set_threads)
            train(config, data)
        made.add(weights_hash(tmp_path / f"{number}"))
    assert len(made) == 1


def test_the_settings_hold_while_it_trains_and_the_process_gets_its_own_back(machine):
    with machine(2):
        assert asked(Config(3)) == (3, {1})
        assert asked(number=1, config=Config(1, "cpu")) == (1, {1})
        with pytest.raises(ValueError, match="less than nothing"):
            asked(Config(4), -1)
        assert torch.get_num_threads() == 2
        assert blas_threads() == {2}


def test_a_training_on_a_gpu_is_left_alone(machine, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with machine(2):
        assert asked(Config(3, "auto")) == asked(Config(3, "cuda")) == (2, {2})
        assert asked(Config(3, "cpu")) == (3, {1})


def test_whatever_prepares_data_is_on_one_thread():
    made = [prepare_ict, make_subject, prepare_recordings, record_takes, add_face_shapes]
    assert {work.__code__ for work in made} == {on_one_thread(len).__code__}


def test_whatever_trains_is_held_to_its_settings():
    trainers = [train, train_landmarks, train_decoder, train_peers, train_detector, command._make]
    assert {trainer.__code__ for trainer in trainers} == {asked.__code__}


@pytest.mark.parametrize(
    "kind",
    [
        *(TrainConfig, LandmarkTrainConfig, DecoderTrainConfig),
        *(PeersConfig, DetectorConfig, ProtocolConfig),
    ],
)
def test_every_training_has_a_number_that_can_be(kind):
    assert kind().num_threads == NUM_THREADS
    assert kind(num_threads=4).num_threads == 4
    for wrong in (-1, 0, 100_000):
        with pytest.raises(TrainingConfigError, match="'num_threads': expected 1 to 256, got"):
            kind(num_threads=wrong)


def test_a_protocol_decides_for_all_its_parts(tmp_path):
    path = tmp_path / "some.yaml"
    path.write_text("num_threads: 3\n")
    config = read_protocol_config(path)
    parts = (config.landmarks, config.decoder, config.peers)
    assert [part.num_threads for part in parts] == [3, 3, 3]
    path.write_text("decoder:\n  num_threads: 3\n")
    with pytest.raises(TrainingConfigError, match=r"'decoder\.num_threads' is decided by the"):
        read_protocol_config(path)
    now = {"seed": 1, "num_threads": 3}
    assert _saved(tmp_path, {"settings": {"seed": 1}}, now) == now
    assert _saved(tmp_path, {"settings": {"seed": 1, "num_threads": 2}}, now) != now


def test_a_run_goes_on_with_its_own_number(tmp_path):
    data, out = bump_data(), tmp_path / "run"
    train(short_config(out, motion_steps=2, detail_steps=0, num_threads=2), data)
    assert read_config(out / "config.yaml").num_threads == 2
    with pytest.raises(CheckpointError, match="num_threads was 2 and is 1"):
        train(short_config(out, motion_steps=2, detail_steps=0), data, resume=True)


def test_an_older_run_goes_on_and_says_on_how_many(tmp_path, capsys):
    data, out = bump_data(), tmp_path / "run"
    config = short_config(out, motion_steps=2, detail_steps=0)
    train(config, data)
    old_checkpoint(out)
    bundle = export_bundle(out, tmp_path / "a.facegen", data.template)
    assert "num_threads" not in bundle.header["command"]["settings"]
    capsys.readouterr()
    train(config, data, resume=True)
    assert "on the CPU it goes on with 1" in capsys.readouterr().out


def test_an_older_run_of_the_second_generator_goes_on(tmp_path, capsys):
    data, out = bump_data(), tmp_path / "run"
    config = short_landmark_config(out, autoencoder_steps=1, stage_steps=[1, 1, 1], diversity=0.0)
    train_landmarks(config, data)
    old_checkpoint(out)
    run = set_up(config, data)
    resume(run)
    assert run.stage == "done"
    assert "on the CPU it goes on with 1" in capsys.readouterr().out


def test_an_older_peer_goes_on_and_another_number_is_refused(tmp_path, capsys):
    told = {"data_hash": "0", "expressions": [], "frame_rate": 30.0}
    folder = start_folder(tmp_path, PeersConfig(), "s2d", told)
    folder.told.pop("num_threads")
    folder.save({}, {})
    assert start_folder(tmp_path, PeersConfig(), "s2d", told).resume() is not None
    assert "on the CPU it goes on with 1" in capsys.readouterr().out
    start_folder(tmp_path, PeersConfig(), "s2d", told).save({}, {})
    with pytest.raises(CheckpointError, match="another num_threads"):
        start_folder(tmp_path, PeersConfig(num_threads=2), "s2d", told).resume()
