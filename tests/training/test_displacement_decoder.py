"""Training of the displacement decoder: what it reads, what it learns, and that it goes on."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

torch = pytest.importorskip("torch", reason="training needs torch")

from facegen_core.displacement_inference import DisplacementDecoder  # noqa: E402
from facegen_core.models.displacement_config import displacement_weight_shapes  # noqa: E402
from facegen_core.models.neutral_reading import NeutralReader  # noqa: E402
from tests.training.decoder_fixtures import (  # noqa: E402
    NUM_BLENDSHAPES,
    decoder_data,
    short_decoder_config,
    write_basis,
)
from training.displacement_decoder import train as decoder_training  # noqa: E402
from training.displacement_decoder.config import (  # noqa: E402
    decoder_config_from_dict,
    decoder_config_to_dict,
)
from training.displacement_decoder.examples import ExampleSource, lesson_of  # noqa: E402
from training.displacement_decoder.faces import read_basis, read_faces  # noqa: E402
from training.displacement_decoder.head import fit_head  # noqa: E402
from training.displacement_decoder.objective import Objective, nearness  # noqa: E402
from training.displacement_decoder.open_run import open_decoder  # noqa: E402
from training.displacement_decoder.train import train_decoder  # noqa: E402
from training.expression_model.face_bases import FaceBases  # noqa: E402
from training.runs.checkpoint import (  # noqa: E402
    CheckpointError,
    load_checkpoint,
    save_checkpoint,
)
from training.runs.distributed import Processes  # noqa: E402
from training.runs.loss_guard import TrainingStoppedError  # noqa: E402
from training.runs.settings import TrainingConfigError, read_settings  # noqa: E402


@pytest.fixture(scope="module")
def data():
    return decoder_data()


@pytest.fixture(scope="module")
def basis_from(data, tmp_path_factory):
    return write_basis(tmp_path_factory.mktemp("run"), data)


@pytest.fixture(scope="module")
def config(basis_from):
    return short_decoder_config(basis_from)


@pytest.fixture(scope="module")
def unbroken(config, data, tmp_path_factory):
    """The folder of a run nobody killed."""
    out = tmp_path_factory.mktemp("unbroken")
    train_decoder(config, data, out)
    return out


@pytest.fixture(scope="module")
def faces(config, data):
    bases = FaceBases(data.template, read_basis(config.basis_from, data.template), follows=True)
    reader = NeutralReader(data.template, config.model)
    return read_faces(data.sequences["train"], data.template, bases, reader, 4, seed=1)


def weights_of(out: Path) -> dict[str, np.ndarray]:
    return load_checkpoint(out / "checkpoint.npz").weights


def test_a_run_leaves_weights_the_engine_runs_and_numbers_to_read(unbroken, config, data):
    weights = weights_of(unbroken)
    hierarchy = data.template.hierarchy
    length = hierarchy.levels[0].spirals.shape[1]
    shapes = displacement_weight_shapes(config.model, hierarchy.sizes, length, NUM_BLENDSHAPES)
    assert {n: w.shape for n, w in weights.items()} == shapes
    basis = read_basis(config.basis_from, data.template)
    decoder = DisplacementDecoder(data.template, config.model, weights, basis)
    take = data.sequences["test"][0]
    truth = take.displacements()
    landmarks = data.template.landmarks.positions(truth, data.template.triangles)
    skin, _ = decoder.decode(landmarks, take.neutral)
    assert np.abs(skin - truth).mean() < 0.8 * np.abs(truth).mean()
    metrics = json.loads((unbroken / "metrics.json").read_text())
    final = metrics["final"]
    assert metrics["split"] == "test"
    assert final["decoder_mm"]["total"] < 0.8 * final["neutral_mm"]["total"]
    assert 0.5 < final["roughness_ratio"]["total"] < 2.0
    assert [row["step"] for row in metrics["validations"]] == [4]
    assert decoder_config_from_dict(read_settings(unbroken / "config.yaml")) == config


def test_a_finished_run_is_opened_as_the_evaluation_asks_for_it(unbroken, config, data, tmp_path):
    opened = open_decoder(unbroken, data)
    take = data.sequences["test"][3]
    truth = take.displacements()
    landmarks = data.template.landmarks.positions(truth, data.template.triangles)
    skin = opened.decode(take.neutral, landmarks)
    assert skin.shape == truth.shape
    assert np.abs(skin - truth).mean() < np.abs(truth).mean()
    with pytest.raises(CheckpointError, match="holds no run"):
        open_decoder(tmp_path, data)
    shutil.copytree(unbroken, tmp_path / "copy")
    other = write_basis(tmp_path / "other", data, NUM_BLENDSHAPES - 1)
    text = yaml.safe_dump(decoder_config_to_dict(dataclasses.replace(config, basis_from=other)))
    (tmp_path / "copy" / "config.yaml").write_text(text)
    with pytest.raises(CheckpointError, match="other blendshapes"):
        open_decoder(tmp_path / "copy", data)
    recipe = yaml.safe_dump({"decoder": decoder_config_to_dict(config)})
    (tmp_path / "copy" / "config.yaml").write_text(recipe)
    assert np.array_equal(
        open_decoder(tmp_path / "copy", data).decode(take.neutral, landmarks), skin
    )


def test_the_residual_learns_what_the_head_leaves_over(basis_from, data, tmp_path):
    config = short_decoder_config(
        basis_from, steps=120, learning_rate=0.01, noise_mm=0.0, validation_interval=1000
    )
    metrics = train_decoder(config, data, tmp_path)
    final = metrics["final"]
    assert final["decoder_mm"]["total"] < 0.9 * final["head_mm"]["total"]


def test_the_head_alone_needs_no_steps(basis_from, data, tmp_path):
    config = short_decoder_config(basis_from, model={"residual": False})
    metrics = train_decoder(config, data, tmp_path)
    assert metrics["final"]["decoder_mm"]["total"] < 0.5 * metrics["final"]["neutral_mm"]["total"]
    assert metrics["final"]["jaw_degrees"]["total"] < 3.0
    assert set(weights_of(tmp_path)) == {"head.factor", "head.noise", "jaw.weight"}


def test_without_a_head_the_residual_does_everything(basis_from, data, tmp_path):
    model = {"channels": [16, 8, 8, 8], "linear_head": False, "output_unit_mm": 4.0}
    config = short_decoder_config(
        basis_from, model=model, steps=150, learning_rate=0.005, validation_interval=1000
    )
    final = train_decoder(config, data, tmp_path)["final"]
    assert "head_mm" not in final
    assert final["decoder_mm"]["total"] < 0.8 * final["neutral_mm"]["total"]


@pytest.mark.parametrize(("function", "fatal_call"), [("_change_weights", 5), ("_validate", 1)])
def test_a_killed_run_ends_with_the_same_weights(
    config, data, unbroken, tmp_path, monkeypatch, function, fatal_call
):
    original, calls = getattr(decoder_training, function), []

    def killed(*arguments):
        calls.append(arguments)
        if len(calls) == fatal_call:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(decoder_training, function, killed)
    with pytest.raises(KeyboardInterrupt):
        train_decoder(config, data, tmp_path)
    monkeypatch.setattr(decoder_training, function, original)
    assert load_checkpoint(tmp_path / "checkpoint.npz").progress["step"] == 3
    train_decoder(config, data, tmp_path, resume=True)
    expected = weights_of(unbroken)
    for name, values in weights_of(tmp_path).items():
        assert np.array_equal(values, expected[name]), name


def test_a_finished_run_stays_as_it_is(config, data, unbroken):
    before = (unbroken / "checkpoint.npz").read_bytes()
    train_decoder(config, data, unbroken, resume=True)
    assert (unbroken / "checkpoint.npz").read_bytes() == before


def test_two_processes_train_as_one(basis_from, data, tmp_path):
    write_basis(tmp_path / "basis", data)
    plain = short_decoder_config(tmp_path / "basis")
    train_decoder(plain, data, tmp_path / "one")
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    said = subprocess.run(
        [sys.executable, *launcher, "tests.training.decoder_fixtures", str(tmp_path / "two")],
        cwd=Path(__file__).parent.parent.parent,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr[-2000:]
    one, two = (load_checkpoint(tmp_path / n / "checkpoint.npz") for n in ("one", "two"))
    # Dropout draws for each process apart; what a step looks at is the same.
    np.testing.assert_allclose(one.history["decoder"][0], two.history["decoder"][0], rtol=1e-4)
    assert len(two.history["decoder"]) == 8


def test_what_changes_the_result_may_not_change_on_the_way(config, data, unbroken, tmp_path):
    other = dataclasses.replace(config, noise_mm=0.2)
    with pytest.raises(CheckpointError, match="noise_mm differs"):
        train_decoder(other, data, unbroken, resume=True)
    basis = write_basis(tmp_path / "other", data, NUM_BLENDSHAPES).resolve()
    path = basis / "checkpoint.npz"
    checkpoint = load_checkpoint(path)
    checkpoint.weights["blendshapes.basis"][0] *= 1.01
    save_checkpoint(checkpoint, path)
    with pytest.raises(CheckpointError, match="another basis"):
        train_decoder(dataclasses.replace(config, basis_from=basis), data, unbroken, resume=True)


def test_a_loss_that_is_not_a_number_stops_the_run(config, data, tmp_path, monkeypatch):
    def broken(run, batch):
        return original(run, batch) * (float("nan") if run.step == 5 else 1.0)

    original = decoder_training._errors
    monkeypatch.setattr(decoder_training, "_errors", broken)
    with pytest.raises(TrainingStoppedError, match=r"step 5 of the displacement decoder.*step 3"):
        train_decoder(config, data, tmp_path)


def test_faces_know_their_landmarks_and_coefficients(faces, data):
    assert len(faces) == 8
    face = faces[3]
    num_frames = 4 * 6
    assert face.skin.shape == (num_frames, data.template.num_vertices, 3)
    assert face.landmarks.shape == (num_frames, 68, 3)
    assert face.jaw.shape == (num_frames, 6)
    lifted = np.tensordot(face.coefficients, face.shapes.astype(np.float32), axes=1)
    seen = data.template.landmarks.positions(lifted, data.template.triangles)
    read = face.coefficients @ face.landmark_basis
    np.testing.assert_allclose(read, seen.reshape(num_frames, -1), atol=0.02)


def test_batches_are_those_of_the_step_and_parts_add_up(faces, config):
    head = fit_head(faces, config.model)
    lessons = [lesson_of(face, head, config.model) for face in faces]
    whole = ExampleSource(lessons, config, Processes())
    batch, again = whole.draw(7), whole.draw(7)
    assert torch.equal(batch.landmarks, again.landmarks)
    assert not torch.equal(batch.landmarks, whole.draw(8).landmarks)
    parts = [ExampleSource(lessons, config, Processes(rank, 2)).draw(7) for rank in (0, 1)]
    assert torch.equal(torch.cat([p.target for p in parts], dim=1), batch.target)
    assert torch.equal(torch.cat([p.landmarks for p in parts]), batch.landmarks)
    assert sum(p.share for p in parts) == pytest.approx(1.0)


def test_what_is_blended_is_landmarks_and_target_alike(faces, config):
    exact = dataclasses.replace(config, noise_mm=0.0, blended=1.0)
    head = fit_head(faces, exact.model)
    # A target that is a linear map of the landmarks must still be one after blending.
    lessons = []
    for face in faces:
        lesson = lesson_of(face, head, exact.model)
        told = np.repeat(lesson.landmarks[:, :1], face.skin.shape[1], axis=1)
        lessons.append(dataclasses.replace(lesson, left_over=told.astype(np.float16)))
    batch = ExampleSource(lessons, exact, Processes()).draw(0)
    np.testing.assert_allclose(batch.target[5], batch.landmarks[:, :, 0], atol=5e-3)


def test_the_objective_counts_vertices_by_their_nearness(data, config):
    template = data.template
    near = nearness(template)
    assert near.min() == 0.0
    assert near.max() <= 1.0
    plain = dataclasses.replace(config, displacement_weight=0.1, roughness_weight=0.0)
    errors = torch.zeros(template.num_vertices, 1, 1, 3)
    vertex = int(near.argmax())
    errors[vertex, 0, 0] = torch.tensor([3.0, 0.0, 4.0])
    total = Objective(plain, template)(errors)[0].item()
    assert total == pytest.approx(5.0 * (near[vertex] + 0.1) / template.num_vertices, rel=1e-5)
    moved = torch.ones_like(errors)
    assert Objective(config, template)(moved)[3] < 1e-6, "what moves as one is not rough"


def test_a_decoder_that_does_not_fit_the_template_is_refused(basis_from, data, tmp_path):
    config = short_decoder_config(basis_from, model={"channels": [8, 8]})
    with pytest.raises(TrainingConfigError, match="channels: 2 need 3 levels"):
        train_decoder(config, data, tmp_path)


def test_more_processes_than_faces_are_refused(config, data, tmp_path):
    with pytest.raises(TrainingConfigError, match="faces_per_batch is 3"):
        train_decoder(config, data, tmp_path, processes=Processes(0, 4))
