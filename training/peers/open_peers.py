"""The trained peers, as the evaluation asks them: generators of landmarks, decoders of skin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facegen_core.errors import FacegenError
from facegen_core.landmarks import NUM_LANDMARKS
from training.datasets.training_data import TrainingData
from training.expression_model.reconstruction import ClassMeans
from training.peers.class_mean_rbf import ClassMeanLandmarks, RBFSkin
from training.peers.config import Motion3DGANConfig
from training.peers.landmark_paths import PathPlayer
from training.peers.motion3dgan import PathGenerator
from training.peers.run_folder import open_finished
from training.peers.s2d_decoder import S2DDecoder, S2DSkin
from training.peers.train_peers import PEERS, labels_of
from training.runs.checkpoint import CheckpointError, restore_model
from training.runs.settings import settings_of_kind


@dataclass(frozen=True, eq=False)
class Peers:
    """generators: {"motion3dgan", "class_mean"} with imagine(question, seed) → (T, 68, 3);
    decoders: {"s2d", "rbf"} with decode(neutral, landmarks) → (T, V, 3); missing: {folder: why}."""

    generators: dict[str, PathPlayer | ClassMeanLandmarks]
    decoders: dict[str, S2DSkin | RBFSkin]
    missing: dict[str, str]


def open_peers(runs: Path, data: TrainingData) -> Peers:
    """Those below RUNS/peers that are finished; what cannot be used is named with why."""
    peers = Peers({}, {}, {})
    for name in PEERS:
        try:
            _OPENERS[name](Path(runs) / "peers" / name, data, peers)
        except FacegenError as error:
            peers.missing[name] = str(error)
    return peers


def _open_motion3dgan(folder: Path, data: TrainingData, peers: Peers) -> None:
    checkpoint = open_finished(folder, _told(data))
    settings = settings_of_kind(Motion3DGANConfig, checkpoint.progress["settings"])
    lengths = np.array(checkpoint.progress["lengths"])
    generator = PathGenerator(settings, len(lengths))
    restore_model(generator, checkpoint.average)
    generator.eval().requires_grad_(False)
    labels = labels_of(checkpoint.progress)
    peers.generators["motion3dgan"] = PathPlayer(generator, labels, lengths)


def _open_s2d(folder: Path, data: TrainingData, peers: Peers) -> None:
    checkpoint = open_finished(folder, _told(data))
    channels = tuple(checkpoint.progress["settings"]["channels"])
    model = S2DDecoder(channels, data.template.hierarchy)
    restore_model(model, checkpoint.average)
    peers.decoders["s2d"] = S2DSkin(model.eval().requires_grad_(False))


def _open_rbf(folder: Path, data: TrainingData, peers: Peers) -> None:
    checkpoint = open_finished(folder, _told(data))
    means, anchors = (checkpoint.weights[name] for name in ("means", "anchors"))
    if means.shape[2] != 3 * NUM_LANDMARKS or anchors.max(initial=0) >= data.template.num_vertices:
        raise CheckpointError(f"{folder} is of another template: train it again.")
    labels = labels_of(checkpoint.progress)
    slit_mm = float(checkpoint.progress["settings"]["slit_mm"])
    peers.generators["class_mean"] = ClassMeanLandmarks(labels, ClassMeans(means))
    peers.decoders["rbf"] = RBFSkin(data.template, anchors, slit_mm)


def _told(data: TrainingData) -> dict:
    return {"expressions": list(data.expressions), "frame_rate": data.frame_rate}


_OPENERS = {"motion3dgan": _open_motion3dgan, "s2d": _open_s2d, "rbf": _open_rbf}
