"""What is killed and refused a disk: every activity that writes a product without Blender."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from facegen_core.bundle import Bundle, load_bundle, save_bundle
from facegen_core.landmarks import write_landmark_file
from tests.core.model_fixtures import random_bundle
from training.datasets.training_data import TrainingData

ROOT = Path(__file__).parents[3]
DEFAULT_BUNDLE = ROOT / "blender_addon" / "assets" / "default.facegen"


def _nothing(folder: Path) -> None:
    """The folder is empty when the activity begins."""


@dataclass(frozen=True)
class Activity:
    """name: as the page calls it. before: what lies in the folder first: sources, and the products
    of last time. act: does it in that folder, or goes on where it was killed.

    weight: share of the trials it gets; those that take long get fewer.
    """

    name: str
    act: Callable[[Path], Any]
    before: Callable[[Path], Any] = _nothing
    weight: float = 1.0


# ---- bundles and small files ---------------------------------------------------------------------


@cache
def _bundle(seed: int = 0) -> Bundle:
    bundle = random_bundle()
    weights = {n: (w * (1.0 + seed)).astype(np.float32) for n, w in bundle.weights.items()}
    return replace(bundle, weights=weights)


def _landmarks(folder: Path, seed: int = 0) -> None:
    points = np.random.default_rng(seed).normal(size=(68, 3))
    write_landmark_file(folder / "landmarks.json", dict(enumerate(points)))


def _face_shapes(folder: Path) -> None:
    from training.face_shapes import add_to_bundle

    face = _source_face()
    add_to_bundle.read_source = lambda source, progress=None: face  # a minute of remeshing
    add_to_bundle.add_face_shapes(
        folder / "source", folder / "face.facegen", folder / "face.facegen"
    )


@cache
def _source_face() -> Any:
    from facegen_core.face_shapes import ARKIT_NAMES
    from training.face_shapes.add_to_bundle import SourceFace

    template = _bundle().template
    rng = np.random.default_rng(3)
    names = tuple(
        name.replace("Left", "_L").replace("Right", "_R")
        if name.endswith(("Left", "Right"))
        and name not in ("jawLeft", "jawRight")
        and not name.startswith("mouthLeft")
        and not name.startswith("mouthRight")
        else name
        for name in ARKIT_NAMES
    )
    skin = rng.normal(size=(len(names), template.num_vertices, 3))
    return SourceFace(template, names, skin, rng.normal(size=(len(names), 6)) * 0.01)


def _before_face_shapes(folder: Path) -> None:
    save_bundle(_bundle(), folder / "face.facegen")
    (folder / "source").mkdir()
    (folder / "source" / "a.obj").write_text("v 0 0 0\n", encoding="utf-8")


def _zip(folder: Path) -> None:
    import build_addon

    wheel = folder / "scipy.whl"
    build_addon.wheels.fetch = lambda name, cache: wheel  # the real ones are 37 MB each
    build_addon.build("linux-x64", folder / "small.facegen", folder)


def _before_zip(folder: Path) -> None:
    save_bundle(_bundle(), folder / "small.facegen")
    (folder / "scipy.whl").write_bytes(np.random.default_rng(0).bytes(200_000))
    _zip(folder)


# ---- trainings -----------------------------------------------------------------------------------


@cache
def _bumps() -> TrainingData:
    from tests.training.synthetic_sequences import bump_data

    return bump_data()


def _expression_model(folder: Path) -> None:
    from tests.training.short_runs import short_config
    from training.expression_model.train_expression_model import train

    train(short_config(folder / "run"), _bumps(), resume=True)


def _landmark_gan(folder: Path) -> None:
    from tests.training.landmark_runs import short_landmark_config
    from training.landmark_gan.train_landmarks import train_landmarks

    train_landmarks(short_landmark_config(folder / "run"), _bumps(), go_on=True)


@cache
def _faces() -> TrainingData:
    from tests.training.decoder_fixtures import decoder_data

    return decoder_data()


def _before_decoder(folder: Path) -> None:
    from tests.training.decoder_fixtures import write_basis

    write_basis(folder / "basis", _faces())


def _decoder(folder: Path) -> None:
    from tests.training.decoder_fixtures import short_decoder_config
    from training.displacement_decoder.train import train_decoder

    # As the command is typed: relative, or the settings would tell every trial from the other.
    train_decoder(short_decoder_config(Path("basis")), _faces(), Path("run"), resume=True)


@cache
def _toy() -> TrainingData:
    from tests.training.evaluation_fixtures import toy_data

    return toy_data()


def _peers(folder: Path) -> None:
    from tests.training.test_peers_training import SHORT
    from training.peers.train_peers import train_peers

    train_peers(SHORT, _toy(), folder / "peers", resume=True)


def _pictures(folder: Path) -> Any:
    from training.landmark_detector import pictures

    pictures.SCENES_PER_FILE = 1
    return pictures.make_pictures(_face_bundle(), folder / "pictures", 3, seed=4)


@cache
def _face_bundle() -> Bundle:
    return load_bundle(DEFAULT_BUNDLE)


def _detector(folder: Path) -> None:
    from training.landmark_detector.config import DetectorConfig
    from training.landmark_detector.train import train_detector

    config = DetectorConfig(
        num_steps=3, restart_steps=1, batch=2, validation_interval=4, checkpoint_interval=1,
        num_scenes=1,
    )  # fmt: skip
    train_detector(_seen(folder), _seen(folder), config, folder / "run")


def _before_detector(folder: Path) -> None:
    from training.landmark_detector import pictures

    pictures.SCENES_PER_FILE = 1
    pictures.make_pictures(_face_bundle(), folder / "pictures", 1, seed=4)


def _seen(folder: Path) -> Any:
    from training.landmark_detector.pictures import make_pictures

    return make_pictures(_face_bundle(), folder / "pictures", 1, seed=4)


def _export(folder: Path) -> None:
    from training.expression_model.export_bundle import export_bundle

    export_bundle(folder / "run", folder / "face.facegen", _bumps().template, 3)


def _before_export(folder: Path) -> None:
    _expression_model(folder)
    save_bundle(_bundle(), folder / "face.facegen")


# ---- preparing -----------------------------------------------------------------------------------


def _ict(folder: Path) -> None:
    from tests.training.toy_facekit import prepare_toy_ict
    from training.preparation import prepare

    build = _toy_build()
    prepare.build_template = lambda model, progress: build
    prepare_toy_ict(folder / "facekit", folder / "set")


@cache
def _toy_build() -> Any:
    from tests.training.toy_facekit import toy_build

    return toy_build()


def _before_ict(folder: Path) -> None:
    from tests.training.toy_facekit import write_toy_facekit

    write_toy_facekit(folder / "facekit")


def _before_scans(folder: Path) -> None:
    """With the template, which takes ten seconds: takes and the list of the set are left."""
    from tests.training.conftest import SETTINGS
    from tests.training.recorded_faces import with_template_of, write_sequence_folder

    write_sequence_folder(folder / "scans", suffix=".ply", num_frames=12)
    (folder / "scans" / "dataset.yaml").write_text(SETTINGS, encoding="utf-8")
    _scans(folder)
    (folder / "set").rename(folder / "whole")
    with_template_of(folder / "whole", folder / "set")


def _scans(folder: Path) -> None:
    from training.datasets.sequence_folder import find_sequence_folder
    from training.preparation.prepare_recordings import Options, prepare_recordings

    prepare_recordings(
        find_sequence_folder(folder / "scans"), folder / "set", Options(num_workers=1)
    )


def _batch_pages(folder: Path, names: tuple[str, ...] = ("ann", "bob", "cleo")) -> None:
    from blender_addon.command import batch_run
    from blender_addon.command.batch_jobs import Job
    from blender_addon.command.batch_options import BatchRequest

    jobs = tuple(Job(name, folder / f"{name}.obj", ()) for name in names)
    outcomes = [batch_run.Outcome(job, "failed", 0.0, "It was given up.") for job in jobs]
    request = BatchRequest(jobs, folder, ("fbx",), (), 1, 60.0, False, False)
    batch_run._write_results(request, outcomes)


ACTIVITIES = (
    Activity(
        "writing a bundle",
        lambda folder: save_bundle(_bundle(1), folder / "face.facegen"),
        lambda folder: save_bundle(_bundle(0), folder / "face.facegen"),
        weight=4.0,
    ),
    Activity(
        "writing a landmark file",
        lambda f: _landmarks(f, 1),
        lambda f: _landmarks(f, 0),
        weight=4.0,
    ),
    Activity("adding face shapes to a bundle", _face_shapes, _before_face_shapes, weight=4.0),
    Activity("building the zip", _zip, _before_zip, weight=4.0),
    Activity(
        "writing the pages of a batch",
        _batch_pages,
        lambda f: _batch_pages(f, ("ann",)),
        weight=4.0,
    ),
    Activity("training the expression model", _expression_model, weight=0.5),
    Activity("training the landmark GAN", _landmark_gan, weight=0.5),
    Activity("training the displacement decoder", _decoder, _before_decoder, weight=0.5),
    Activity("training the peers", _peers, weight=0.5),
    Activity("drawing pictures for the detector", _pictures, weight=0.4),
    Activity("training the landmark detector", _detector, _before_detector, weight=0.4),
    Activity("exporting a bundle", _export, _before_export, weight=4.0),
    Activity("preparing ICT-FaceKit", _ict, _before_ict, weight=0.4),
    Activity("preparing a folder of scans", _scans, _before_scans, weight=0.4),
)
