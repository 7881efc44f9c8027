import dataclasses
import inspect
import json

import numpy as np
import pytest
import torch

from facegen_core.bundle import load_bundle, save_bundle
from facegen_core.errors import BundleError
from facegen_core.landmark_network import LandmarkNetwork, network_shapes
from facegen_core.landmarks import MIRRORED_LANDMARKS
from facegen_core.registration.depth_view import NUM_PIXELS
from training.__main__ import main
from training.expression_model.train_config import TrainingConfigError
from training.landmark_detector import pictures as pictures_module
from training.landmark_detector.add_to_bundle import add_detector
from training.landmark_detector.config import DetectorConfig, read_detector_config
from training.landmark_detector.measure import NAMES, as_text, measure
from training.landmark_detector.network import TorchDetector, folded_arrays
from training.landmark_detector.pictures import make_pictures
from training.landmark_detector.shapes import box, ellipsoid, hand, join, rod, torus, tube
from training.landmark_detector.train import train_detector
from training.runs.checkpoint import CheckpointError

BUNDLE = "blender_addon/assets/default.facegen"


@pytest.fixture(scope="module")
def bundle(request):
    path = request.config.rootpath / BUNDLE
    if not path.exists():
        pytest.skip(f"{BUNDLE} is missing")
    return load_bundle(path)


@pytest.fixture(scope="module")
def pictures(bundle, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures_module, "SCENES_PER_FILE", 2)
        return make_pictures(bundle, tmp_path_factory.mktemp("pictures"), 3, seed=4)


def used_detector():
    """A network whose normalisation layers have seen something."""
    torch.manual_seed(0)
    detector = TorchDetector()
    for _ in range(3):
        detector(torch.randn(8, 4, NUM_PIXELS, NUM_PIXELS) + 0.3)
    return detector.eval()


def test_numpy_sees_what_torch_sees():
    detector = used_detector()
    images = np.random.default_rng(1).normal(size=(4, 4, 64, 64)).astype(np.float32)
    with torch.no_grad():
        logits, places, log_errors = detector(torch.from_numpy(images))
    arrays = folded_arrays(detector) | {"calibration": np.zeros(2)}
    assert {name: values.shape for name, values in arrays.items()} == network_shapes()
    seen = LandmarkNetwork(arrays)(images)
    np.testing.assert_allclose(seen.scores, torch.sigmoid(logits).numpy(), atol=1e-5)
    np.testing.assert_allclose(seen.landmarks, places.numpy(), atol=1e-5)
    np.testing.assert_allclose(seen.errors, np.exp(log_errors.numpy()), rtol=1e-4)


def test_pictures_are_the_same_again_and_show_faces_and_others(bundle, pictures, tmp_path):
    assert len(pictures) == 3 * pictures_module.NUM_VIEWS
    again = make_pictures(bundle, tmp_path, 1, seed=4)
    np.testing.assert_array_equal(again.images, pictures.images[: len(again)])
    assert pictures.is_face.any()
    assert not pictures.is_face.all()
    marks = pictures.landmarks[pictures.is_face]
    assert np.abs(np.median(marks, axis=1)).max() < 0.6  # the face is in the picture
    rows, columns = (0.5 * (1.0 - marks[..., 1]) * 64, 0.5 * (1.0 + marks[..., 0]) * 64)
    inside = (rows >= 0) & (rows < 64) & (columns >= 0) & (columns < 64)
    cells = rows.clip(0, 63).astype(int), columns.clip(0, 63).astype(int)
    faces = np.flatnonzero(pictures.is_face)[:, None]
    assert pictures.images[:, 1][faces, cells[0], cells[1]][inside].mean() > 0.8


def test_an_interrupted_training_goes_on_to_the_same_network(pictures, tmp_path):
    config = DetectorConfig(
        num_steps=3,
        restart_steps=1,
        batch=4,
        validation_interval=4,
        checkpoint_interval=2,
        num_scenes=3,
    )
    whole, log = train_detector(pictures, pictures, config, tmp_path / "whole")
    assert log[-1]["step"] == 4
    assert np.isfinite(log[-1]["mean_mm"])

    class KilledError(Exception):
        pass

    def kill(step):
        if step == 2:
            raise KilledError
        return 1.0

    with pytest.MonkeyPatch.context() as patch:
        names = inspect.unwrap(train_detector).__globals__
        rate = names["_rate"]
        patch.setitem(names, "_rate", lambda s, c: kill(s) * rate(s, c))
        with pytest.raises(KilledError):
            train_detector(pictures, pictures, config, tmp_path / "cut")
    resumed, _ = train_detector(pictures, pictures, config, tmp_path / "cut")
    for name, values in folded_arrays(whole).items():
        np.testing.assert_allclose(folded_arrays(resumed)[name], values, atol=1e-5)
    other = dataclasses.replace(config, seed=2)
    with pytest.raises(CheckpointError, match="other settings"):
        train_detector(pictures, pictures, other, tmp_path / "cut")


