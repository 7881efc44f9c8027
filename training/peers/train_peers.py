"""Train the peers one after the other: each into its own folder, each can go on after a kill."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.datasets.training_data import TrainingData
from training.evaluation.questions import Labels
from training.evaluation.reference import REFERENCE_RULE
from training.expression_model.reconstruction import class_means
from training.expression_model.recordings import MagnitudeStatistics, magnitude_statistics
from training.landmark_gan.takes import LandmarkTake, takes_of
from training.peers.class_mean_rbf import choose_anchors
from training.peers.config import PeersConfig
from training.peers.landmark_paths import Paths, read_paths
from training.peers.run_folder import RunFolder, start_folder
from training.peers.train_motion3dgan import train_motion3dgan
from training.peers.train_s2d import Frames, sample_frames, train_s2d
from training.runs.provenance import commit, data_hash, versions
from training.runs.settings import TrainingConfigError
from training.runs.threads import on_set_threads

PEERS = ("motion3dgan", "s2d", "rbf")
# Streams of random numbers: which frames are taken.
_TRAINING_FRAMES, _HELD_OUT_FRAMES, _MOTION_FRAMES = 41, 42, 43


@dataclass(eq=False)
class _Material:
    """What the peers learn from, read when the first of them asks."""

    config: PeersConfig
    data: TrainingData

    @cached_property
    def takes(self) -> list[LandmarkTake]:
        return takes_of(self.data, "train", REFERENCE_RULE)

    @cached_property
    def labels(self) -> Labels:
        recordings = [take.recording for take in self.takes]
        statistics = magnitude_statistics(recordings, len(self.data.expressions))
        return Labels(statistics, REFERENCE_RULE)

    @cached_property
    def held_out_paths(self) -> Paths | None:
        if not self.data.sequences.get("val"):
            return None
        return read_paths(takes_of(self.data, "val", REFERENCE_RULE), self.labels)

    def frames(self, split: str, per_sequence: int, stream: int) -> Frames:
        rng = np.random.default_rng([self.config.seed, stream])
        return sample_frames(self.data.sequences[split], self.data.template, per_sequence, rng)

    def held_out_frames(self, count: int) -> Frames | None:
        sequences = self.data.sequences.get("val")
        if not sequences:
            return None
        return self.frames("val", max(1, count // len(sequences)), _HELD_OUT_FRAMES)

    @cached_property
    def told(self) -> dict[str, Any]:
        """What every checkpoint says of data and labels."""
        return {
            "data_hash": data_hash(self.data),
            "training_data": self.data.provenance,
            "expressions": list(self.data.expressions),
            "frame_rate": self.data.frame_rate,
            "magnitude_means": list(self.labels.statistics.means),
            "magnitude_deviations": list(self.labels.statistics.deviations),
            "commit": commit(),
            "versions": versions(),
        }


@on_set_threads
def train_peers(
    config: PeersConfig,
    data: TrainingData,
    out_root: Path,
    resume: bool = False,
    only: Collection[str] | None = None,
) -> dict[str, dict[str, Any]]:
    """{peer: its metrics}, of all or only some; folders OUT_ROOT/motion3dgan, /s2d and /rbf.

    resume: go on where a folder holds a checkpoint. Raises TrainingConfigError for a name that is
    no peer's, CheckpointError where a checkpoint is of other settings or data.
    """
    unknown = sorted(set(only or ()) - set(PEERS))
    if unknown:
        raise TrainingConfigError(f"'{unknown[0]}' is no peer: choose from {', '.join(PEERS)}.")
    material, metrics = _Material(config, data), {}
    for name in PEERS:
        if only is None or name in only:
            folder = start_folder(Path(out_root) / name, config, name, material.told)
            metrics[name] = _TRAINERS[name](material, folder, resume)
    return metrics


def labels_of(told: dict[str, Any]) -> Labels:
    """The labels a checkpoint was trained with."""
    means, deviations = told["magnitude_means"], told["magnitude_deviations"]
    return Labels(MagnitudeStatistics(tuple(means), tuple(deviations)), REFERENCE_RULE)


def _train_motion3dgan(material: _Material, folder: RunFolder, resume: bool) -> dict[str, Any]:
    paths = read_paths(material.takes, material.labels)
    return train_motion3dgan(material.config, folder, paths, material.held_out_paths, resume)


def _train_s2d(material: _Material, folder: RunFolder, resume: bool) -> dict[str, Any]:
    settings = material.config.s2d
    frames = material.frames("train", settings.frames_per_sequence, _TRAINING_FRAMES)
    held_out = material.held_out_frames(settings.validation_frames)
    template = material.data.template
    return train_s2d(material.config, folder, frames, held_out, template, resume)


def _train_rbf(material: _Material, folder: RunFolder, resume: bool) -> dict[str, Any]:
    """Nothing to go on with: it takes seconds to count."""
    settings, labels, template = material.config.rbf, material.labels, material.data.template
    recordings = [take.recording for take in material.takes]
    means = class_means(recordings, labels.statistics, labels.rule)
    frames = material.frames("train", 1, _MOTION_FRAMES)
    motion = _rms(frames.skin)
    anchors = choose_anchors(template, motion, settings.still_share, settings.num_anchors)
    weights = {"means": means.coefficients, "anchors": anchors.astype(np.int64)}
    folder.save(weights, {"is_finished": True})
    metrics = {"num_anchors": len(anchors), "takes": len(recordings)}
    folder.finish(metrics)
    return metrics


def _rms(skin: NDArray[np.float16]) -> NDArray[np.float64]:
    """(V,) RMS length of (N, V, 3), a frame at a time."""
    total = np.zeros(skin.shape[1])
    for frame in skin:
        total += np.square(frame.astype(np.float64)).sum(axis=1)
    return np.sqrt(total / len(skin))


_TRAINERS = {"motion3dgan": _train_motion3dgan, "s2d": _train_s2d, "rbf": _train_rbf}
