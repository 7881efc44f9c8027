"""Settings of a protocol: defaults are code, a YAML file states only differences."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from training.displacement_decoder.config import DecoderTrainConfig
from training.landmark_gan.config import LandmarkTrainConfig
from training.peers.config import PeersConfig
from training.runs.settings import (
    NUM_THREADS,
    TrainingConfigError,
    check_num_threads,
    read_settings,
    settings_of_kind,
)

# What all parts share, and what the protocol says itself, fold by fold.
_COMMON = ("seed", "device", "num_threads")
_DECIDED = {
    "landmarks": ("data", "out", "basis_from", *_COMMON),
    "decoder": ("basis_from", *_COMMON),
    "peers": ("data", "out", *_COMMON),
}


@dataclass(frozen=True)
class ProtocolConfig:
    """What is trained in every fold, and how it is measured."""

    seed: int = 1
    device: Literal["auto", "cpu", "cuda"] = "auto"
    # Threads all parts are trained with on the CPU; the same number, the same weights.
    num_threads: int = NUM_THREADS
    # Blendshapes that the generators and the decoder carry to each face: a PCA of so many frames of
    # the training subjects.
    num_blendshapes: int = 64
    basis_frames: int = 1500
    landmarks: LandmarkTrainConfig = field(default_factory=LandmarkTrainConfig)
    decoder: DecoderTrainConfig = field(default_factory=DecoderTrainConfig)
    peers: PeersConfig = field(default_factory=PeersConfig)
    # Answers of random systems to each question; frames of a take in which the skin of every
    # answer is compared; takes of each test subject and expression, 0 for all.
    noises: int = 10
    looked: int = 12
    takes: int = 0
    # Frames of a take the classifier sees, and takes of every expression it needs to learn from.
    classifier_frames: int = 40
    classifier_takes: int = 8

    def __post_init__(self) -> None:
        check_num_threads(self.num_threads)
        for name in ("num_blendshapes", "basis_frames", "noises", "classifier_takes"):
            if getattr(self, name) < 1:
                raise TrainingConfigError(
                    f"'{name}': expected 1 or more, got {getattr(self, name)}."
                )
        for name, least in (("looked", 2), ("classifier_frames", 4), ("takes", 0)):
            if getattr(self, name) < least:
                raise TrainingConfigError(
                    f"'{name}': expected {least} or more, got {getattr(self, name)}."
                )


def read_protocol_config(path: Path | None, **overrides: Any) -> ProtocolConfig:
    """A YAML file of differences, then overrides (values that are None are left out).

    Raises TrainingConfigError with the setting's name.
    """
    content = read_settings(path) if path is not None else {}
    if not isinstance(content, dict):
        raise TrainingConfigError(f"{path}: expected 'setting: value' lines, got {content!r}.")
    for section, decided in _DECIDED.items():
        stated = content.get(section, {})
        for name in decided:
            if isinstance(stated, dict) and name in stated:
                raise TrainingConfigError(
                    f"'{section}.{name}' is decided by the protocol for all parts alike: leave it "
                    "out."
                )
    content |= {name: value for name, value in overrides.items() if value is not None}
    config = settings_of_kind(ProtocolConfig, content)
    common: dict[str, Any] = {name: getattr(config, name) for name in _COMMON}
    return dataclasses.replace(
        config,
        landmarks=dataclasses.replace(config.landmarks, **common),
        decoder=dataclasses.replace(config.decoder, **common),
        peers=dataclasses.replace(config.peers, **common),
    )