def test_mirroring_twice_changes_nothing_and_swaps_the_eyes():
    np.testing.assert_array_equal(MIRRORED_LANDMARKS[MIRRORED_LANDMARKS], np.arange(68))
    np.testing.assert_array_equal(
        MIRRORED_LANDMARKS[[8, 27, 30, 33, 51, 57]], [8, 27, 30, 33, 51, 57]
    )
    assert MIRRORED_LANDMARKS[36] == 45
    assert MIRRORED_LANDMARKS[48] == 54


def test_mirrored_landmarks_lie_on_the_mirrored_template(bundle):
    marks = bundle.template.landmark_positions
    np.testing.assert_allclose(marks[MIRRORED_LANDMARKS] * [-1.0, 1.0, 1.0], marks, atol=6.0)


def test_errors_are_told_for_each_augmentation(pictures):
    perfect = measure(
        pictures,
        pictures.is_face.astype(float),
        pictures.landmarks,
        np.full(pictures.landmarks.shape[:2], 0.01),
    )
    assert perfect.overall().mean_mm == 0.0
    assert perfect.overall().found == 1.0
    names = {row.name for row in perfect.table()}
    assert names <= {"all", "near pose", "plain", *NAMES}
    assert as_text(perfect.table()).count("\n") == len(perfect.table()) + 2


def test_solids_are_closed_lists_of_triangles():
    rng = np.random.default_rng(0)
    zero, up = np.zeros(3), np.array([0.0, 40.0, 0.0])
    pieces = [
        ellipsoid(zero, (10.0, 20.0, 30.0)),
        tube(zero, (10.0, 10.0), 0.0, np.full(12, 30.0)),
        box(zero, (10.0, 20.0, 30.0), rng),
        torus(zero, (20.0, 10.0), 2.0),
        rod(zero, up, 5.0, 1.0),
        *hand(rng, 90.0),
    ]
    vertices, triangles = join(pieces)
    assert triangles.max() == len(vertices) - 1
    corners = vertices[triangles]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert np.linalg.norm(cross, axis=1).min() > 0.0
    assert np.linalg.norm(np.diff(corners, axis=1), axis=-1).max() < 60.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stepz: 3", "Unknown setting 'stepz'"),
        ("num_steps: many", "expected a number"),
        ("batch: 0", "more than 0"),
        ("- 1", "expected settings"),
    ],
)
def test_wrong_settings_are_named(tmp_path, text, words):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(TrainingConfigError, match=words):
        read_detector_config(tmp_path / "c.yaml")


def test_the_command_draws_trains_and_fills_a_bundle(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures_module, "SCENES_PER_FILE", 2)
    source, run = tmp_path / "plain.facegen", tmp_path / "run"
    save_bundle(
        dataclasses.replace(
            bundle, template=dataclasses.replace(bundle.template, landmark_detector=None)
        ),
        source,
    )
    (tmp_path / "c.yaml").write_text(
        "num_scenes: 4\nnum_held_out_scenes: 2\nnum_steps: 2\nrestart_steps: 0\n"
        "batch: 4\nvalidation_interval: 2\n"
    )
    arguments = ["detector", "--bundle", str(source), "--config", str(tmp_path / "c.yaml")]
    with pytest.raises(BundleError, match="no finished detector"):
        add_detector(run, source, tmp_path / "x.facegen")
    assert main([*arguments, "--out", str(run)]) == 0
    assert "| all |" in (run / "errors.md").read_text()
    out = tmp_path / "with.facegen"
    assert (
        main(["add-detector", "--run", str(run), "--bundle", str(source), "--out", str(out)]) == 0
    )
    loaded = load_bundle(out)
    assert loaded.template.landmark_detector is not None
    assert loaded.header["template_hash"] == bundle.header["template_hash"]
    origin = loaded.header["training_data"]["landmark_detector"]
    assert origin["num_scenes"] == 4
    assert json.loads((run / "detector.json").read_text())["settings"]["num_steps"] == 2
    LandmarkNetwork(loaded.template.landmark_detector)(np.zeros((1, 4, 64, 64), np.float32))
